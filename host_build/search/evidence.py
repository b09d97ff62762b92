"""What networks say of the windows of pictures whose class is known, computed once and kept.

The windows are of all scales; those of fewer are the first ones, so one run serves every number.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.pictures import picture, windows
from board_app.pictures.cifar10 import CLASSES
from board_app.system.files import read_arrays, write_atomically
from host_build.errors import HostError
from host_build.search.photographs import BACKGROUNDS, NONE
from host_build.search.scenes import EMPTY, Box, Scene

_EVERY = 10  # pictures between two savings
_BACKGROUND = 1600  # pixels a side
_TIMED, _TIMES = 50, 5


class PicturesError(HostError):
    """The folder of photographs has not what it should."""


@dataclass(frozen=True)
class Case:
    """A picture's file, its class or EMPTY, and where the object is, if that is known."""

    content: bytes
    label: int
    box: Box | None
    photograph: bool


@dataclass(frozen=True)
class Evidence:
    """A case with its windows' boxes and the network's `logits` (N, 10) of them.

    `ends[n]` windows are of the first n scales.
    """

    case: Case
    boxes: NDArray[np.float64]
    ends: tuple[int, ...]
    logits: NDArray[np.int32]


def scene_cases(scenes: Sequence[Scene]) -> list[Case]:
    """Scenes as cases."""
    return [Case(scene.content, scene.label, scene.box, False) for scene in scenes]


def photograph_cases(folder: Path) -> list[Case]:
    """The photographs in `folder`/CLASS and `folder`/none; PicturesError where there are none."""
    labels = {name: label for label, name in enumerate(CLASSES)} | {NONE: EMPTY}
    cases = [
        Case(path.read_bytes(), label, None, True)
        for name, label in labels.items()
        for path in sorted((folder / name).glob("*.*"))
    ]
    if not cases:
        raise PicturesError(f"{folder} has no photographs in {NONE}/, airplane/ ...")
    return cases


def backgrounds(folder: Path) -> list[Image.Image]:
    """The pictures in `folder`/backgrounds, of 1600 pixels a side at most."""
    found = []
    for path in sorted((folder / BACKGROUNDS).glob("*.*")):
        try:
            with Image.open(path) as image:
                found.append(image.convert("RGB"))
        except OSError as error:
            raise PicturesError(f"{path} cannot be read: {error}") from error
        found[-1].thumbnail((_BACKGROUND, _BACKGROUND))
    return found


def gather(overlay: Overlay, cases: Sequence[Case], kept: Path) -> list[Evidence]:
    """Run the reference of `overlay` on the windows of all `cases`.

    What was computed stays in `kept`, an .npz: an interrupted run goes on from there, and one on
    other cases computes what is new.
    """
    key = f"{overlay.manifest.build_id} {windows.SCALES} {windows.STEPS}"
    known = _read(kept, key)
    reference = Reference(overlay.graph())
    found: list[Evidence] = []
    unsaved = 0
    for case in tqdm(cases, desc=overlay.folder.name, unit="picture", disable=None):
        cut = windows.cut(picture.load(case.content, overlay.manifest.shape), most=1 << 20)
        name = hashlib.sha256(case.content).hexdigest()
        if name not in known:
            known[name] = reference.execute(cut.pixels)
            unsaved += 1
        if unsaved == _EVERY:
            _write(kept, key, known)
            unsaved = 0
        found.append(Evidence(case, cut.boxes, cut.ends, known[name]))
    if unsaved:
        _write(kept, key, known)
    return found


def processor_milliseconds(overlay: Overlay) -> float:
    """What a window costs the reference here: CPU time, the least of several batches."""
    reference = Reference(overlay.graph())
    noise = np.random.default_rng(0).integers(
        0, 256, (_TIMED, *overlay.manifest.shape), dtype=np.uint8
    )
    times = []
    for _ in range(_TIMES):
        began = time.process_time()
        reference.execute(noise)
        times.append(time.process_time() - began)
    return 1e3 * min(times) / _TIMED


def _read(path: Path, key: str) -> dict[str, NDArray[np.int32]]:
    if not path.is_file():
        return {}
    arrays = read_arrays(path)
    if str(arrays["key"]) != key:
        return {}
    parts = np.split(arrays["logits"], arrays["ends"][:-1])
    return dict(zip(arrays["names"].tolist(), parts, strict=True))


def _write(path: Path, key: str, known: Mapping[str, NDArray[np.int32]]) -> None:
    content = io.BytesIO()
    ends = np.cumsum([len(each) for each in known.values()])
    logits = np.concatenate(list(known.values()))
    np.savez(content, key=key, names=list(known), logits=logits, ends=ends)
    write_atomically(path, content.getvalue())
