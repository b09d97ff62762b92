"""The driver: images in, logits out, on the real board and the simulated one alike.

Two pairs of buffers take turns: the CPU fills one while the chip works on the other. Every wait
ends: with the batch done, or with an error that lists the chip's registers.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from board_app.driver import chip
from board_app.driver.chip import Hardware
from board_app.driver.engine import Engine, Fault
from board_app.driver.processing_system import MEMORY, in_memory
from board_app.driver.session import Buffer, Session
from board_app.errors import AcceleratorError

# Frames a buffer holds. Flushing costs by the buffer's size on pynq 3.1, so small batches get
# small buffers; the largest keeps the chip busy for milliseconds, at 2 MB of the board's 128.
_CAPACITIES = (1, 8, 32, 128, 512)
_MOST_BYTES = 1 << 20


@dataclass
class Run:
    """What one `execute` took, in seconds, and by the chip's own counter in cycles.

    `busy` is from each start to the end the driver saw, by the board's clock; `copy_in` and
    `copy_out` are the CPU's own work, cache included, which mostly overlaps with it.
    """

    images: int
    busy: float = 0.0
    copy_in: float = 0.0
    copy_out: float = 0.0
    cycles: int = 0
    retries: int = 0


@dataclass
class _Slot:
    pixels: Buffer
    logits: Buffer


class Accelerator:
    """The chip of one overlay. Safe to share between threads: one batch at a time."""

    def __init__(self, session: Session, hardware: Hardware) -> None:
        """Check that the chip is `hardware`'s build, and reset it; the session is closed if not."""
        self.simulated = session.simulated
        self.name = session.name
        self.clock_mhz = session.clock_mhz
        self.windows = session.windows
        self._session, self._frames = session, hardware.frames
        largest = max(self._frames.in_bytes, self._frames.out_bytes)
        fit = (size for size in _CAPACITIES if size * largest <= _MOST_BYTES)
        self._capacities = tuple(fit) or _CAPACITIES[:1]
        self._slots: Dict[int, Tuple[_Slot, _Slot]] = {}
        self._lock = threading.RLock()
        self._closed = False
        self.last_run: Optional[Run] = None
        try:
            self._engine = Engine(session, hardware)
        except BaseException:
            session.close()
            raise

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the buffers and the chip; harmless when done twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                try:
                    for slot in [slot for pair in self._slots.values() for slot in pair]:
                        slot.pixels.free()
                        slot.logits.free()
                    self._slots.clear()
                finally:
                    self._session.close()

    @property
    def last_cycles(self) -> Optional[int]:
        """Cycles of the last `execute` by the chip's own counter; None before the first."""
        return None if self.last_run is None else self.last_run.cycles

    def now(self) -> float:
        """Seconds on the board's own clock."""
        return self._session.now()

    def execute(self, images: np.ndarray) -> np.ndarray:
        """Logits (N, classes) int32 of `images` (N, height, width, channels) uint8, for any N.

        Raises ValueError on other shapes, AcceleratorError where the chip fails twice.
        """
        shape = self._frames.shape
        if images.ndim != 4 or images.shape[1:] != shape or images.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 images (N, {', '.join(map(str, shape))}), "
                f"got {images.dtype} {images.shape}"
            )
        logits = np.empty((len(images), self._frames.classes), np.int32)
        with self._lock:
            if self._closed:
                raise AcceleratorError("the accelerator is closed; open it again")
            if len(images):
                self.last_run = self._execute(images, logits)
        return logits

    def throughput_test(self, batch_size: int = 1000) -> Dict[str, Union[int, float]]:
        """Time a batch of noise; the keys that FINN's driver has, then the chip's own counts.

        Pixels and logits need no folding or packing, so those four times are 0. "runtime[ms]" is
        by the board's clock; what the CPU does is by the wall's.
        """
        size = (batch_size, *self._frames.shape)
        noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
        with self._lock:
            begin = time.perf_counter()
            self.execute(noise)
            whole = time.perf_counter() - begin
            run = self.last_run
            assert run is not None
            counters = self.counters()
        chip_seconds = run.cycles / (1e6 * self._session.clock_mhz)
        return {
            "runtime[ms]": 1e3 * run.busy,
            "throughput[images/s]": batch_size / run.busy,
            "DRAM_in_bandwidth[MB/s]": batch_size * self._frames.in_bytes / run.busy / 1e6,
            "DRAM_out_bandwidth[MB/s]": batch_size * self._frames.out_bytes / run.busy / 1e6,
            "fclk[mhz]": self._session.clock_mhz,
            "batch_size": batch_size,
            "fold_input[ms]": 0.0,
            "pack_input[ms]": 0.0,
            "copy_input_data_to_device[ms]": 1e3 * run.copy_in,
            "copy_output_data_from_device[ms]": 1e3 * run.copy_out,
            "unpack_output[ms]": 0.0,
            "unfold_output[ms]": 0.0,
            "execute[ms]": 1e3 * whole,
            "copies_per_image[us]": 1e6 * (run.copy_in + run.copy_out) / batch_size,
            "chip_cycles": run.cycles,
            "chip_throughput[images/s]": batch_size / chip_seconds,
            "retries": run.retries,
            **{f"last_batch_{name}": value for name, value in counters.items()},
        }

    def counters(self) -> Dict[str, int]:
        """The chip's counters, in cycles or frames, of the last batch it was given."""
        with self._lock:
            return self._engine.counters()

    def _execute(self, images: np.ndarray, logits: np.ndarray) -> Run:
        run = Run(len(images))
        size, pair = self._pair(len(images))
        parts = [slice(at, min(at + size, len(images))) for at in range(0, len(images), size)]
        try:
            self._fill(pair[0], images[parts[0]], run)
            self._start(pair[0], parts[0])
            for number, part in enumerate(parts):
                slot, other = pair[number % 2], pair[(number + 1) % 2]
                following = parts[number + 1 : number + 2]
                for after in following:
                    self._fill(other, images[after], run)
                self._finish(slot, part, run)
                for after in following:
                    self._start(other, after)
                self._drain(slot, logits[part], run)
        except BaseException:
            # Whatever happened, no DMA may go on writing to memory that gets another use.
            with suppress(AcceleratorError):
                self._engine.reset()
            raise
        return run

    def _pair(self, images: int) -> Tuple[int, Tuple[_Slot, _Slot]]:
        """Two slots for chunks of a batch, allocated once, and the frames each holds."""
        capacities = self._capacities
        size = next((size for size in capacities if size >= images), capacities[-1])
        if size not in self._slots:
            buffers: List[Buffer] = []
            try:
                for _ in range(2):
                    buffers.append(self._allocate(self._frames.in_bytes * size, "u1"))
                    buffers.append(self._allocate(self._frames.out_bytes // 4 * size, "i4"))
            except BaseException:
                for buffer in buffers:
                    buffer.free()
                raise
            self._slots[size] = (_Slot(*buffers[:2]), _Slot(*buffers[2:]))
        return size, self._slots[size]

    def _allocate(self, count: int, dtype: str) -> Buffer:
        buffer = self._session.allocate(count, dtype)
        address = buffer.device_address
        size = buffer.array.nbytes
        if not in_memory(address, size) or address % chip.ALIGNMENT:
            buffer.free()
            raise AcceleratorError(
                f"the board gave a buffer of {size:,} bytes at 0x{address:x}: the chip reaches "
                f"multiples of {chip.ALIGNMENT} from 0x{MEMORY.start:x} to 0x{MEMORY.stop:x}, the "
                "PYNQ-Z2's 512 MB, and would write over other memory or hang. pynq 3.1.0 gives "
                "such addresses: use the image v3.0.1 or 3.1.1 and later"
            )
        buffer.flush()  # nothing the CPU wrote may be written back over the chip's results
        return buffer

    def _fill(self, slot: _Slot, images: np.ndarray, run: Run) -> None:
        begin = time.perf_counter()
        frames = _rows(slot.pixels.array, len(images), self._frames.in_bytes)
        np.copyto(frames[:, : self._frames.pixel_bytes].reshape(images.shape), images)
        slot.pixels.flush()
        run.copy_in += time.perf_counter() - begin

    def _drain(self, slot: _Slot, logits: np.ndarray, run: Run) -> None:
        begin = time.perf_counter()
        slot.logits.invalidate()
        frames = _rows(slot.logits.array, len(logits), self._frames.out_bytes // 4)
        np.copyto(logits, frames[:, : self._frames.classes])
        run.copy_out += time.perf_counter() - begin

    def _start(self, slot: _Slot, part: slice) -> None:
        self._engine.start(slot.pixels, slot.logits, part.stop - part.start)

    def _finish(self, slot: _Slot, part: slice, run: Run) -> None:
        """Wait for a batch; where it fails, reset the chip and try it once more."""
        frames = part.stop - part.start
        try:
            run.busy += self._engine.wait(frames)
        except Fault as first:
            try:
                self._engine.reset()
                slot.pixels.flush()
                self._start(slot, part)
                run.retries += 1
                run.busy += self._engine.wait(frames)
            except (Fault, AcceleratorError) as second:
                raise AcceleratorError(f"{first}. After that, {second}") from None
        run.cycles += self._engine.cycles()


def _rows(array: np.ndarray, count: int, size: int) -> np.ndarray:
    """The first `count` frames of `size` elements in a buffer, a row each."""
    return array[: count * size].reshape(count, size)
