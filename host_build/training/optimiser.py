"""Stochastic gradient descent as a recipe wants it, and its learning rate over a stage."""

from __future__ import annotations

import math
from typing import Any

from torch import nn
from torch.optim import SGD

from host_build.training.recipes import Recipe, Stage


def sgd(model: nn.Module, recipe: Recipe, stage: Stage) -> SGD:
    """For all parameters of `model`; unless the recipe says so, decay spares all but matrices."""
    matrices = [p for p in model.parameters() if recipe.decay_all or p.ndim > 1]
    others = [p for p in model.parameters() if not recipe.decay_all and p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices},
        {"params": others, "weight_decay": 0.0},
    ]
    return SGD(
        groups, lr=stage.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )  # fmt: skip


def learning_rate(stage: Stage, epoch: float) -> float:
    """The rate at a fraction of an epoch: linear warm-up, then a cosine down to zero."""
    if epoch < stage.warmup:
        return stage.learning_rate * epoch / stage.warmup
    progress = (epoch - stage.warmup) / (stage.epochs - stage.warmup)
    return stage.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
