"""A training: model, optimiser, position and history, from epoch to epoch."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from brevitas.graph.calibrate import calibration_mode
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from tqdm import tqdm

from host_build.errors import HostError
from host_build.training import checkpoint, onednn, teacher
from host_build.training.images import Images, View, accuracy, batches, device_name, shuffled
from host_build.training.models import build
from host_build.training.networks import Network
from host_build.training.optimiser import learning_rate, sgd
from host_build.training.recipes import Recipe, Stage
from host_build.training.resnet import CALIBRATION_STEPS

CALIBRATION_BATCH = 128
NORM_BATCH = 500
# BatchNorm's statistics settle in these last epochs to the arithmetic they are evaluated in.
FULL_PRECISION_SHARE = 0.2


class DivergedError(HostError):
    """The weights are none any more; the message says when."""


class Training:
    """The state of one run: model, optimiser, position and history; saved after every epoch.

    It is to `begin` or to `resume` before anything else.
    """

    def __init__(
        self, variant: Network, recipe: Recipe, seed: int, folder: Path, device: torch.device,
        images: Images,
    ) -> None:  # fmt: skip
        self.variant, self.recipe, self.seed, self.folder = variant, recipe, seed, folder
        self.device, self.images = device, images
        self.history: list[dict[str, Any]] = []
        self.stage, self.epoch = 0, 0
        # The recipes that the weights it began with were trained by, the first one first.
        self.start: list[str] = []

    def begin(self, start: Path | None = None) -> None:
        """Start from random weights, or from those in the checkpoint `start`."""
        torch.manual_seed(self.seed)
        if start is None:
            self._enter_stage({})
        else:
            weights, self.start = checkpoint.weights(start, self.variant)
            self._enter_stage(weights)

    @property
    def last(self) -> Path:
        return self.folder / checkpoint.LAST

    @property
    def best(self) -> Path:
        return self.folder / "best.safetensors"

    @property
    def floats(self) -> Path:
        return self.folder / "float.safetensors"

    @property
    def finished(self) -> bool:
        return self.stage == len(self.recipe.stages)

    @property
    def _now(self) -> Stage:
        return self.recipe.stages[self.stage]

    @property
    def _epochs_before(self) -> int:
        return sum(stage.epochs for stage in self.recipe.stages[: self.stage])

    def _enter_stage(self, weights: dict[str, Tensor]) -> None:
        """Build the stage's model with such of `weights` as it has."""
        model = self._build(self._now)
        missing = model.load_state_dict(weights, strict=False).missing_keys
        # Brevitas makes quantisers anew where weights are loaded, on the processor.
        model.to(self.device)
        # Quantised weights come with scales that were learned.
        if self._now.quantised and missing:
            with torch.no_grad(), calibration_mode(model):
                for pixels in self.images.pixels.split(CALIBRATION_BATCH)[:CALIBRATION_STEPS]:
                    model(pixels.permute(0, 3, 1, 2).float())
        self._use(model)

    def _build(self, stage: Stage) -> nn.Module:
        return build(self.variant, quantised=stage.quantised).to(self.device)

    def _use(self, model: nn.Module) -> None:
        recipe = self.recipe
        self.format = onednn.memory_format(model)
        self.model = model.to(memory_format=self.format)  # type: ignore[call-overload]
        self.step: nn.Module = (
            # Steps of few and small kernels take longer to be launched than to run.
            torch.compile(self.model, dynamic=False, mode="reduce-overhead")  # type: ignore[assignment]
            if _compiling_pays(self.device) else self.model
        )  # fmt: skip
        self.average = (
            AveragedModel(
                self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True
            )
            if recipe.average
            else None
        )
        self.teacher = self._teacher() if self._now.distil else None
        self.optimizer = sgd(self.model, recipe, self._now)

    def _teacher(self) -> teacher.Teacher:
        """The networks given to learn from, or else the float stage's."""
        paths = teacher.kept(self.folder) or [self.floats]
        network = teacher.Ensemble([checkpoint.load_any(path) for path in paths])
        half = _bfloat16_is_fast(self.device)
        return teacher.Teacher(network, self.images, self.recipe, half=half, cache=teacher.CACHE)

    def _half(self) -> bool:
        """Whether to train this epoch in bfloat16."""
        stage = self._now
        if stage.quantised and self.device.type == "cuda":
            return False  # in TF32 then, which has more digits than any activation
        settling = stage.quantised and self.epoch >= (1 - FULL_PRECISION_SHARE) * stage.epochs
        return not settling and _bfloat16_is_fast(self.device)

    def _loss(self, logits: Tensor, labels: Tensor, wanted: Tensor | None) -> Tensor:
        loss = nn.functional.cross_entropy(
            logits, labels, label_smoothing=self.recipe.label_smoothing
        )
        if wanted is None:
            return loss
        share = self._now.distil
        return (1 - share) * loss + share * teacher.divergence(logits, wanted)

    def epoch_and_measure(self, held_out: Images) -> dict[str, Any]:
        """Train one epoch, measure what is kept on `held_out`, and save; its row of the history.

        DivergedError, and nothing saved, where the loss is no number any more.
        """
        row = self._run_epoch()
        if not math.isfinite(row["loss"]):
            raise DivergedError(
                f"the loss of {self.variant.name} is {row['loss']} in epoch {row['epoch']}; "
                f"what was trained before it is in {self.folder}; train with another --seed, or "
                "with --device cpu"
            )
        kept = self._settled()
        row["held_out"] = accuracy(kept, held_out)
        self._record(row, kept)
        return row

    def _run_epoch(self) -> dict[str, Any]:
        """Train one epoch, measure it on nothing, and return its row."""
        start, stage, recipe = time.monotonic(), self._now, self.recipe
        steps = math.ceil(len(self.images) / recipe.batch)
        total = self._epochs_before + self.epoch
        number = total % recipe.views if recipe.views else total
        # Different streams for every epoch and seed; the factor keeps the seeds' streams apart.
        base = self.seed * 200_003
        # Views that come again are those of every seed, so that a teacher is asked for them once.
        view = View.draw(self.images, (0 if recipe.views else base) + 2 * number + 1)
        order = shuffled(self.images, base + 2 * total)
        wanted = None if self.teacher is None else self.teacher.logits(view)
        stream = batches(self.images, recipe.batch, view, order=order, cutout=recipe.cutout)
        half = self._half()
        self.model.train()
        loss_sum = torch.zeros((), device=self.device)
        bar = tqdm(stream, total=steps, desc=f"epoch {self.epoch + 1}", leave=False, unit="batch")
        for step, (pixels, index) in enumerate(bar):
            labels = self.images.labels[index]
            rate = learning_rate(stage, self.epoch + step / steps)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.zero_grad()
            pixels = pixels.contiguous(memory_format=self.format)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                # Compiling for the last batch, which is smaller, takes longer than it saves.
                network = self.step if len(index) == recipe.batch else self.model
                loss = self._loss(
                    network(pixels).float(), labels, None if wanted is None else wanted[index]
                )
            loss.backward()
            self.optimizer.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
            loss_sum += loss.detach() * len(labels)
        self.epoch += 1
        return {
            "epoch": self._epochs_before + self.epoch,
            "quantised": stage.quantised,
            "loss": float(loss_sum) / len(self.images),
            "seconds": time.monotonic() - start,
            "device": device_name(self.device),
        }

    def _settled(self) -> nn.Module:
        """The network to measure and keep: the moving average, with norms of its own if asked."""
        network = self.average.module if self.average is not None else self.model
        if not self.recipe.norms:
            return network
        network = copy.deepcopy(network)
        images = self.images.first(self.recipe.norms)
        view = View.draw(images, self.seed)
        update_bn(
            (pixels for pixels, _ in batches(images, NORM_BATCH, view, cutout=self.recipe.cutout)),
            network,
        )
        return network

    def _record(self, row: dict[str, Any], kept: nn.Module) -> None:
        """Add `row`, keep the best quantised network, move on where a stage ends, and save."""
        earlier = [r["held_out"] for r in self.history if r["quantised"]]
        self.history.append(row)
        if row["quantised"] and row["held_out"] > max(earlier, default=-1.0):
            self._keep(self.best, kept, row)
        if self.epoch == self._now.epochs:
            if not self._now.quantised:
                self._keep(self.floats, kept, row)
            self.stage, self.epoch = self.stage + 1, 0
            if not self.finished:
                self._enter_stage(kept.state_dict())
        self._save()

    def _keep(self, path: Path, network: nn.Module, row: dict[str, Any]) -> None:
        """Write `network`, which is that after the epoch of `row`."""
        checkpoint.write(
            path, checkpoint.model_tensors(network), self.variant, **self._given(),
            start=self.start, epoch=row["epoch"], held_out=row["held_out"],
        )  # fmt: skip

    def _save(self) -> None:
        tensors = checkpoint.model_tensors(self.model)
        if self.average is not None:
            tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            if state.get("momentum_buffer") is not None:
                tensors[f"momentum.{index}"] = state["momentum_buffer"]
        checkpoint.write(
            self.last, tensors, self.variant, **self._given(),
            start=self.start, stage=self.stage, epoch=self.epoch, history=self.history,
        )  # fmt: skip

    def _given(self) -> dict[str, Any]:
        """What a resumed run must be given again."""
        return {"recipe": asdict(self.recipe), "seed": self.seed, "images": len(self.images)}

    def resume(self) -> None:
        """Continue where `last` left off; CheckpointError if it was given anything else."""
        tensors, meta = checkpoint.read(self.last)
        checkpoint.require_variant(self.last, meta, self.variant)
        mine = json.loads(json.dumps(self._given()))
        differing = [
            f"{key} {meta.get(key)}, not {value}"
            for key, value in mine.items()
            if meta.get(key) != value
        ]
        if differing:
            raise checkpoint.CheckpointError(
                f"{self.last} was trained with {'; '.join(differing)}; give the same --recipe, "
                "--seed and --limit, or another --out folder"
            )
        self.stage, self.epoch, self.history = meta["stage"], meta["epoch"], meta["history"]
        self.start = meta.get("start", [])
        if self.finished:
            return
        model = self._build(self._now)
        model.load_state_dict(checkpoint.under("model", tensors))
        self._use(model.to(self.device))
        if self.average is not None:
            self.average.load_state_dict(checkpoint.under("average", tensors))
        state = self.optimizer.state_dict()
        state["state"] = {
            int(index): {"momentum_buffer": tensor}
            for index, tensor in checkpoint.under("momentum", tensors).items()
        }
        self.optimizer.load_state_dict(state)


def _compiling_pays(device: torch.device) -> bool:
    """Fused kernels are many times faster on a GPU; on a CPU they were no faster, or slower."""
    return device.type == "cuda"


def _bfloat16_is_fast(device: torch.device) -> bool:
    """Without hardware support bfloat16 works too, but slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()
