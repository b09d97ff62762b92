"""A bias of the logits, by kernels there are: a constant that is added.

Thresholds that are always reached give the same levels for every image: 1 in the first channel,
the largest in the others. A matrix makes any integer of them, and an adder adds it to the logits.
"""

from __future__ import annotations

import numpy as np

from board_app.network.nodes import Add, Convolution, DataType, Threshold
from host_build.compiler.model import CompileError
from host_build.kernels.base import signed_bits

_LARGEST_WEIGHT = 127
_BITS = range(2, 9)


def add_bias(
    head: Convolution, source: tuple[int, int, int], dtype: DataType, bias: np.ndarray,
    name: str, given: DataType,
) -> tuple[Threshold, Convolution, Add]:  # fmt: skip
    """The nodes that add `bias` (classes,) int64 to what `head` gives of `source`-shaped `dtype`.

    `name` and `given` are those of the sum. CompileError if the bias is too large for them.
    """
    channels = source[2]
    largest = int(np.abs(bias).max())
    bits = next((b for b in _BITS if largest <= reach(channels, b)), None)
    if source[:2] != head.kernel or bits is None:
        raise CompileError(
            f"lower: the bias of the logits, up to {largest} steps, is more than kernels add to "
            f"a head of {channels} inputs"
        )
    most = (1 << bits) - 1
    thresholds = np.full((channels, most), dtype.minimum, np.int32)
    thresholds[0, 1:] = dtype.maximum + 1
    levels = Threshold(
        "bias_levels", head.inputs, source, DataType(bits, signed=False), thresholds, 0
    )
    sums = DataType(signed_bits(-largest, largest), signed=True)
    weights = np.zeros_like(head.weights)
    weights[:, 0, 0] = _weights(bias, most, channels)
    matrix = Convolution("bias_conv", (levels.name,), head.shape, sums, weights, 1, 0)
    return levels, matrix, Add(name, (head.name, matrix.name), head.shape, given)


def reach(channels: int, bits: int = _BITS[-1]) -> int:
    """The largest bias that a matrix makes of levels of `bits` bits."""
    return _LARGEST_WEIGHT * ((1 << bits) - 1) * (channels - 1)


def _weights(bias: np.ndarray, most: int, channels: int) -> np.ndarray:
    """(classes, channels) int8: bias = weight 0 + most * the sum of the others."""
    size = np.abs(bias)
    weights = np.zeros((len(bias), channels), np.int64)
    weights[:, 0] = size % most
    left = size // most
    for channel in range(1, channels):
        weights[:, channel] = np.minimum(left, _LARGEST_WEIGHT)
        left = left - weights[:, channel]
    # Half of a large remainder is nearer from above.
    high = weights[:, 0] > _LARGEST_WEIGHT
    weights[high, 0] -= most
    for row in np.flatnonzero(high):
        weights[row, 1 + int(weights[row, 1:].argmin())] += 1
    return (np.sign(bias)[:, None] * weights).astype(np.int8)
