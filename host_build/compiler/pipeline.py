"""All stages in order, each saved and checked against the one before, from the file as given."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from board_app.network.graph import Graph
from board_app.system.files import write_atomically
from host_build.compiler import check
from host_build.compiler.adapt import adapt
from host_build.compiler.dataflow import dataflow, take_logit_scale
from host_build.compiler.foreign import SECONDS, foreign, seconds_for
from host_build.compiler.given import Given
from host_build.compiler.lower import lower
from host_build.compiler.model import CompileError, ModelWrapper
from host_build.compiler.pixels import PixelRange
from host_build.compiler.read import read
from host_build.compiler.refusals import require_buildable
from host_build.compiler.streamline import streamline
from host_build.compiler.tidy import tidy


@dataclass(frozen=True)
class Compiled:
    """The integer graph, FINN's model of it, and the scale of its logits.

    `given` is the file; `rounded` of the images differ from it by the rounding of one activation.
    By up to `bias_error`, if it is not too little to notice, all logits differ from its own: their
    bias is rounded to their steps.
    """

    given: Given
    graph: Graph
    model: ModelWrapper
    logit_scale: float
    rounded: int
    bias_error: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of how it differs from the file."""
        if not self.bias_error:
            return ()
        return (
            f"the bias of the logits is rounded to their steps: by up to {self.bias_error:.2g}",
        )


def compile_model(
    source: Path, folder: Path, images: np.ndarray, *,
    pixels: PixelRange | None = None, expected: np.ndarray | None = None,
) -> Compiled:  # fmt: skip
    """Compile the ONNX model `source`, keeping each stage's model in `folder`.

    `images` (N, height, width, channels) uint8 are real ones to check the stages on; `pixels` is
    the range that the model takes, if not 0..255; `expected` (N, classes) are the network's own
    logits for them, where there is a network to ask. CompileError names the stage and the node.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=4, desc="compile", unit="stage", bar_format="{desc}: {n}/{total} {postfix}")

    def stage(name: str, run: Callable[[], ModelWrapper]) -> ModelWrapper:
        bar.set_postfix_str(name)
        with foreign(name.partition("_")[2], seconds_for(adapted)):
            model = run()
        write_atomically(folder / f"{name}.onnx", model.model.SerializeToString())
        bar.update()
        return model

    def logits(of: str, model: ModelWrapper) -> np.ndarray:
        with foreign(f"the model after {of}", SECONDS + len(images)):
            return check.run(model, images)

    with bar, _finn_output_to(folder / "finn.log"):
        given, adapted = buildable(source)
        require_fitting(given, pixels)
        truth = given.run(images, pixels)
        if expected is not None:
            check.require_close("export", expected, truth, rounding=True)
        tidied = stage("1_tidy", lambda: tidy(adapted, pixels))
        floats = logits("tidy", tidied)
        check.require_close("tidy", truth, floats, rounding=True)
        streamlined = stage("2_streamline", lambda: streamline(tidied))
        after = logits("streamline", streamlined)
        check.require_close("streamline", floats, after, rounding=True)
        with foreign("dataflow"):
            scale, error = take_logit_scale(streamlined)
        layers = stage("3_dataflow", lambda: dataflow(streamlined))
        bar.set_postfix_str("4_lower")
        with foreign("lower"):
            graph = lower(layers)
        integers = check.require_equal(graph, logits("dataflow", layers), images)
        check.require_close("dataflow", after + error, integers * scale)
        rounded = check.require_close("compile", truth + error, integers * scale, rounding=True)
        write_atomically(folder / "4_graph.npz", graph.dump())
        bar.update()
    noticeable = np.abs(error).max() > check.TOLERANCE * np.abs(truth).max()
    return Compiled(
        given, graph, layers, scale, rounded, float(np.abs(error).max()) if noticeable else 0.0
    )


def require_fitting(given: Given, pixels: PixelRange | None) -> None:
    """CompileError where the range is one of other pictures than the model takes."""
    channels = given.shape[2]
    if pixels is not None and not pixels.fits(channels):
        raise CompileError(
            f"the pixels' mean and deviation have {len(pixels.mean)} and {len(pixels.deviation)} "
            f"numbers, but the model takes {channels} channels; give 1 or {channels} of each "
            "(--input normalised has CIFAR-10's, of three)"
        )


def buildable(source: Path) -> tuple[Given, ModelWrapper]:
    """The file `source` and the same network adapted; CompileError if no circuit can be made."""
    given = read(source)
    with foreign("adapt"):
        adapted = adapt(given.model)
        require_buildable(adapted)
    return given, adapted


@contextlib.contextmanager
def _finn_output_to(path: Path) -> Iterator[None]:
    """FINN prints and logs as it goes; keep that for the curious, out of the way of the rest."""
    with path.open("w") as file, contextlib.redirect_stdout(file), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
