"""A board that takes the time a real one would: the driver over a chip that keeps the wall's clock.

    python -m host_build.simulation.timed ARGUMENTS      those of board_app, with --backend timed

The chip's time is that of the overlay's circuit at its clock, as simulated; the driver's own is
this processor's, which is quicker than the board's. The logits are the reference's, computed before
or when a picture is first seen.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray

from board_app import cli
from board_app.driver import backends, chip
from board_app.driver.accelerator import Accelerator
from board_app.driver.chip import Hardware, Registers
from board_app.driver.session import SIMULATED_NAME, SIMULATED_WINDOWS
from board_app.errors import AcceleratorError
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from host_build.simulation.behaviour import BehaviouralChip

_PAGE = 4096


class Remembered:
    """The reference, which computes each picture once."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._known: dict[bytes, NDArray[np.int32]] = {}

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The logits (N, classes) of `images` (N, height, width, channels)."""
        keys = [image.tobytes() for image in images]
        new = [index for index, key in enumerate(keys) if key not in self._known]
        for index, logits in zip(new, self._reference.execute(images[new]), strict=True):
            self._known[keys[index]] = logits
        return np.stack([self._known[key] for key in keys])


class _Window:
    """One IP's registers, as they are at the time they are asked for."""

    def __init__(self, session: TimedSession, base: int) -> None:
        self._session = session
        self._base = base

    def read(self, offset: int) -> int:
        return self._session.model().read(self._base + offset)

    def write(self, offset: int, value: int) -> None:
        self._session.model().write(self._base + offset, value)


class _Buffer:
    def __init__(self, array: NDArray[np.generic], memory: NDArray[np.uint8], at: int) -> None:
        self.array = array
        self.device_address = at
        self._memory = memory

    def flush(self) -> None:
        self._memory[:] = self.array.view(np.uint8)

    def invalidate(self) -> None:
        self.array.view(np.uint8)[:] = self._memory

    def free(self) -> None:
        """Nothing else uses the memory."""


class TimedSession:
    """What the driver needs of a board; its chip runs while nobody looks, as a real one does."""

    simulated = True
    name, windows = SIMULATED_NAME, SIMULATED_WINDOWS

    def __init__(self, model: BehaviouralChip, clock_mhz: float) -> None:
        self.clock_mhz = clock_mhz
        self._model = model
        self._next = model.ddr_base
        self.ips: dict[str, Registers] = {
            name: _Window(self, row[1] - chip.BASE) for name, row in chip.IPS.items()
        }

    def model(self) -> BehaviouralChip:
        """The chip as it is now."""
        cycles = int(self.now() * 1e6 * self.clock_mhz)
        self._model.advance(cycles - self._model.cycle)
        return self._model

    def allocate(self, count: int, dtype: str) -> _Buffer:
        array = np.zeros(count, dtype)
        start = self._next - self._model.ddr_base
        memory = self._model.ddr[start : start + array.nbytes]
        if len(memory) < array.nbytes:
            raise AcceleratorError("the timed board has no memory left")
        at, self._next = self._next, self._next + -(-array.nbytes // _PAGE) * _PAGE
        return _Buffer(array, memory, at)

    def check(self) -> None:
        """It is always there."""

    def note_reset(self, ended: bool) -> None:
        """Its resets always end."""

    def now(self) -> float:
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        """Nothing is held."""


def open_timed(overlay: Overlay) -> Accelerator:
    """The driver on a chip as fast as the circuit of `overlay`."""
    hardware = Hardware.of_manifest(overlay.manifest)
    model = BehaviouralChip(
        Remembered(Reference(overlay.graph())),
        hardware.build_id,
        interval=hardware.interval_cycles,
        latency=hardware.latency_cycles - hardware.interval_cycles,  # of the first, beside it
        shape=hardware.shape,
        classes=hardware.classes,
    )
    return Accelerator(TimedSession(model, hardware.clock_mhz), hardware)


def main(arguments: list[str]) -> int:
    """Run board_app with one backend more; its exit status."""
    backends.BACKENDS["timed"] = lambda overlay, _: open_timed(overlay)
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
