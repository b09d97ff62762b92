"""The chip as software sees it: its registers, and the facts of one build of it.

Three windows of 4 KB lie one after another on the PS's M_AXI_GP0. `idma0` and `odma0` have the
registers of FINN's DMAs; `control0` identifies the build, counts cycles and resets.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Mapping, Protocol, Tuple

from board_app.errors import BackendError
from board_app.network.overlay import Manifest

BASE = 0x4000_0000
WINDOW = 0x1000
MAGIC_VALUE = 0x5245_3801
ALIGNMENT = 8
"""Bytes of a beat of memory, whose multiples frames begin at."""
MOST_FRAME_BYTES = 1 << 19
"""The largest frame, in or out, that its DMAs count."""

# idma0 and odma0
CTRL, ADDRESS_LOW, ADDRESS_HIGH, REPETITIONS = 0x00, 0x10, 0x14, 0x1C
START, DONE, IDLE = 1, 2, 4

# control0
BUILD_ID, MAGIC, SOFT_RESET, STATUS = 0x00, 0x04, 0x08, 0x0C
CYCLES, FIRST_OUTPUT, INPUT_MEMORY_WAIT, INPUT_NETWORK_WAIT, OUTPUT_MEMORY_WAIT = range(
    0x10, 0x24, 4
)
FRAMES_READ, FRAMES_WRITTEN, UPTIME = 0x24, 0x28, 0x2C
INPUT_ERROR, OUTPUT_ERROR, INPUT_REFUSED, OUTPUT_REFUSED = 1, 2, 0x10, 0x20


class Registers(Protocol):
    """One IP's registers, by their offset in its window; pynq's MMIO is one."""

    def read(self, offset: int) -> int:
        """The 32-bit word at `offset`."""
        ...

    def write(self, offset: int, value: int) -> None:
        """Write the 32-bit `value` to `offset`."""
        ...


@dataclass(frozen=True)
class Register:
    """A register's name, offset, access and meaning; `fields` are (name, lowest bit, bits)."""

    name: str
    offset: int
    access: str
    description: str
    fields: Tuple[Tuple[str, int, int], ...] = ()


def _dma(direction: str) -> Tuple[Register, ...]:
    return (
        Register(
            "CTRL", CTRL, "read-write", "Write 1 to start; done stays until the next start.",
            (("AP_START", 0, 1), ("AP_DONE", 1, 1), ("AP_IDLE", 2, 1)),
        ),
        Register("addr_lo", ADDRESS_LOW, "read-write", f"{direction} address, bits 31:0."),
        Register("addr_hi", ADDRESS_HIGH, "read-write", f"{direction} address, bits 63:32: 0."),
        Register("numReps", REPETITIONS, "read-write", "Frames to transfer."),
    )  # fmt: skip


def _read_only(name: str, offset: int, description: str) -> Register:
    return Register(name, offset, "read-only", description)


IPS: Mapping[str, Tuple[str, int, Tuple[Register, ...]]] = {
    "idma0": ("resnet8:chip:idma:1.0", BASE, _dma("Source")),
    "odma0": ("resnet8:chip:odma:1.0", BASE + WINDOW, _dma("Destination")),
    "control0": (
        "resnet8:chip:control:1.0",
        BASE + 2 * WINDOW,
        (
            _read_only("build_id", BUILD_ID, "Start of the sha256 of the graph it computes."),
            _read_only("magic", MAGIC, f"0x{MAGIC_VALUE:08x}: this register map."),
            Register("soft_reset", SOFT_RESET, "read-write", "Write 1; 1 until it is finished."),
            Register(
                "status", STATUS, "read-only", "Errors, what runs, transfers under way.",
                (
                    ("INPUT_ERROR", 0, 1), ("OUTPUT_ERROR", 1, 1),
                    ("IDMA_RUNNING", 2, 1), ("ODMA_RUNNING", 3, 1),
                    ("INPUT_REFUSED", 4, 1), ("OUTPUT_REFUSED", 5, 1),
                    ("READS", 8, 8), ("WRITES", 16, 8),
                ),
            ),
            _read_only("cycles", CYCLES, "Cycles of the last batch."),
            _read_only("first_output", FIRST_OUTPUT, "Cycle of the batch's first output beat."),
            _read_only("input_memory_wait", INPUT_MEMORY_WAIT, "Cycles input waited for DDR."),
            _read_only("input_network_wait", INPUT_NETWORK_WAIT, "Cycles the network held input."),
            _read_only("output_memory_wait", OUTPUT_MEMORY_WAIT, "Cycles output waited for DDR."),
            _read_only("frames_read", FRAMES_READ, "Frames read from DDR."),
            _read_only("frames_written", FRAMES_WRITTEN, "Frames whose logits are in DDR."),
            _read_only("uptime", UPTIME, "Cycles since power-up, modulo 2**32."),
        ),
    ),
}  # fmt: skip
"""Every IP: its type (VLNV), physical address and registers."""


