"""CIFAR-10 on the training device: split, augmented batches, and accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from board_app.pictures.cifar10 import Dataset
from host_build.errors import HostError

HELD_OUT = 5_000
SPLIT_SEED = 2022
PADDING = 4


@dataclass(frozen=True)
class Images:
    """Images on the training device: (N, 32, 32, 3) uint8, (N,) int64."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int | None) -> Images:
        """The first `count`; all for None."""
        return Images(self.pixels[:count], self.labels[:count])


class DeviceError(HostError):
    """There is no such device to train on."""


def training_device(name: str | None) -> torch.device:
    """The device called `name`; for None a GPU where there is one, else the processor."""
    try:
        found = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(f"--device {name} cannot be used: {reason}") from error
    # Every step has the same shapes, so it pays to try all algorithms once.
    torch.backends.cudnn.benchmark = found.type == "cuda"
    return found


def device_name(device: torch.device) -> str:
    """What a training's time is to be read with: the GPU, or how many threads of a processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{device.type}, {threads} thread{'s' if threads > 1 else ''}"


def split(train: Dataset, device: torch.device, limit: int | None = None) -> tuple[Images, Images]:
    """The images to train on and the held-out ones, the same split in every run."""
    pixels, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels).long()
    held_out, rest = (
        Images(pixels[chosen].to(device), labels[chosen].to(device)).first(limit)
        for chosen in _order(train)
    )
    return rest, held_out


def held_out(train: Dataset) -> Dataset:
    """The images that no network is trained on."""
    chosen = _order(train)[0].numpy()
    return replace(train, images=train.images[chosen], labels=train.labels[chosen])


def _order(train: Dataset) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(SPLIT_SEED))
    return order[:HELD_OUT], order[HELD_OUT:]


@dataclass(frozen=True)
class View:
    """A shift (N, 2), a mirroring (N, 1) and a blanked square's centre (N, 2) for every image."""

    shift: Tensor
    flip: Tensor
    centre: Tensor

    @classmethod
    def draw(cls, images: Images, seed: int) -> View:
        generator = torch.Generator().manual_seed(seed)
        count, side = images.pixels.shape[:2]
        # Drawn on the CPU, so that every device trains on the same.
        drawn = (
            torch.randint(0, 2 * PADDING + 1, (count, 2), generator=generator),
            torch.rand(count, 1, generator=generator) < 0.5,
            torch.randint(0, side, (count, 2), generator=generator),
        )
        return cls(*(tensor.to(images.pixels.device) for tensor in drawn))


def batches(
    images: Images, size: int, view: View, *, order: Tensor | None = None, cutout: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of cropped and flipped batches, all on the images' device.

    Yields float pixels (B, 3, 32, 32), channels last in memory, and the images' indices (B,) in
    `order`, or as they are. `cutout` blanks a square of that side (DeVries and Taylor, 2017) to the
    mean of the image.
    """
    device = images.pixels.device
    side = images.pixels.shape[1]
    padded = nn.functional.pad(images.pixels, (0, 0, PADDING, PADDING, PADDING, PADDING))
    span = torch.arange(side, device=device)
    order = torch.arange(len(images), device=device) if order is None else order
    for chosen in torch.split(order, size):
        rows = view.shift[chosen, :1] + span
        columns = view.shift[chosen, 1:] + torch.where(view.flip[chosen], span.flip(0), span)
        crop = padded[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
        pixels = crop.permute(0, 3, 1, 2).float()
        if cutout:
            near = (span - view.centre[chosen, :, None]).add(cutout // 2)  # (B, 2, side)
            inside = (near >= 0) & (near < cutout)
            square = inside[:, 0, :, None] & inside[:, 1, None, :]
            mean = pixels.mean((2, 3), keepdim=True)
            pixels = torch.where(square[:, None], mean, pixels)
        yield pixels, chosen


def shuffled(images: Images, seed: int) -> Tensor:
    """A random order of the images."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return order.to(images.pixels.device)


@torch.no_grad()
def logits_of(model: nn.Module, images: Images, batch: int = 500) -> Tensor:
    """The logits (N, 10) of `model` in eval mode for `images`."""
    model.eval()
    return torch.cat(
        [model(pixels.permute(0, 3, 1, 2).float()) for pixels in torch.split(images.pixels, batch)]
    )


def accuracy(model: nn.Module, images: Images) -> float:
    """Fraction of `images` that `model` classifies correctly, in eval mode."""
    right = logits_of(model, images).argmax(1) == images.labels
    return int(right.sum()) / len(images)
