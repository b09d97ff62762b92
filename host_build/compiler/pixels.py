"""What a model takes for a pixel: 0..255 itself, 0..1, or a normalised number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from host_build.training.resnet import MEAN, STD


@dataclass(frozen=True)
class PixelRange:
    """The number (p / 255 - mean) / deviation for a pixel p, each channel with its own.

    One number stands for all channels.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def fits(self, channels: int) -> bool:
        """Whether it says something of pictures of so many channels."""
        return {len(self.mean), len(self.deviation)} <= {1, channels}

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """The numbers for `pixels` (..., channels) float32 0..255."""
        mean, deviation = np.asarray(self.mean, np.float32), np.asarray(self.deviation, np.float32)
        return np.asarray((pixels / np.float32(255) - mean) / deviation, np.float32)

    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Factor and term (1, channels or 1, 1, 1) float32 that make them of pixels 0..255."""
        mean, deviation = (
            np.asarray(values, np.float32).reshape(1, -1, 1, 1)
            for values in (self.mean, self.deviation)
        )
        return 1 / (255 * deviation), -mean / deviation


# None is the pixel itself.
RANGES: dict[str, PixelRange | None] = {
    "pixels": None,
    "unit": PixelRange((0.0,), (1.0,)),
    "normalised": PixelRange(MEAN, STD),
}
