"""The commands benchmark, throughput and selftest."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import Optional

from board_app.commands.common import DIFFERENT, ERROR, OK, chosen_backend, chosen_overlay, complain
from board_app.driver.accelerator import Accelerator
from board_app.errors import BackendError, DatasetError, MeterError
from board_app.measure import benchmark, chip_benchmark, energy, plot, report
from board_app.measure.benchmark import Schedule, Speed
from board_app.measure.report import Watts
from board_app.network import vectors
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.pictures import cifar10, samples
from board_app.pictures.cifar10 import Dataset
from board_app.system import machine
from board_app.system.files import write_atomically, write_json
from board_app.system.progress import Counter


def run_benchmark(options: argparse.Namespace) -> int:
    """Accuracy, throughput and latency on test images."""
    _check(options)
    drawn = _can_draw(options)
    chosen = chosen_overlay(options)
    effort = benchmark.QUICK if options.quick else benchmark.FULL
    speed = processor = chip = accuracy = None
    with closing(chosen_backend(options, chosen)) as backend:
        dataset = _test_images(options, chosen)
        if dataset is not None:
            dataset = dataset.first(options.images or effort.images)
            images, source = dataset.images, dataset.source
        else:
            images, source = vectors.load(chosen).images, "the overlay's self-test vectors"
            images = images[: options.images]
        states = [machine.state()]
        if isinstance(backend, Accelerator):
            reference = Reference(chosen.graph())
            with Counter("the chip beside the reference, images") as progress:
                labels = None if dataset is None else dataset.labels
                chip = chip_benchmark.measure(backend, reference, images, labels, progress)
        if chip is not None and chip.simulated:
            accuracy = chip.accuracy
            if _asks_for_watts(options):
                raise BackendError("the board is simulated: it takes no power to measure")
        else:
            with Counter("benchmark", counted=False) as progress:
                schedule = Schedule(progress, benchmark.seconds(effort))
                if chip is not None:
                    schedule.total += benchmark.seconds(benchmark.QUICK)
                if dataset is not None:
                    classes = len(chosen.manifest.classes)
                    accuracy = benchmark.accuracy(backend, dataset, classes, schedule)
                speed = benchmark.speed(backend, images, effort, schedule)
                if chip is not None:
                    processor = benchmark.speed(reference, images, benchmark.QUICK, schedule)
        states.append(machine.state())
    code = OK if chip is None or chip.equal == chip.images else DIFFERENT
    watts = None
    try:
        if speed is not None:
            watts = _watts(options, speed)
    except MeterError as error:
        complain(f"{error}; the rest of the result is as measured")
        code = ERROR
    row = report.row(
        chosen, backend.name, source, len(images), accuracy, states=states, speed=speed,
        chip=chip, processor=processor, watts=watts,
    )  # fmt: skip
    if options.json is not None:
        write_json(options.json, row)
    if drawn:
        write_atomically(options.plot, plot.draw(row))
    elif options.plot is not None and code == OK:
        code = ERROR
    print(report.text(row))  # last: whoever reads it may have left
    return code


def run_throughput(options: argparse.Namespace) -> int:
    """The driver's throughput_test on noise: where its time goes, by the chip's counters."""
    chosen = chosen_overlay(options)
    with closing(chosen_backend(options, chosen)) as backend:
        if not isinstance(backend, Accelerator):
            raise BackendError(
                f"throughput asks the chip's counters, which the backend {backend.name} has not: "
                "--backend fpga, or the command benchmark"
            )
        row = backend.throughput_test(options.batch)
    if options.json:
        print(json.dumps(row))
    else:
        width = max(len(name) for name in row)
        print("\n".join(f"{name:{width}} {value:,.10g}" for name, value in row.items()))
    return OK


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


def _test_images(options: argparse.Namespace, chosen: Overlay) -> Optional[Dataset]:
    """The test images asked for; where CIFAR-10 cannot be had, the samples, saying so.

    None, which is said too, for a network that they are not for.
    """
    misfit = cifar10.misfit(chosen.manifest.shape, chosen.manifest.classes)
    if misfit is not None:
        complain(f"{misfit}. Its speed is measured on its self-test vectors, its accuracy is not")
        return None
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


def _check(options: argparse.Namespace) -> None:
    """Refuse before minutes are spent what could not be done after them."""
    for name, path in (("json", options.json), ("plot", options.plot)):
        if path is not None and path.is_dir():
            raise IsADirectoryError(f"--{name} {path} is a folder; give a file's name")
    if options.meter is not None:
        energy.load(options.meter)


def _can_draw(options: argparse.Namespace) -> bool:
    """Whether a plot is asked for and can be had: without matplotlib the rest is measured."""
    if options.plot is None:
        return False
    try:
        plot.check()
    except BackendError as error:
        complain(f"{error}; the rest is measured, without a plot")
        return False
    return True


def _asks_for_watts(options: argparse.Namespace) -> bool:
    return options.watts is not None or options.meter is not None


def _watts(options: argparse.Namespace, speed: Speed) -> Optional[Watts]:
    """The board's power in both parts, as --watts or --meter say."""
    if options.watts is not None:
        return Watts(options.watts, options.watts, "entered")
    if options.meter is not None:
        parts = (speed.best.span, speed.stream.span)
        offline, stream = (energy.mean(options.meter, span) for span in parts)
        return Watts(offline, stream, str(options.meter))
    return None
