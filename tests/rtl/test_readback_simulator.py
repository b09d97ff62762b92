"""The simulator of circuits that were read back, beside Verilator on the same circuit's text.

The circuit is a heap of cells of every kind, wired at random: both must compute the same.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from host_build.configuration.errors import ReadbackError
from host_build.readback import verilog
from host_build.readback.model import ONE, ZERO, Circuit
from host_build.readback.ports import ports
from host_build.readback.program import program
from host_build.simulation import toolchain
from tests.host.readback.heap import PARITY, Heap
from tests.host.readback.heap import heap as whole

from .readback_support import simulated

pytestmark = pytest.mark.rtl

CYCLES, LANES = 300, 64

VERILATED = """
#include <cstdint>
#include <stdexcept>
#include "Vchip_core.h"
#include "verilated.h"
void vl_finish(const char*, int, const char*) {}
void vl_fatal(const char*, int, const char*, const char* why) { throw std::runtime_error(why); }
void vl_stop(const char*, int, const char*) {}
void vl_warn(const char*, int, const char*, const char*) {}
extern "C" void run(const uint64_t* in, uint64_t* out, uint64_t cycles) {
  VerilatedContext context;
  Vchip_core c(&context);
  for (; cycles; --cycles, in += COUNT, out += COUNT) {
    TAKE
    c.clk_i = 0;
    c.eval();
    GIVE
    c.clk_i = 1;
    c.eval();
  }
}
"""


@pytest.fixture(scope="module")
def heap() -> Circuit:
    return whole()


def inputs() -> np.ndarray:
    """What each port is in each cycle of each lane; the first cycles are a reset."""
    rng = np.random.default_rng(3)
    given = rng.integers(0, 1 << 63, (CYCLES, LANES, len(ports())), np.uint64) * np.uint64(2)
    given += rng.integers(0, 2, given.shape, np.uint64)
    for k, port in enumerate(ports().values()):
        given[:, :, k] &= np.uint64((1 << port.width) - 1) if port.input else np.uint64(0)
    given[:, :, list(ports()).index("rst_i")] = np.arange(CYCLES)[:, None] < 5
    return given


def verilated(circuit: Circuit, given: np.ndarray, folder: Path) -> np.ndarray:
    """What Verilator makes of the circuit's text, for one lane."""
    lines = {True: [], False: []}
    for k, port in enumerate(ports().values()):
        if port.name != "clk_i":
            move = f"c.{port.name} = in[{k}];" if port.input else f"out[{k}] = c.{port.name};"
            lines[port.input].append(move)
    harness = VERILATED.replace("COUNT", str(len(ports())))
    harness = harness.replace("TAKE", "\n".join(lines[True]))
    harness = harness.replace("GIVE", "\n".join(lines[False]))
    library = ctypes.CDLL(str(toolchain.compile_harness(
        "chip_core", verilog.sources(circuit, folder), harness, {}, {}, False, toolchain.CACHE
    )))  # fmt: skip
    found = np.zeros((CYCLES, len(ports())), np.uint64)
    given = np.ascontiguousarray(given)
    library.run(*(ctypes.c_void_p(a.ctypes.data) for a in (given, found)), ctypes.c_uint64(CYCLES))
    return found


def outputs(found: np.ndarray) -> np.ndarray:
    return found[..., [k for k, port in enumerate(ports().values()) if not port.input]]


def test_every_lane_is_as_verilator_has_it(heap: Circuit, tmp_path: Path) -> None:
    given = inputs()
    many = outputs(simulated(heap, given, "uint64_t"))
    few = outputs(simulated(heap, given[:, 3:8], "uint8_t"))
    assert np.array_equal(many[:, 3:8], few)
    one = outputs(simulated(heap, given[:, 3:4], "uint8_t"))
    assert np.array_equal(many[:, 3:4], one)
    for lane in (0, 3, 63):
        assert np.array_equal(outputs(verilated(heap, given[:, lane], tmp_path)), many[:, lane])
    changes = (many[1:] ^ many[:-1]).any(axis=(0, 1))
    used = [
        port.name in ("gp_rdata_o", "hp_wdata_o") for port in ports().values() if not port.input
    ]
    assert np.array_equal(changes, used)


BROKEN: list[tuple[str, dict[str, str], dict[str, int], str]] = [
    ("AFF", {"C": "PS7_X0Y0.PS7/MAXIGP0WDATA0"}, {}, "another clock"),
    ("AFF", {}, {"IS_C_INVERTED": 1}, "inverted"),
    ("A6LUT", {"A1": "SLICE_X1Y0.A6LUT/O6"}, {"INIT": PARITY}, "depends on itself"),
]


@pytest.mark.parametrize(("cell", "wires", "told", "says"), BROKEN)
def test_what_is_not_modelled_is_refused(
    cell: str, wires: dict[str, str], told: dict[str, int], says: str
) -> None:
    heap = Heap(1)
    next(heap.number)
    kind, output = ("FDRE", "Q") if cell == "AFF" else ("LUT6", "O6")
    named = {"C": heap.clock, "CE": ONE, "SR": ZERO, "D": ONE} if cell == "AFF" else {}
    heap.slice(kind, cell, {"INIT": 0} | told, 0, (output,), **(named | wires))
    with pytest.raises(ReadbackError, match=says):
        program(heap.circuit())
