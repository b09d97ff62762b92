"""A compiled network as an overlay folder, with what was measured on it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from board_app.measure.accuracy import compare
from board_app.network import overlay
from board_app.network.graph import Graph
from board_app.network.overlay import Manifest, Overlay
from board_app.network.reference import Reference
from host_build.assemble.calibration import calibration_error, fit_temperature
from host_build.compiler import check, pictures
from host_build.compiler.foreign import foreign
from host_build.compiler.model import CompileError
from host_build.compiler.pictures import Pictures
from host_build.compiler.pipeline import Compiled

VECTORS = 16
_BATCH = 500
_TOOLS = ("torch", "brevitas", "qonnx", "finn-plus", "onnx", "numpy")


def package(
    name: str, compiled: Compiled, folder: Path, test: Pictures, *,
    held_out: Pictures | None = None, checkpoint: Path | None = None,
) -> Overlay:  # fmt: skip
    """Measure the integer network on `test` and write the overlay `name` into `folder`.

    Where `test` has no labels, nothing is measured, and the manifest says nothing of it. `held_out`
    are images the network was not trained on, to fit the temperature of its
    probabilities to; without them it stays 1.
    """
    graph = compiled.graph
    logits = None if test.labels is None else _logits(graph, test, "test accuracy")
    dumped = graph.dump()
    files = {
        f"{name}.npz": dumped,
        f"{name}.onnx": compiled.model.model.SerializeToString(),
        "vectors.npz": _vectors(compiled),
    }
    if checkpoint is not None:
        files[f"{name}.safetensors"] = checkpoint.read_bytes()
    manifest = Manifest(
        network=name,
        parameters=sum(node.weights.size for node in graph.nodes if hasattr(node, "weights")),
        classes=test.classes,
        shape=graph.input_shape,
        logit_scale=compiled.logit_scale,
        build_id=hashlib.sha256(dumped).hexdigest()[:8],
        accuracy={} if logits is None else _accuracy(test, logits),
        tools={tool: version(tool) for tool in _TOOLS},
    )
    if held_out is not None and held_out.labels is not None and logits is not None:
        assert test.labels is not None
        fitted = fit_temperature(
            compiled.logit_scale * _logits(graph, held_out, "temperature"), held_out.labels
        )
        cooled = replace(manifest, calibration={"temperature": fitted})
        manifest = replace(
            cooled,
            calibration={
                "temperature": fitted,
                "images": len(held_out),
                "test_error": calibration_error(cooled.probabilities(logits), test.labels),
                "test_error_before": calibration_error(manifest.probabilities(logits), test.labels),
            },
        )
    return overlay.write(folder / name, manifest, files)


def _accuracy(test: Pictures, logits: NDArray[np.int32]) -> dict[str, Any]:
    assert test.labels is not None
    found = compare(test.labels, logits.argmax(1), len(test.classes))
    return {
        "test": found.fraction,
        "images": len(test),
        "interval95": list(found.interval),
        "per_class": {label: found.of_class(i) for i, label in enumerate(test.classes)},
        "measured": f"integer graph, reference, {test.source}",
    }


def _logits(graph: Graph, images: Pictures, what: str) -> NDArray[np.int32]:
    reference = Reference(graph)
    starts = tqdm(range(0, len(images), _BATCH), desc=what, unit=f"{_BATCH} images")
    return np.concatenate([reference.execute(images.images[i : i + _BATCH]) for i in starts])


def _vectors(compiled: Compiled) -> bytes:
    """Images that are no one's property with the logits FINN gives: the board's self-test.

    All black, all white, and noise of every contrast, so that nobody's picture is shipped.
    """
    images = pictures.noise(VECTORS, compiled.graph.input_shape, ()).images
    with foreign("the self-test's images"):
        logits = check.run(compiled.model, images).astype(np.int32)
    if not np.array_equal(logits, Reference(compiled.graph).execute(images)):
        raise CompileError("the reference and FINN disagree on the self-test's images")
    content = io.BytesIO()
    np.savez_compressed(content, images=images, logits=logits)
    return content.getvalue()
