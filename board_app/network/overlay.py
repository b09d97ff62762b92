"""An overlay folder: a manifest and the files it vouches for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from board_app.errors import GraphError, OverlayError
from board_app.network.graph import Graph, load
from board_app.system.files import as_json, write_together

FORMAT = 1
_LISTED = 12  # classes in a line
OVERLAYS = Path(__file__).resolve().parents[2] / "overlays"


@dataclass(frozen=True)
class Manifest:
    """What the board needs to know of an overlay, and what was measured on it.

    `shape` is a picture's height, width and channels, `classes` are in the order of the logits.
    `logit_scale` turns integer logits into the network's real-valued ones; `build_id` is the first
    8 hex digits of the graph file's sha256; `accuracy` has "test" (fraction), "images" and what
    was measured; `tools` the versions that made it; `files` the sha256 of every file. `circuit`
    has the clock in MHz, cycles a frame and to the first frame's end, and estimated resources;
    it is empty for a network that no circuit was made of. `calibration` has the temperature that
    was fitted to held-out images, and the expected calibration error it leaves on the test images;
    its "search" has the temperatures of a search in a picture, by how many scales it looks at.
    """

    network: str
    parameters: int
    classes: Tuple[str, ...]
    logit_scale: float
    build_id: str
    accuracy: Dict[str, Any]
    tools: Dict[str, str]
    circuit: Dict[str, Any] = field(default_factory=dict)
    calibration: Dict[str, Any] = field(default_factory=dict)
    files: Dict[str, str] = field(default_factory=dict)
    shape: Tuple[int, int, int] = (32, 32, 3)
    format: int = FORMAT

    @property
    def class_names(self) -> str:
        """The classes in a line: of many the first ones, and how many more there are."""
        names, more = ", ".join(self.classes[:_LISTED]), len(self.classes) - _LISTED
        return f"{names} and {more:,} more" if more > 0 else names

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Softmax of integer logits (N, classes) at the fitted temperature: float64."""
        scale = self.logit_scale / float(self.calibration.get("temperature", 1.0))
        scaled = logits.astype(np.float64) * scale
        scaled -= scaled.max(axis=1, keepdims=True)
        powers: np.ndarray = np.exp(scaled)
        powers /= powers.sum(axis=1, keepdims=True)
        return powers

    def search_temperature(self, scales: int) -> float:
        """The temperature of a search through windows of so many scales; 1 where none is fitted."""
        fitted = self.calibration.get("search", {}).get("temperatures", {})
        return float(fitted.get(str(scales), 1.0))


@dataclass(frozen=True)
class Overlay:
    """A folder whose files match its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def has_bitstream(self) -> bool:
        """Whether an FPGA can be loaded with it."""
        return f"{self.folder.name}.bit" in self.manifest.files

    def graph(self) -> Graph:
        """The integer graph the overlay computes."""
        path = self.folder / f"{self.manifest.network}.npz"
        try:
            graph = load(path)
        except GraphError as error:
            raise OverlayError(str(error)) from error
        said = (*self.manifest.shape, len(self.manifest.classes))
        found = (*graph.input_shape, graph.output.shape[2])
        if said != found:
            raise OverlayError(
                f"{path} takes pictures of {_size(found[:3])} and has {found[3]} classes, but the "
                f"manifest says {_size(said[:3])} and {said[3]}; build the overlay again"
            )
        return graph


def names(root: Path = OVERLAYS) -> List[str]:
    """The overlays to be had below `root`."""
    return sorted(p.parent.name for p in root.glob("*/*.json") if p.stem == p.parent.name)


def find(name: str, root: Path = OVERLAYS) -> Overlay:
    """Open and check the overlay called `name`."""
    if name not in names(root):
        known = ", ".join(names(root)) or "none yet"
        raise OverlayError(f"unknown overlay {name!r} in {root}; known: {known}")
    return open_folder(root / name)


def open_folder(folder: Path) -> Overlay:
    """Open an overlay and check every file against the manifest."""
    path = folder / f"{folder.name}.json"
    try:
        row = json.loads(path.read_text())
        if row.get("format") != FORMAT:
            raise OverlayError(
                f"{path} has format {row.get('format')}, this program reads {FORMAT}"
            )
        row["classes"], row["files"] = tuple(row["classes"]), dict(row["files"])
        manifest = Manifest(**row)
        height, width, channels = manifest.shape
        manifest = replace(manifest, shape=(int(height), int(width), int(channels)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OverlayError(f"{path} is no readable manifest: {error}") from error
    for name, expected in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise OverlayError(f"{file} is missing; copy or build the overlay again")
        found = sha256(file)
        if found != expected:
            raise OverlayError(
                f"{file} is not the file the manifest was made for (sha256 {found[:12]}..., "
                f"expected {expected[:12]}...); copy or build the overlay again"
            )
    graph = f"{manifest.network}.npz"
    if manifest.files.get(graph, "")[:8] != manifest.build_id:
        raise OverlayError(f"{path}: build id {manifest.build_id} is not of its graph {graph}")
    return Overlay(folder, manifest)


def write(folder: Path, manifest: Manifest, files: Dict[str, bytes]) -> Overlay:
    """Write the files and the manifest that vouches for them, or nothing, and open the result."""
    row = asdict(manifest)
    row["files"] = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    named = {**files, f"{folder.name}.json": as_json(row)}
    write_together({folder / name: content for name, content in named.items()})
    return open_folder(folder)


def _size(shape: Tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
