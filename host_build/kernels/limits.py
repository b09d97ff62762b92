"""What the kernels take: the one place that the compiler asks before anything runs long."""

from __future__ import annotations

from collections.abc import Sequence

from board_app.driver.chip import MOST_FRAME_BYTES

# More channels first are most likely a picture's width that comes last.
MOST_CHANNELS = 64
# What was tried, in the circuit and in the time that it takes to fold it.
CLASSES = range(2, 1025)
# Sides of a window and steps between windows.
WINDOW_SIDES = range(1, 8)
WINDOW_STEPS = range(1, 5)
# Rows and columns of the images of which windows can come in more than one beat's width.
SMALLEST_WIDE = 2
# One threshold less than levels, and at most 255 of them.
ACTIVATION_BITS = range(2, 9)
# The zero point may widen them: as inputs of a matrix-vector unit levels are no wider than this.
LEVELS = (-256, 255)
WEIGHTS = (-128, 127)


def picture_fault(height: int, width: int, channels: int) -> str | None:
    """Why no chip takes such pictures: None, if one does."""
    said = f"takes pictures of {height}x{width} pixels of {channels} channels"
    if min(height, width, channels) < 1:
        return f"{said}: they have no numbers"
    if channels > MOST_CHANNELS:
        return f"{said}, {MOST_CHANNELS} at most; are the channels first in its input's shape?"
    if height * width * channels > MOST_FRAME_BYTES:
        return f"{said}; the chip's memory ports count {MOST_FRAME_BYTES:,} bytes of one at most"
    return None


def classes_fault(classes: int) -> str | None:
    """Why no circuit gives so many logits: None, if one does."""
    if classes in CLASSES:
        return None
    return f"gives {classes} logits; a classifier has {CLASSES.start} to {CLASSES.stop - 1:,}"


def window_faults(
    kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int],
    groups: int, image: Sequence[int],
) -> list[str]:  # fmt: skip
    """Why no kernel makes the windows of a convolution: nothing, if one does.

    `kernel`, `strides`, `dilations` and `image` are (y, x), `pads` those before, then those after.
    """
    if len(kernel) != 2:
        return [f"is a convolution over {len(kernel)} dimensions; images have 2"]
    faults = []
    if set(dilations) != {1}:
        faults.append(f"has dilation {_same(dilations)}; kernels have 1")
    size = f"{kernel[0]}x{kernel[1]}"
    sides = zip(pads, (*kernel, *kernel), strict=True)
    padded = [pixels + pads[way] + pads[way + 2] for way, pixels in enumerate(image)]
    if any(side not in WINDOW_SIDES for side in kernel):
        faults.append(f"has windows of {size}; kernels make {_range(WINDOW_SIDES)} pixels each way")
    elif any(not 0 <= pad < side for pad, side in sides):
        faults.append(
            f"pads {size} windows by {_sides(pads)}; kernels pad by less than the window has"
        )
    elif any(pixels < side for pixels, side in zip(padded, kernel, strict=True)):
        faults.append(f"has windows of {size} on a padded image of {padded[0]}x{padded[1]}")
    if any(step not in WINDOW_STEPS for step in strides):
        faults.append(f"has stride {_same(strides)}; kernels have {_range(WINDOW_STEPS)}")
    if groups != 1:
        faults.append(f"has {groups} groups; kernels sum over all channels")
    return faults


def channelwise_faults(
    kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int],
) -> list[str]:  # fmt: skip
    """Why no kernel pools such windows, or weighs each channel's by itself; as `window_faults`."""
    if len(kernel) != 2:
        return [f"has windows of {len(kernel)} dimensions; images have 2"]
    faults = []
    said = f"{kernel[0]}x{kernel[1]}"
    if set(dilations) != {1}:
        faults.append(f"has dilation {_same(dilations)}; kernels have 1")
    if any(side not in WINDOW_SIDES for side in kernel) or tuple(kernel) == (1, 1):
        faults.append(
            f"has windows of {said}; kernels make {_range(WINDOW_SIDES)} pixels each way, 2 at "
            "least of them"
        )
    elif any(pad >= side for pad, side in zip(pads, [*kernel, *kernel], strict=True)):
        faults.append(f"pads {said} windows by {_sides(pads)}; kernels pad them by less")
    if any(step not in WINDOW_STEPS for step in strides):
        faults.append(f"has stride {_same(strides)}; kernels have {_range(WINDOW_STEPS)}")
    return faults


def _range(values: range) -> str:
    return f"{values.start} to {values.stop - 1}"


def _same(values: Sequence[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _sides(pads: Sequence[int]) -> str:
    """One number, or those of top, left, bottom and right."""
    return str(pads[0]) if len(set(pads)) == 1 else f"{list(pads)} (top, left, bottom, right)"
