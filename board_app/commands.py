"""What each command does, its options read."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from typing import Any, Callable, Dict, Mapping, Optional

from board_app import cifar10, machine, overlay, vectors
from board_app.accelerator import Accelerator
from board_app.backends import BACKENDS, BackendError, open_backend
from board_app.cifar10 import Dataset, DatasetError
from board_app.classifier import Classifier
from board_app.files import write_json
from board_app.overlay import Overlay, OverlayError
from board_app.progress import Counter
from board_app.reference import Reference
from board_app.terminate import Terminated, terminable

_OK, _DIFFERENT, _ERROR, _INTERRUPTED, _TERMINATED = 0, 1, 2, 130, 143
_BITSTREAM = ("none: for the reference and the simulated board only", "for the board's FPGA")


def run(options: argparse.Namespace) -> int:
    """Run `options.command`; returns the exit code, with one line for an expected failure."""
    try:
        with terminable():
            return _COMMANDS[options.command](options)
    except (OverlayError, BackendError, DatasetError, OSError) as error:
        _complain(str(error))
        return _ERROR
    except Terminated:
        return _TERMINATED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _benchmark(options: argparse.Namespace) -> int:
    from board_app import benchmark, chip_benchmark, report
    from board_app.benchmark import Measurement

    if options.json is not None and options.json.is_dir():
        raise IsADirectoryError(f"--json {options.json} is a folder; give a file's name")
    chosen = _overlay(options)
    chip = None
    with closing(open_backend(options.backend, chosen)) as backend:
        images = _test_images(options).first(options.images)
        with Counter("images") as progress:
            if isinstance(backend, Accelerator):
                reference = Reference(chosen.graph())
                chip = chip_benchmark.measure(backend, reference, images, progress)
            if chip is not None and chip.simulated:
                found = Measurement(chip.accuracy, (), ())
            else:
                found = benchmark.measure(backend, images, progress)
    row = report.row(chosen, backend.name, images, found, chip)
    print(report.text(row))
    if options.json is not None:
        write_json(options.json, row)
    return _OK if chip is None or chip.equal == chip.images else _DIFFERENT


def _classify(options: argparse.Namespace) -> int:
    from board_app import picture

    chosen = _overlay(options)
    code = _OK
    with closing(open_backend(options.backend, chosen)) as backend:
        classifier = Classifier(chosen, backend)
        for path in options.images:
            try:
                found = classifier.classify(picture.load_file(path).pixels)
            except picture.PictureError as error:
                _complain(str(error))
                code = _ERROR
            else:
                took = f"{found.milliseconds:.2f} ms"
                print(f"{path}: {found.label} {found.probability:.1%} ({took})")
    return code


def _serve(options: argparse.Namespace) -> int:
    from board_app.web import create_app, server

    # The port first: opening the overlay takes seconds on the board.
    with server.listen(options.host, options.port) as listener:
        chosen = _overlay(options)
        with closing(open_backend(options.backend, chosen)) as backend:
            app = create_app(chosen, backend, _gallery(options))
            print(f"{chosen.folder.name} on {backend.name} at", flush=True)
            server.serve(app, listener, announce=lambda text: print(text, flush=True))
    return _OK


def _info(options: argparse.Namespace) -> int:
    root = options.overlays or overlay.OVERLAYS
    names = overlay.names(root) if options.overlay is None else [options.overlay]
    print(f"overlays in {root}: {', '.join(overlay.names(root)) or 'none yet'}")
    for name in names:
        found = overlay.find(name, root)
        manifest = found.manifest
        print(f"\n{name}")
        for key, value in (
            ("network", f"{manifest.network}, {manifest.parameters:,} parameters"),
            ("classes", ", ".join(manifest.classes)),
            ("build id", manifest.build_id),
            ("accuracy", _pairs(manifest.accuracy)),
            ("made with", _pairs(manifest.tools)),
            ("circuit", _circuit(manifest.circuit)),
            ("bitstream", _BITSTREAM[found.has_bitstream]),
            ("files", ", ".join(sorted(manifest.files))),
        ):
            print(f"  {key:<10} {value}")
    print(f"\nbackends: {', '.join(sorted(BACKENDS))}")
    print(f"machine: {_pairs(machine.describe())}")
    print(f"versions: {_pairs(machine.versions())}")
    return _OK


def _circuit(row: Mapping[str, Any]) -> str:
    from board_app import report

    if not row:
        return "none: reference only"
    return f"{report.circuit(row)}; estimated {_pairs(row.get('estimated', {}))}"


def _selftest(options: argparse.Namespace) -> int:
    chosen = _overlay(options)
    with closing(open_backend(options.backend, chosen)) as backend:
        golden = vectors.load(chosen)
        difference = vectors.first_difference(backend, golden)
    if difference is not None:
        _complain(f"{chosen.folder.name} on {backend.name} differs: {difference}")
        return _DIFFERENT
    print(f"{chosen.folder.name} on {backend.name}: {len(golden)} vectors equal, bit for bit")
    return _OK


_COMMANDS: Dict[str, Callable[[argparse.Namespace], int]] = {
    "benchmark": _benchmark,
    "classify": _classify,
    "serve": _serve,
    "info": _info,
    "selftest": _selftest,
}


def _overlay(options: argparse.Namespace) -> Overlay:
    return overlay.find(options.overlay, options.overlays or overlay.OVERLAYS)


def _test_images(options: argparse.Namespace) -> Dataset:
    """The test images asked for; where CIFAR-10 cannot be had, the samples, saying so."""
    from board_app import samples

    if options.samples:
        return samples.load()
    try:
        with Counter("downloading CIFAR-10, bytes") as progress:
            folder = cifar10.find(options.cifar10, progress=progress)
    except DatasetError as error:
        if options.cifar10 is not None:
            raise
        _complain(f"{error}\nmeasuring on the 20 sample pictures instead")
        return samples.load()
    return cifar10.load(folder, "test")


def _gallery(options: argparse.Namespace) -> Optional[Dataset]:
    """Pictures to try in the demo; None where none are at hand, which is no reason not to serve."""
    from board_app import samples

    try:
        folder = cifar10.find(options.cifar10, download=False)
        return samples.gallery(cifar10.load(folder, "test"))
    except DatasetError:
        if options.cifar10 is not None:
            raise
    try:
        return samples.gallery(samples.load())
    except DatasetError as error:
        _complain(f"{error}; serving without")
        return None


def _pairs(row: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _complain(text: str) -> None:
    print(f"board_app: {text}", file=sys.stderr)
