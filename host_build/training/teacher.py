"""Trained networks whose logits another one learns from (Hinton et al., 2015)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from board_app.system.files import write_atomically
from host_build import caches
from host_build.training import checkpoint
from host_build.training.images import Images, View, batches
from host_build.training.recipes import Recipe

TEMPERATURE = 2.0
BATCH = 500
CACHE = caches.folder("logits")


class Ensemble(nn.Module):
    """The mean of the logits of several networks."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.stack([member(pixels).float() for member in self.members]).mean(0)


class Teacher:
    """Says its logits for all training images, a view at a time.

    Where the recipe repeats its views they are kept in `cache`, for later epochs, resumed runs and
    other networks that learn from the same teacher.
    """

    def __init__(
        self, network: nn.Module, images: Images, recipe: Recipe, *, half: bool, cache: Path
    ) -> None:  # fmt: skip
        device = images.pixels.device
        self.network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.images, self.recipe, self.half = images, recipe, half
        self.cache = cache
        self.asked = _digest(
            *network.state_dict().values(), images.pixels, text=f"{device.type} {half}"
        )

    def logits(self, view: View) -> Tensor:
        """The logits (N, 10) for `view`."""
        if not self.recipe.views:
            return self._compute(view)
        cutout = self.recipe.cutout
        parts = (view.shift, view.flip, *((view.centre,) if cutout else ()))
        path = self.cache / f"{_digest(*parts, text=f'{self.asked} {cutout}')}.npy"
        try:
            return torch.from_numpy(np.load(path)).to(self.images.pixels.device)
        except (OSError, ValueError, EOFError):
            found = self._compute(view)
        content = io.BytesIO()
        np.save(content, found.cpu().numpy())
        write_atomically(path, content.getvalue())
        return found

    @torch.no_grad()
    def _compute(self, view: View) -> Tensor:
        with torch.autocast(self.images.pixels.device.type, torch.bfloat16, enabled=self.half):
            return torch.cat([
                self.network(pixels).float()
                for pixels, _ in batches(self.images, BATCH, view, cutout=self.recipe.cutout)
            ])  # fmt: skip


def divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened probabilities, scaled to be added to a loss."""
    return TEMPERATURE**2 * nn.functional.kl_div(
        torch.log_softmax(logits / TEMPERATURE, 1), torch.log_softmax(wanted / TEMPERATURE, 1),
        log_target=True, reduction="batchmean",
    )  # fmt: skip


def kept(folder: Path) -> list[Path]:
    """The networks that the run in `folder` was given to learn from."""
    return sorted(folder.glob("teacher-*.safetensors"))


def names(folder: Path) -> str | None:
    """What those networks are called."""
    found = (checkpoint.named(path, checkpoint.read(path)[1]) for path in kept(folder))
    return "+".join(network.name for network in found) or None


def bring(given: Sequence[Path], folder: Path, recipe: Recipe, *, resume: bool) -> None:
    """Copy the teachers into the run's folder; CheckpointError where recipe and they disagree.

    A run that is not resumed has the teachers it is given, or none.
    """
    if given and not any(stage.distil for stage in recipe.stages):
        raise checkpoint.CheckpointError(f"recipe {recipe.name} learns from no --teacher")
    for path in given:
        checkpoint.load_any(path)
    contents = [path.read_bytes() for path in given]
    if not resume:
        for path in kept(folder):
            path.unlink()
        for number, content in enumerate(contents, 1):
            write_atomically(folder / f"teacher-{number}.safetensors", content)
    elif given and contents != [path.read_bytes() for path in kept(folder)]:
        raise checkpoint.CheckpointError(
            f"{folder} was not begun with {' and '.join(map(str, given))} as teacher; "
            "continue it without --teacher"
        )
    if recipe.stages[0].distil and not kept(folder):
        raise checkpoint.CheckpointError(
            f"recipe {recipe.name} learns from another network: "
            "give --teacher with the float.safetensors of its training"
        )


def _digest(*tensors: Tensor, text: str) -> str:
    found = sha256(text.encode())
    for tensor in tensors:
        found.update(tensor.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
