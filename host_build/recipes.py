"""How to train: stages of float or quantised epochs with their hyper-parameters, a row a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """Epochs of one kind, with a cosine schedule of their own from `learning_rate` to zero."""

    quantised: bool
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum, RandomCrop(32, padding 4) and horizontal flips."""

    name: str
    stages: tuple[Stage, ...]
    batch: int = 128
    momentum: float = 0.9
    weight_decay: float = 5e-4


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("report", (Stage(True, 200, 0.1),)),
        # Float epochs cost a seventh of quantised ones on a CPU, so most of the way is float.
        Recipe("warm", (Stage(False, 120, 0.1), Stage(True, 24, 0.02))),
        Recipe("smoke", (Stage(False, 1, 0.1), Stage(True, 1, 0.02))),
    )
}
