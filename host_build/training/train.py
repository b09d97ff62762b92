"""Train one network on CIFAR-10: float and quantised stages, resumable, epoch held-out-chosen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from board_app.pictures.cifar10 import load
from board_app.system.files import write_json
from host_build.training import checkpoint, teacher
from host_build.training.curves import plot_curves
from host_build.training.images import Images, accuracy, device_name, split, training_device
from host_build.training.loop import Training
from host_build.training.models import require_trainable
from host_build.training.networks import Network
from host_build.training.recipes import Recipe


def train(
    variant: Network, recipe: Recipe, cifar10: Path, folder: Path, *,
    seed: int = 0, device: str | None = None, resume: bool = False, limit: int | None = None,
    taught_by: Sequence[Path] = (), start: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train `variant` and return its result, also written to `folder`/result.json.

    Writes last.safetensors (to resume from), best.safetensors (the epoch that is best on the
    held-out images), float.safetensors (the end of the float stage) and curves.png. The test
    images are read once, after the choice. The result has None for a kind that was not trained.
    `limit` trains and measures on that many images of each kind, to try the machinery.
    `taught_by` are checkpoints of other networks, for the recipe's distilled stages, which learn
    from the mean of their logits; copies stay in `folder`, which a resumed run learns from.
    `start` is a checkpoint of another training of `variant`, whose weights this one begins with.
    """
    require_trainable(variant, recipe)
    last = folder / checkpoint.LAST
    if last.exists() and not resume:
        raise checkpoint.CheckpointError(
            f"{last} exists; continue it with the same options and --resume, or give another "
            "--out folder"
        )
    if resume and start:
        raise checkpoint.CheckpointError(f"{folder} has begun; continue it without --start")
    teacher.bring(taught_by, folder, recipe, resume=resume)
    target = training_device(device)
    images, held_out = split(load(cifar10, "train"), target, limit)
    run = Training(variant, recipe, seed, folder, target, images)
    if resume:
        run.resume()
    else:
        run.begin(start)
    with tqdm(
        total=sum(s.epochs for s in recipe.stages), initial=len(run.history), unit="epoch",
        desc=variant.name,
    ) as bar:  # fmt: skip
        while not run.finished:
            row = run.epoch_and_measure(held_out)
            plot_curves(run.history, variant.name, folder / "curves.png")
            bar.set_postfix(loss=f"{row['loss']:.3f}", held_out=f"{row['held_out']:.2%}")
            bar.update()

    dataset = load(cifar10, "test").first(limit)
    test = Images(
        torch.from_numpy(dataset.images).to(target), torch.from_numpy(dataset.labels).to(target)
    )

    def measured(path: Path, *, quantised: bool) -> float | None:
        if all(stage.quantised != quantised for stage in recipe.stages):
            return None
        network, _ = checkpoint.load_network(path, variant, quantised=quantised)
        return accuracy(network.to(target), test)

    # Runs that an older version began do not say where.
    here = device_name(target)
    _, meta = checkpoint.read(run.best if recipe.quantises else run.floats)
    result = {
        "network": variant.name,
        "parameters": variant.total_parameters,
        "recipe": recipe.name,
        "teacher": teacher.names(folder),
        "start": run.start,
        "seed": seed,
        "best_epoch": meta["epoch"],
        "epochs": len(run.history),
        "held_out_accuracy": meta["held_out"],
        "float_accuracy": measured(run.floats, quantised=False),
        "test_accuracy": measured(run.best, quantised=True),
        "test_images": len(test),
        "training_seconds": round(sum(row["seconds"] for row in run.history), 1),
        "device": ", then ".join(dict.fromkeys(row.get("device", here) for row in run.history)),
    }
    _keep(result, folder / "result.json")
    return result


def _keep(result: dict[str, Any], path: Path) -> None:
    """Write `result`, but let one be that has the same and what `compile` added to it."""
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        known = {}
    if known | result != known:
        write_json(path, result)
