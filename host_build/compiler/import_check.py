"""What would be refused of a model, all of it, before anything runs long."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host_build.compiler.adapt import adapt
from host_build.compiler.foreign import foreign
from host_build.compiler.given import Given
from host_build.compiler.model import CompileError
from host_build.compiler.pipeline import compile_model, require_fitting
from host_build.compiler.pixels import PixelRange
from host_build.compiler.read import read
from host_build.compiler.refusals import refusals

_LAYERS = ("Conv", "MatMul", "Gemm", "Add", "MaxPool", "GlobalAveragePool")


@dataclass(frozen=True)
class Verdict:
    """Why a model would be refused, if it would, what is to be known of it, and the time it took.

    `compared` images have the file's own logits, `rounded` of them but for one activation's
    rounding.
    """

    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float
    compared: int = 0
    rounded: int = 0

    def __str__(self) -> str:
        if self.refusals:
            return "refused"
        if not self.compared:
            return "nothing is refused at sight"
        how = f", {self.rounded} by the rounding of one activation" if self.rounded else ""
        return f"equal on {self.compared} images{how}"


def examine(path: Path, pixels: PixelRange | None = None) -> Verdict:
    """Read the model in `path`, adapt it, ask for every refusal, and execute it on one image."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of qonnx about old models
        found, notes = _examine(path, pixels)
    return Verdict(found, notes, time.perf_counter() - began)


def _examine(path: Path, pixels: PixelRange | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Refusals and notes."""
    notes: tuple[str, ...] = ()
    try:
        given = read(path)
        notes = given.notes
        with foreign("adapt"):
            adapted = adapt(given.model)
            found = tuple(refusals(adapted))
        kinds = Counter(node.op_type for node in adapted.graph.node)
        layers = ", ".join(f"{kinds[kind]} {kind}" for kind in _LAYERS if kinds[kind])
        notes = (*notes, f"layers: {layers}")
        notes = (*notes, f"pictures: {'x'.join(map(str, given.shape))}")
        require_fitting(given, pixels)
        noise = np.random.default_rng(0).integers(0, 256, (1, *given.shape), np.uint8)
        if not found:
            logits = given.run(noise, pixels)
            notes = (*notes, f"classes: {logits.shape[1]}")
    except CompileError as error:
        found = (str(error),)
    return found, notes


def compare(
    path: Path, pictures: Callable[[Given], np.ndarray], pixels: PixelRange | None = None
) -> Verdict:
    """Compile the model in `path` for nothing but its logits of the `pictures` it is to see."""
    began = time.perf_counter()
    found = examine(path, pixels)
    if found.refusals:
        return found
    images = pictures(read(path))
    with tempfile.TemporaryDirectory() as folder:
        try:
            compiled = compile_model(path, Path(folder), images, pixels=pixels)
        except CompileError as error:
            return Verdict((str(error),), found.notes, time.perf_counter() - began)
    seconds = time.perf_counter() - began
    notes = (*found.notes, *compiled.notes)
    return Verdict((), notes, seconds, len(images), compiled.rounded)
