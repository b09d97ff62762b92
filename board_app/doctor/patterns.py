"""A name for the way in which logits are wrong, which says where to look."""

from __future__ import annotations

from typing import Callable, Dict, Tuple

import numpy as np

Execute = Callable[[np.ndarray], np.ndarray]

_CACHE = "the processor's cache: buffers must be flushed and invalidated; is pynq another one?"
_WIDTH = (
    "the port's width: bit 0 of 0xf8008000 and 0xf8008014 must be 0; boot the PYNQ-Z2's own image"
)


def name(
    images: np.ndarray, found: np.ndarray, before: np.ndarray, reference: Execute
) -> Tuple[str, str]:
    """What is wrong, and what to do: two empty texts where nothing is.

    `found` (N, classes) are the logits for `images` (N, height, width, channels), `before` the
    images of the batch before in the same buffers; `reference` computes what is right.
    """
    expected = reference(images)
    wrong = (found != expected).any(axis=1)
    if not wrong.any():
        return "", ""
    count = f"{int(wrong.sum())} of {len(images)} frames are wrong"
    if not found.any() and expected.any():
        return f"{count}: all logits are 0, nothing comes into memory", f"{_WIDTH}; or {_CACHE}"
    if (found == reference(np.zeros_like(images[:1]))).all():
        return f"{count}: the chip sees black pictures only", _CACHE
    if _stale(found, reference(before)):
        return f"{count}: the logits are those of the batch before", _CACHE
    for half in (slice(0, None, 2), slice(1, None, 2)):
        if (found[:, half] == expected[:, half]).all():
            return f"{count}: every second logit is right, half the data is lost in writing", _WIDTH
    if len(images) > 1 and (found == found[0]).all() and (expected != expected[0]).any():
        advice = (
            "empty weight memories: the bitstream was made without its memory images (Vivado's "
            "Synth 8-4445); build it again"
        )
        return f"{count}: the logits do not depend on the picture", advice
    for what, damage in _HALVES.items():
        if (found == reference(damage(images))).all():
            return f"{count}: {what} is lost in reading", _WIDTH
    if (found == reference(np.ascontiguousarray(images[..., ::-1]))).all():
        return (
            f"{count}: red and blue are exchanged",
            "the overlay is for other pixels: build it again",
        )
    if len(images) > 1 and (found[1:] == expected[:-1]).all():
        return f"{count}: each frame has the logits of the one before it", "report it with the JSON"
    first = int(np.flatnonzero(wrong)[0])
    right = f"the first {first} are right; " if first else ""
    return (
        f"{count}: {right}frame {first} gives {found[first].tolist()}, not "
        f"{expected[first].tolist()}",
        "timing that does not close looks like this: run at a lower clock (generate --clock); or "
        "report it with the JSON",
    )


def _stale(found: np.ndarray, before: np.ndarray) -> bool:
    rows = min(len(found), len(before))
    return bool((found[:rows] == before[:rows]).all())


def _words(images: np.ndarray) -> np.ndarray:
    """A copy as 64-bit beats of two words each, the last one filled up: (beats, 2)."""
    beats = np.zeros(-(-images.size // 8) * 8, np.uint8)
    beats[: images.size] = images.ravel()
    return beats.view(np.uint32).reshape(-1, 2)


def _pixels(words: np.ndarray, like: np.ndarray) -> np.ndarray:
    return words.view(np.uint8).ravel()[: like.size].reshape(like.shape)


def _zeroed(images: np.ndarray) -> np.ndarray:
    words = _words(images)
    words[:, 1] = 0
    return _pixels(words, images)


def _repeated(images: np.ndarray) -> np.ndarray:
    words = _words(images)
    words[:, 1] = words[:, 0]
    return _pixels(words, images)


_HALVES: Dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "half the data (the upper word of each beat is 0)": _zeroed,
    "half the data (the lower word of each beat comes twice)": _repeated,
}
