"""Numbers to stream beats and back, vectorised.

A stream of `width` bits is a numpy array: (N,) uint64 for width <= 64, else (N, words) uint32 with
words = ceil(width / 32) and the least significant word first. Inside a beat element 0 is in the
least significant bits; signed elements are two's complement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Beats = NDArray[np.unsignedinteger]


def words(width: int) -> int:
    """How many 32-bit words hold a beat of `width` bits."""
    return -(-width // 32)


def to_words(beats: ArrayLike, width: int) -> NDArray[np.uint32]:
    """Beats in either form, as a fresh (N, words) uint32 array; ValueError if they do not fit."""
    array = np.asarray(beats)
    count = words(width)
    if width <= 64 and array.ndim == 1:
        if array.size and (array.min() < 0 or int(array.max()) >> width):
            raise ValueError(f"beats {array.min()}..{array.max()} do not fit {width} unsigned bits")
        whole = np.ascontiguousarray(array, dtype="<u8").view("<u4").reshape(-1, 2)
        return whole[:, :count].copy()
    if array.shape[1:] != (count,):
        raise ValueError(f"{width}-bit beats are (N, {count}) uint32, not {array.shape}")
    spare = 32 * count - width
    if array.size and spare and int(array[:, -1].max()) >> (32 - spare):
        raise ValueError(f"beats have bits beyond bit {width - 1}")
    return np.array(array, dtype=np.uint32, order="C")


def from_words(array: NDArray[np.uint32], width: int) -> Beats:
    """The documented form of (N, words) uint32."""
    if width > 64:
        return array
    whole = np.zeros((len(array), 2), dtype="<u4")
    whole[:, : array.shape[1]] = array
    return whole.view("<u8")[:, 0].astype(np.uint64)


def pack(values: ArrayLike, element_bits: int) -> Beats:
    """(N, E) integers to N beats of E * element_bits bits; ValueError if a value does not fit.

    Both the signed and the unsigned range of `element_bits` (1..64) are accepted.
    """
    array = np.asarray(values)
    if array.ndim != 2:
        raise ValueError(f"pack takes (beats, elements), not an array of shape {array.shape}")
    low, high = -(1 << (element_bits - 1)), (1 << element_bits) - 1
    if array.size and (int(array.min()) < low or int(array.max()) > high):
        raise ValueError(f"{array.min()}..{array.max()} do not fit {element_bits} bits")
    unsigned = array.astype(np.int64 if array.dtype.kind != "u" else np.uint64).view(np.uint64)
    bits = (unsigned[:, :, None] >> np.arange(element_bits, dtype=np.uint64)) & np.uint64(1)
    width = array.shape[1] * element_bits
    padded = np.zeros((len(array), 32 * words(width)), dtype=np.uint8)
    padded[:, :width] = bits.reshape(len(array), width)
    packed = np.packbits(padded, axis=1, bitorder="little").view("<u4")
    return from_words(packed.reshape(len(array), words(width)), width)


def unpack(
    beats: Beats, element_bits: int, elements: int, *, signed: bool = False
) -> NDArray[np.int64]:
    """N beats to (N, elements) int64: the inverse of `pack`."""
    width = element_bits * elements
    raw = to_words(beats, width).view(np.uint8).reshape(len(beats), 4 * words(width))
    bits = np.unpackbits(raw, axis=1, bitorder="little")[:, :width]
    weights = np.left_shift(np.int64(1), np.arange(element_bits, dtype=np.int64))
    if signed:
        weights[-1] = -weights[-1]
    return bits.reshape(len(beats), elements, element_bits).astype(np.int64) @ weights
