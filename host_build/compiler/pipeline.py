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
from host_build.compiler.dataflow import dataflow
from host_build.compiler.lower import lower
from host_build.compiler.model import ModelWrapper
from host_build.compiler.read import read
from host_build.compiler.streamline import streamline
from host_build.compiler.tidy import tidy


@dataclass(frozen=True)
class Compiled:
    """The integer graph, FINN's model of it, and the scale of its logits.

    `rounded` of the images differ from the file as it was given by the rounding of one activation.
    """

    graph: Graph
    model: ModelWrapper
    logit_scale: float
    rounded: int


def compile_model(
    source: Path, folder: Path, images: np.ndarray, *,
    normalise: bool = False, expected: np.ndarray | None = None,
) -> Compiled:  # fmt: skip
    """Compile the ONNX model `source`, keeping each stage's model in `folder`.

    `images` (N, 32, 32, 3) uint8 are real ones to check the stages on; `expected` (N, 10) are the
    network's own logits for them, where there is a network to ask. CompileError names the stage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=4, desc="compile", unit="stage", bar_format="{desc}: {n}/{total} {postfix}")

    def stage(name: str, run: Callable[[], ModelWrapper]) -> ModelWrapper:
        bar.set_postfix_str(name)
        model = run()
        write_atomically(folder / f"{name}.onnx", model.model.SerializeToString())
        bar.update()
        return model

    scale = 0.0

    def to_dataflow() -> ModelWrapper:
        nonlocal scale
        model, scale = dataflow(streamlined)
        return model

    with bar, _finn_output_to(folder / "finn.log"):
        given = read(source)
        truth = check.run_given(given, images, normalise=normalise)
        if expected is not None:
            check.require_close("export", expected, truth, rounding=True)
        tidied = stage("1_tidy", lambda: tidy(given, normalise=normalise))
        floats = check.run(tidied, images)
        check.require_close("tidy", truth, floats, rounding=True)
        streamlined = stage("2_streamline", lambda: streamline(tidied))
        after = check.run(streamlined, images)
        check.require_close("streamline", floats, after, rounding=True)
        layers = stage("3_dataflow", to_dataflow)
        graph = lower(layers)
        bar.set_postfix_str("4_lower")
        integers = check.require_equal(graph, layers, images)
        check.require_close("dataflow", after, integers * scale)
        rounded = check.require_close("compile", truth, integers * scale, rounding=True)
        write_atomically(folder / "4_graph.npz", graph.dump())
        bar.update()
    return Compiled(graph, layers, scale, rounded)


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
