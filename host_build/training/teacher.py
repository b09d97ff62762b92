"""A trained network whose logits another one learns from (Hinton et al., 2015)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from board_app.files import write_atomically
from host_build import variant_file
from host_build.training import checkpoint
from host_build.training.images import Images, View, batches
from host_build.training.recipes import Recipe
from host_build.training.resnet import ResNet
from host_build.variants import Variant, VariantError

FILE = "teacher.safetensors"
TEMPERATURE = 2.0
BATCH = 500


class Teacher:
    """Knows its logits for all training images, a view at a time; repeated views cost nothing."""

    def __init__(self, network: ResNet, images: Images, recipe: Recipe, *, half: bool) -> None:
        device = images.pixels.device
        self.network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.images, self.recipe, self.half = images, recipe, half
        self.known: dict[int, Tensor] = {}

    @torch.no_grad()
    def logits(self, number: int, view: View) -> Tensor:
        """The logits (N, 10) for `view`, which has that number among the recipe's views."""
        if number in self.known:
            return self.known[number]
        device = self.images.pixels.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.half):
            found = torch.cat([
                self.network(pixels).float()
                for pixels, _ in batches(self.images, BATCH, view, cutout=self.recipe.cutout)
            ])  # fmt: skip
        if self.recipe.views:
            self.known[number] = found
        return found


def divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened probabilities, scaled to be added to a loss."""
    return TEMPERATURE**2 * nn.functional.kl_div(
        torch.log_softmax(logits / TEMPERATURE, 1), torch.log_softmax(wanted / TEMPERATURE, 1),
        log_target=True, reduction="batchmean",
    )  # fmt: skip


def load(path: Path) -> ResNet:
    """The float network of a run, of any row; CheckpointError if `path` holds none."""
    return checkpoint.load_network(path, _variant(path), quantised=False)[0]


def name(folder: Path) -> str | None:
    """The network that the run in `folder` was given to learn from."""
    path = folder / FILE
    return _variant(path).name if path.exists() else None


def bring(given: Path | None, folder: Path, recipe: Recipe, *, resume: bool) -> None:
    """Copy the teacher into the run's folder; CheckpointError where recipe and teacher disagree.

    A run that is not resumed has the teacher it is given, or none.
    """
    kept = folder / FILE
    if given is None:
        if not resume:
            kept.unlink(missing_ok=True)
        if recipe.stages[0].distil and not kept.exists():
            raise checkpoint.CheckpointError(
                f"recipe {recipe.name} learns from another network: "
                "give --teacher with the float.safetensors of its training"
            )
        return
    if not any(stage.distil for stage in recipe.stages):
        raise checkpoint.CheckpointError(f"recipe {recipe.name} learns from no --teacher")
    load(given)
    content = given.read_bytes()
    if resume and not (kept.exists() and kept.read_bytes() == content):
        raise checkpoint.CheckpointError(
            f"{folder} was not begun with the teacher {given}; continue it without --teacher"
        )
    write_atomically(kept, content)


def _variant(path: Path) -> Variant:
    _, meta = checkpoint.read(path)
    try:
        return variant_file.parse(meta["variant"])
    except (KeyError, VariantError) as error:
        raise checkpoint.CheckpointError(f"{path} names no network: {error}") from error
