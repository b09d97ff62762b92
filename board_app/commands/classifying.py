"""The command classify."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Iterable, Iterator, Optional, Tuple

from board_app.commands.common import ERROR, OK, chosen_backend, chosen_overlay, complain
from board_app.errors import PictureError
from board_app.network.classifier import Classifier, Found
from board_app.pictures import decoder, picture
from board_app.pictures.picture import Picture, Shape

STDIN = Path("-")
_SUFFIXES = (
    ".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"
)  # fmt: skip


def run_classify(options: argparse.Namespace) -> int:
    """Say what is on pictures of any size, and where."""
    chosen = chosen_overlay(options)
    code = OK
    most = 1  # windows of any picture
    decoder.shared.start()
    with closing(chosen_backend(options, chosen)) as backend:
        classifier = Classifier(chosen, backend)
        for path, error in _files(options.images):
            try:
                if error is not None:
                    raise error
                found = classifier.search(_load(path, classifier.shape), options.windows)
            except PictureError as refused:
                complain(str(refused))
                code = ERROR
            else:
                most = max(most, found.windows)
                print(_line(path, found, options), flush=True)
    if most > 1 and options.windows is None and backend.clock_mhz is None:
        complain(
            f"without the chip a picture is looked at through {backend.windows} windows at most; "
            "--windows N takes more"
        )
    return code


def _files(named: Iterable[Path]) -> Iterator[Tuple[Path, Optional[PictureError]]]:
    """The files named, and all pictures in the folders named; an error for a folder without."""
    for path in named:
        if not path.is_dir():
            yield path, None
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES)
        if not found:
            yield path, PictureError(f"{path} has no pictures ({' '.join(_SUFFIXES)})")
        for file in found:
            yield file, None


def _load(path: Path, shape: Shape) -> Picture:
    if path != STDIN:
        return picture.load_file(path, shape)
    try:
        return picture.load(sys.stdin.buffer.read(picture.MAX_BYTES + 1), shape)
    except PictureError as error:
        raise PictureError(f"standard input: {error}") from error


def _line(path: Path, found: Found, options: argparse.Namespace) -> str:
    name = "standard input" if path == STDIN else str(path)
    if options.json:
        first = {"probabilities": dict(found.ranked[: options.top])}
        return json.dumps({"picture": name, **found.row(), **first})
    return f"{name}: {_text(found, options.top)}"


def _text(found: Found, top: int) -> str:
    classes = [f"{name} {share:.1%}" for name, share in found.ranked[:top]]
    doubt = "" if found.sure else "not sure, perhaps "
    parts = [f"{found.milliseconds:.2f} ms"]
    if found.chip_milliseconds is not None:
        parts.append(f"{found.cycles:,} cycles of the chip: {found.chip_milliseconds:.3f} ms")
    where = ""
    if found.windows > 1:
        left, upper, right, lower = found.box
        where = f" at {left},{upper} to {right},{lower}"
        parts.insert(0, f"{found.windows} windows")
    return f"{doubt}{', '.join(classes)}{where} ({'; '.join(parts)})"
