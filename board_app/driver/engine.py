"""The chip at work on one batch: start, wait with an end, reset, and say what it was doing.

The session is asked before each group of register accesses, a few microseconds long, whether the
chip is still there: one question costs more than one access.
"""

from __future__ import annotations

from typing import Dict

from board_app.driver import chip
from board_app.driver.chip import Hardware
from board_app.driver.loaded import DEAD_PORT
from board_app.driver.session import Buffer, Session
from board_app.errors import AcceleratorError

_PATIENCE = 4  # a batch may take this many times as long as it should,
_SLACK = 0.01  # and this many seconds more
_NAP = 100e-6  # seconds between two looks at a batch that is late
_FAILED = chip.INPUT_ERROR | chip.OUTPUT_ERROR | chip.INPUT_REFUSED | chip.OUTPUT_REFUSED


class Fault(Exception):
    """A batch failed in a way that a soft reset may mend; the message has the registers."""


class Engine:
    """A session's chip, known to be the build that is expected."""

    def __init__(self, session: Session, hardware: Hardware) -> None:
        self._session = session
        self._hardware = hardware
        self._idma, self._odma, self._control = (session.ips[name] for name in chip.IPS)
        self._started = 0.0
        self.reset()

    def start(self, pixels: Buffer, logits: Buffer, frames: int) -> None:
        """Start a batch of `frames`; the pixels are flushed."""
        self._session.check()
        self._started = self._session.now()
        # The output first: the chip may not have results before it knows where to put them.
        for dma, buffer in ((self._odma, logits), (self._idma, pixels)):
            dma.write(chip.ADDRESS_LOW, int(buffer.device_address))
            dma.write(chip.REPETITIONS, frames)
            dma.write(chip.CTRL, chip.START)

    def wait(self, frames: int) -> float:
        """Seconds, by the board's clock, that the batch took; Fault on an error or a hang."""
        expected = self._hardware.seconds(frames)
        limit = _PATIENCE * expected + _SLACK
        rest = expected - self._elapsed()
        if rest > 10 * _NAP:
            self._session.sleep(rest - 5 * _NAP)
        while True:
            elapsed = self._elapsed()  # before the look: a late look is not a late chip
            self._session.check()
            done = self._odma.read(chip.CTRL) & chip.DONE
            late = elapsed > 2 * expected + _NAP
            if done or late:
                failed = self._control.read(chip.STATUS) & _FAILED
                if failed:
                    what = "AXI error" if failed < chip.INPUT_REFUSED else "batch refused"
                    raise self._fault(
                        f"{what} ({chip.flags(failed)}) in a batch of {frames} frames"
                    )
                if done:
                    return self._elapsed()
                if elapsed > limit:
                    raise self._fault(
                        f"a batch of {frames} frames is not done after {1e3 * elapsed:.1f} ms, "
                        f"expected {1e3 * expected:.1f} ms"
                    )
                self._session.sleep(_NAP)

    def cycles(self) -> int:
        """Cycles of the last batch, by the chip's own counter."""
        self._session.check()
        return self._control.read(chip.CYCLES)

    def counters(self) -> Dict[str, int]:
        """All counters of the last batch, in cycles or frames."""
        self._session.check()
        rows = chip.IPS["control0"][2]
        return {
            row.name: self._control.read(row.offset)
            for row in rows
            if chip.CYCLES <= row.offset < chip.UPTIME
        }

    def reset(self) -> None:
        """Check which chip it is, and bring it to its initial state.

        AcceleratorError where it is another, or the reset does not end.
        """
        self._session.check()
        magic = self._control.read(chip.MAGIC)
        build = self._control.read(chip.BUILD_ID)
        if magic != chip.MAGIC_VALUE:
            raise AcceleratorError(
                f"there is no chip of this kind: its magic is 0x{magic:08x}, not "
                f"0x{chip.MAGIC_VALUE:08x}; after a loss of power, open the overlay again"
            )
        if build != self._hardware.build_id:
            raise AcceleratorError(
                f"the chip is of build {build:08x}, the overlay of build "
                f"{self._hardware.build_id:08x}; copy or build the overlay again"
            )
        self._control.write(chip.SOFT_RESET, 1)
        until = self._session.now() + _SLACK
        while self._control.read(chip.SOFT_RESET) & 1:
            if self._session.now() > until:
                self._session.note_reset(ended=False)
                raise AcceleratorError(f"{DEAD_PORT} [{chip.report(self._session.ips)}]")
        self._session.note_reset(ended=True)
        for dma in (self._idma, self._odma):
            dma.write(chip.ADDRESS_HIGH, 0)

    def _elapsed(self) -> float:
        return self._session.now() - self._started

    def _fault(self, what: str) -> Fault:
        self._session.check()
        return Fault(f"{what} [{chip.report(self._session.ips)}]")