@dataclass(frozen=True)
class Frames:
    """How pictures and logits lie in memory: each frame at once behind the one before.

    `shape` is a picture's height, width and channels. A frame in memory is a whole number of the
    bus' beats and of pixels, so that a network whose beats are parts of pixels begins each at a
    beat of its own; what is added at its end is not looked at. Logits are int32, and so are theirs.
    """

    shape: Tuple[int, int, int]
    classes: int

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a picture."""
        height, width, channels = self.shape
        return height * width * channels

    @property
    def in_bytes(self) -> int:
        """Bytes of memory from one picture to the next."""
        channels = self.shape[2]
        whole = ALIGNMENT * channels // gcd(ALIGNMENT, channels)
        return -(-self.pixel_bytes // whole) * whole

    @property
    def out_bytes(self) -> int:
        """Bytes of memory from one picture's logits to the next one's."""
        return 4 * (self.classes + self.classes % 2)


@dataclass(frozen=True)
class Hardware:
    """One build: its id, its clock in MHz, cycles from frame to frame, cycles for the first one.

    It takes pictures of `shape`, height, width and channels, and gives as many logits as `classes`.
    """

    build_id: int
    clock_mhz: float
    interval_cycles: int
    latency_cycles: int
    shape: Tuple[int, int, int]
    classes: int

    @property
    def frames(self) -> Frames:
        """How memory has them."""
        return Frames(self.shape, self.classes)

    def seconds(self, frames: int) -> float:
        """How long a batch takes when memory never makes it wait."""
        return (self.latency_cycles + self.interval_cycles * frames) / (1e6 * self.clock_mhz)

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> Hardware:
        """What an overlay's manifest says of its circuit; BackendError where it has none.

        Where "latency_cycles" is missing, three frames' time is assumed: only waits depend on it.
        """
        row = manifest.circuit
        try:
            interval = int(row["cycles_per_frame"])
            latency = int(row.get("latency_cycles", 3 * interval))
            return cls(
                int(manifest.build_id, 16), float(row["clock_mhz"]), interval, latency,
                manifest.shape, len(manifest.classes),
            )  # fmt: skip
        except KeyError as missing:
            raise BackendError(
                f"the overlay {manifest.network} has no circuit for the FPGA (its manifest says "
                f"no {missing}); use the backend reference, or build one"
            ) from None


def report(ips: Mapping[str, Registers]) -> str:
    """All registers of the chip in one line, for an error's message."""
    rows = []
    for ip, (_, _, registers) in IPS.items():
        values = (f"{row.name}=0x{ips[ip].read(row.offset):x}" for row in registers)
        rows.append(f"{ip}: {' '.join(values)}")
    return "; ".join(rows)


def flags(status: int) -> str:
    """The names of the status register's bits that are set."""
    (fields,) = (row.fields for row in IPS["control0"][2] if row.offset == STATUS)
    return " ".join(name for name, bit, bits in fields if bits == 1 and status >> bit & 1)
