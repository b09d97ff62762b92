"""The commands benchmark and selftest."""

from __future__ import annotations

import argparse
from contextlib import closing

from board_app.commands.common import DIFFERENT, OK, chosen_backend, chosen_overlay, complain
from board_app.driver.accelerator import Accelerator
from board_app.errors import DatasetError
from board_app.measure import benchmark, chip_benchmark, report
from board_app.measure.benchmark import Measurement
from board_app.network import vectors
from board_app.network.reference import Reference
from board_app.pictures import cifar10, samples
from board_app.pictures.cifar10 import Dataset
from board_app.system.files import write_json
from board_app.system.progress import Counter


def run_benchmark(options: argparse.Namespace) -> int:
    """Accuracy, throughput and latency on test images."""
    if options.json is not None and options.json.is_dir():
        raise IsADirectoryError(f"--json {options.json} is a folder; give a file's name")
    chosen = chosen_overlay(options)
    chip = None
    with closing(chosen_backend(options, chosen)) as backend:
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
    return OK if chip is None or chip.equal == chip.images else DIFFERENT


def run_selftest(options: argparse.Namespace) -> int:
    """Compare with the overlay's golden vectors."""
    chosen = chosen_overlay(options)
    with closing(chosen_backend(options, chosen)) as backend:
        golden = vectors.load(chosen)
        difference = vectors.first_difference(backend, golden)
    if difference is not None:
        complain(f"{chosen.folder.name} on {backend.name} differs: {difference}")
        return DIFFERENT
    print(f"{chosen.folder.name} on {backend.name}: {len(golden)} vectors equal, bit for bit")
    return OK


def _test_images(options: argparse.Namespace) -> Dataset:
    """The test images asked for; where CIFAR-10 cannot be had, the samples, saying so."""
    if options.samples:
        return samples.load()
    try:
        with Counter("downloading CIFAR-10, bytes") as progress:
            folder = cifar10.find(options.cifar10, progress=progress)
    except DatasetError as error:
        if options.cifar10 is not None:
            raise
        complain(f"{error}\nmeasuring on the 20 sample pictures instead")
        return samples.load()
    return cifar10.load(folder, "test")
