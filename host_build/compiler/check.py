"""Compare a stage's model with the one before it on real images."""

from __future__ import annotations

import numpy as np

from board_app.network.graph import Graph
from board_app.network.reference import Reference
from host_build.compiler.model import CompileError, ModelWrapper, execute_onnx

TOLERANCE = 1e-5
# Where floats become integers, an activation that lies on a quantisation boundary within float32's
# rounding may land on either side of it: a few images then differ by that one step. Of a ResNet20's
# 270,000 activations an image it is one in 3% of the images, in float32 against float64, by up to
# 4% of the logit: of 20 images there may be two or three. What is wrong with a stage is wrong
# with most images.
_ROUNDED_IMAGES = 0.2
_ROUNDED_STEP = 0.05


def run(model: ModelWrapper, images: np.ndarray) -> np.ndarray:
    """A stage's logits (N, classes) float64 of `images` (N, height, width, channels) uint8."""
    taken = tuple(model.get_tensor_shape(model.graph.input[0].name))
    channels_first = taken[1:] != images.shape[1:]
    pixels = images.astype(np.float32)
    return _execute(model, pixels.transpose(0, 3, 1, 2) if channels_first else pixels)


def _execute(model: ModelWrapper, pixels: np.ndarray) -> np.ndarray:
    stored = {tensor.name for tensor in model.graph.initializer}
    source = next(i.name for i in model.graph.input if i.name not in stored)
    target = model.graph.output[0].name
    outputs = [execute_onnx(model, {source: image[None]})[target].reshape(-1) for image in pixels]
    return np.asarray(outputs, np.float64)


def require_close(
    stage: str, before: np.ndarray, after: np.ndarray, *, rounding: bool = False
) -> int:
    """CompileError unless the logits agree to TOLERANCE of their largest magnitude.

    With `rounding`, one image in five may differ by up to a twentieth, as one activation on a
    quantisation boundary makes it. Returns the number of images that do. NaN agrees with nothing.
    """
    if before.shape != after.shape:
        raise CompileError(f"{stage} changed the shape {before.shape[1:]} to {after.shape[1:]}")
    largest = np.abs(before).max(axis=1)
    error = np.abs(before - after).max(axis=1) / np.where(largest == 0, 1, largest)
    differing = int((~(error <= TOLERANCE)).sum())
    allowed = rounding and differing <= _ROUNDED_IMAGES * len(error) and error.max() < _ROUNDED_STEP
    if differing and not allowed:
        worst = int(error.argmax())
        raise CompileError(
            f"{stage} changed the network: image {worst} differs by {error[worst]:.2e} of its "
            f"largest logit ({differing} of {len(error)} images differ)"
        )
    return differing


def require_equal(graph: Graph, finn: np.ndarray, images: np.ndarray) -> np.ndarray:
    """CompileError unless the reference gives FINN's integers (N, classes); returns them, int32."""
    found = Reference(graph).execute(images)
    if not np.array_equal(finn, found):
        wrong = int((finn != found).any(axis=1).argmax())
        raise CompileError(
            f"lower: on image {wrong} the reference gives {found[wrong].tolist()}, "
            f"FINN {finn[wrong].astype(int).tolist()}"
        )
    return found
