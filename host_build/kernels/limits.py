"""What the kernels take: the one place that the compiler asks before anything runs long."""

from __future__ import annotations

from collections.abc import Sequence

# Sides of a window and steps between windows that sliding_window.sv makes.
WINDOW_SIDES = range(1, 8)
WINDOW_STEPS = range(1, 5)
KERNEL_SIZES = (1, 3)
STRIDES = (1, 2)
# Smaller images have no second row or column for a window to move to.
SMALLEST_IMAGE = 2
# One threshold less than levels, and at most 255 of them.
ACTIVATION_BITS = range(2, 9)
# The zero point may widen them: as inputs of a matrix-vector unit levels are no wider than this.
LEVELS = (-256, 255)
WEIGHTS = (-128, 127)


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
    if kernel[0] != kernel[1] or kernel[0] not in KERNEL_SIZES:
        legal = " and ".join(f"{size}x{size}" for size in KERNEL_SIZES)
        faults.append(f"has windows of {kernel[0]}x{kernel[1]}; kernels make {legal}")
    elif list(pads) != [kernel[0] // 2] * 4:
        faults.append(
            f"pads {kernel[0]}x{kernel[1]} windows by {_sides(pads)}; kernels pad them by "
            f"{kernel[0] // 2}"
        )
    if strides[0] != strides[1] or strides[0] not in STRIDES:
        legal = " and ".join(map(str, STRIDES))
        faults.append(f"has stride {_same(strides)}; kernels have {legal}")
    if groups != 1:
        faults.append(f"has {groups} groups; kernels sum over all channels")
    if kernel[0] != 1 and min(image) < SMALLEST_IMAGE:
        faults.append(
            f"reads an image of {image[0]}x{image[1]}; kernels want {SMALLEST_IMAGE}x"
            f"{SMALLEST_IMAGE} at least"
        )
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
            f"has windows of {said}; kernels make 1 to {WINDOW_SIDES[-1]} pixels each way, 2 at "
            "least of them"
        )
    elif any(pad >= side for pad, side in zip(pads, [*kernel, *kernel], strict=True)):
        faults.append(f"pads {said} windows by {_sides(pads)}; kernels pad them by less")
    if any(step not in WINDOW_STEPS for step in strides):
        faults.append(f"has stride {_same(strides)}; kernels have 1 to {WINDOW_STEPS[-1]}")
    return faults


def _same(values: Sequence[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def _sides(pads: Sequence[int]) -> str:
    """One number, or those of top, left, bottom and right."""
    return str(pads[0]) if len(set(pads)) == 1 else f"{list(pads)} (top, left, bottom, right)"
