"""Train one network on CIFAR-10: float and quantised stages, resumable, epoch held-out-chosen."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from brevitas.graph.calibrate import calibration_mode
from torch import Tensor, nn
from tqdm import tqdm

from board_app.cifar10 import Dataset, load
from board_app.files import write_atomically
from host_build import checkpoint
from host_build.curves import plot_curves
from host_build.recipes import Recipe, Stage
from host_build.resnet import ResNet
from host_build.variants import Variant

HELD_OUT = 5_000
SPLIT_SEED = 2022
PADDING = 4
CALIBRATION_IMAGES = 1_024


@dataclass(frozen=True)
class Images:
    """Images on the training device: (N, 32, 32, 3) uint8, (N,) int64."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def split(train: Dataset, device: torch.device, limit: int | None = None) -> tuple[Images, Images]:
    """The images to train on and the held-out ones, the same split in every run."""
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(SPLIT_SEED))
    pixels, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels).long()
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]
    if limit is not None:
        held_out, rest = held_out[:limit], rest[:limit]
    return tuple(Images(pixels[i].to(device), labels[i].to(device)) for i in (rest, held_out))  # type: ignore[return-value]


def batches(images: Images, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of shuffled, cropped and flipped batches, all on the images' device.

    Yields float pixels (B, 3, 32, 32), channels last in memory, and labels. The order and the
    augmentation depend on `seed` alone, so that a resumed epoch is the same epoch.
    """
    device = images.pixels.device
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(images), generator=generator)
    shift = torch.randint(0, 2 * PADDING + 1, (len(images), 2), generator=generator)
    flip = torch.rand(len(images), 1, generator=generator) < 0.5
    padded = nn.functional.pad(images.pixels, (0, 0, PADDING, PADDING, PADDING, PADDING))
    span = torch.arange(images.pixels.shape[1])
    for chosen in order.split(size):
        rows = (shift[chosen, :1] + span).to(device)
        columns = shift[chosen, 1:] + torch.where(flip[chosen], span.flip(0), span)
        index = chosen.to(device)
        crop = padded[index[:, None, None], rows[:, :, None], columns.to(device)[:, None, :]]
        yield crop.permute(0, 3, 1, 2).float(), images.labels[index]


@torch.no_grad()
def accuracy(model: nn.Module, images: Images, batch: int = 500) -> float:
    """Fraction of `images` that `model` classifies correctly, in eval mode."""
    model.eval()
    correct = 0
    for pixels, labels in zip(images.pixels.split(batch), images.labels.split(batch), strict=True):
        logits = model(pixels.permute(0, 3, 1, 2).float())
        correct += int((logits.argmax(1) == labels).sum())
    return correct / len(images)


class Training:
    """The state of one run: model, optimiser, position and history; saved after every epoch."""

    def __init__(
        self, variant: Variant, recipe: Recipe, seed: int, folder: Path, device: torch.device,
        images: Images,
    ) -> None:  # fmt: skip
        self.variant, self.recipe, self.seed, self.folder = variant, recipe, seed, folder
        self.device, self.images = device, images
        self.history: list[dict[str, Any]] = []
        self.stage, self.epoch = 0, 0
        torch.manual_seed(seed)
        self._enter_stage(previous=None)

    @property
    def last(self) -> Path:
        return self.folder / "last.safetensors"

    @property
    def best(self) -> Path:
        return self.folder / "best.safetensors"

    @property
    def finished(self) -> bool:
        return self.stage == len(self.recipe.stages)

    @property
    def _now(self) -> Stage:
        return self.recipe.stages[self.stage]

    def _enter_stage(self, previous: nn.Module | None) -> None:
        """Build the stage's model, from the previous stage's weights where there are any."""
        quantised = self._now.quantised
        model = ResNet(self.variant, quantised=quantised).to(self.device)
        if previous is not None:
            model.load_state_dict(previous.state_dict(), strict=False)
        if quantised:
            with torch.no_grad(), calibration_mode(model):
                for pixels in self.images.pixels[:CALIBRATION_IMAGES].split(128):
                    model(pixels.permute(0, 3, 1, 2).float())
        self._use(model)

    def _use(self, model: nn.Module) -> None:
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=self._now.learning_rate, momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
        )  # fmt: skip

    def run_epoch(self) -> dict[str, Any]:
        """Train one epoch, measure it on nothing, and return its row of the history."""
        start, stage = time.monotonic(), self._now
        done_before = sum(s.epochs for s in self.recipe.stages[: self.stage])
        steps = math.ceil(len(self.images) / self.recipe.batch)
        # A different stream for every epoch and seed; the factor keeps the seeds' streams apart.
        stream = batches(
            self.images, self.recipe.batch, self.seed * 100_003 + done_before + self.epoch
        )
        half = not stage.quantised and _bfloat16_is_fast(self.device)
        self.model.train()
        loss_sum = torch.zeros((), device=self.device)
        bar = tqdm(stream, total=steps, desc=f"epoch {self.epoch + 1}", leave=False, unit="batch")
        for step, (pixels, labels) in enumerate(bar):
            progress = (self.epoch + step / steps) / stage.epochs
            for group in self.optimizer.param_groups:
                group["lr"] = stage.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
            self.optimizer.zero_grad()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                logits = self.model(pixels)
            loss = nn.functional.cross_entropy(logits.float(), labels)
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(labels)
        self.epoch += 1
        return {
            "epoch": done_before + self.epoch,
            "quantised": stage.quantised,
            "loss": float(loss_sum) / len(self.images),
            "seconds": time.monotonic() - start,
        }

    def record(self, row: dict[str, Any]) -> None:
        """Add `row`, keep the best quantised network, move on where a stage ends, and save."""
        earlier = [r["held_out"] for r in self.history if r["quantised"]]
        self.history.append(row)
        if row["quantised"] and row["held_out"] > max(earlier, default=-1.0):
            checkpoint.write(
                self.best, checkpoint.model_tensors(self.model), self.variant,
                recipe=asdict(self.recipe), seed=self.seed, epoch=row["epoch"],
                held_out=row["held_out"],
            )  # fmt: skip
        if self.epoch == self._now.epochs:
            self.stage, self.epoch = self.stage + 1, 0
            if not self.finished:
                self._enter_stage(previous=self.model)
        self._save()

    def _save(self) -> None:
        momenta = {
            f"momentum.{i}": state["momentum_buffer"]
            for i, state in self.optimizer.state_dict()["state"].items()
            if state.get("momentum_buffer") is not None
        }
        checkpoint.write(
            self.last, checkpoint.model_tensors(self.model) | momenta, self.variant,
            recipe=asdict(self.recipe), seed=self.seed, stage=self.stage, epoch=self.epoch,
            history=self.history,
        )  # fmt: skip

    def resume(self) -> None:
        """Continue where `last` left off; CheckpointError if it is of another network or recipe."""
        tensors, meta = checkpoint.read(self.last)
        checkpoint.require_variant(self.last, meta, self.variant)
        mine = json.loads(json.dumps({"recipe": asdict(self.recipe), "seed": self.seed}))
        theirs = {key: meta[key] for key in mine}
        if mine != theirs:
            raise checkpoint.CheckpointError(
                f"{self.last} was trained with {theirs}, not {mine}; "
                "give the same --recipe and --seed, or another --out folder"
            )
        self.stage, self.epoch, self.history = meta["stage"], meta["epoch"], meta["history"]
        if self.finished:
            return
        model = ResNet(self.variant, quantised=self._now.quantised).to(self.device)
        model.load_state_dict(
            {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        )
        self._use(model)
        state = self.optimizer.state_dict()
        state["state"] = {
            int(name.removeprefix("momentum.")): {"momentum_buffer": tensor}
            for name, tensor in tensors.items()
            if name.startswith("momentum.")
        }
        self.optimizer.load_state_dict(state)


def train(
    variant: Variant, recipe: Recipe, cifar10: Path, folder: Path, *,
    seed: int = 0, device: str | None = None, resume: bool = False, limit: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train `variant` and return its result, also written to `folder`/result.json.

    Writes last.safetensors (to resume from), best.safetensors (the epoch that is best on the
    held-out images) and curves.png. The test images are read once, after the choice.
    `limit` trains and measures on that many images of each kind, to try the machinery.
    """
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    images, held_out = split(load(cifar10, "train"), target, limit)
    run = Training(variant, recipe, seed, folder, target, images)
    if resume:
        run.resume()
    elif run.last.exists():
        raise checkpoint.CheckpointError(
            f"{run.last} exists; continue it with --resume, or give another --out folder"
        )
    with tqdm(
        total=sum(s.epochs for s in recipe.stages), initial=len(run.history), unit="epoch",
        desc=variant.name,
    ) as bar:  # fmt: skip
        while not run.finished:
            row = run.run_epoch()
            row["held_out"] = accuracy(run.model, held_out)
            run.record(row)
            plot_curves(run.history, variant.name, folder / "curves.png")
            bar.set_postfix(loss=f"{row['loss']:.3f}", held_out=f"{row['held_out']:.2%}")
            bar.update()

    model, meta = checkpoint.load_network(run.best, variant)
    test = load(cifar10, "test").first(limit)
    result = {
        "network": variant.name,
        "parameters": variant.total_parameters,
        "recipe": recipe.name,
        "seed": seed,
        "best_epoch": meta["epoch"],
        "epochs": len(run.history),
        "held_out_accuracy": meta["held_out"],
        "test_accuracy": accuracy(
            model.to(target),
            Images(
                torch.from_numpy(test.images).to(target), torch.from_numpy(test.labels).to(target)
            ),
        ),
        "test_images": len(test),
        "training_seconds": round(sum(row["seconds"] for row in run.history), 1),
        "device": torch.cuda.get_device_name(target) if target.type == "cuda" else "cpu",
    }
    write_atomically(folder / "result.json", (json.dumps(result, indent=2) + "\n").encode())
    return result


def _bfloat16_is_fast(device: torch.device) -> bool:
    """Without hardware support bfloat16 works too, but slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()
