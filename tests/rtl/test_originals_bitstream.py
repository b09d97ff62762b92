"""The original project's resizer.bit, which Vivado made: its report, its weights, its deadlock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from board_app.driver import chip as registers
from host_build.configuration.database import Database
from host_build.readback import chips
from host_build.readback.circuit import read
from host_build.readback.counts import count
from host_build.readback.model import ONE, Cell, Circuit
from host_build.readback.nodes import Nodes
from host_build.readback.ports import CLOCK, RESET, ports
from host_build.simulation.chip import SimulatedChip

from .readback_support import simulated

pytestmark = [pytest.mark.slow, pytest.mark.rtl]

PICTURE_BYTES, BURST_BYTES = 3_072, 128
SYSTEM = "PS7_X0Y0.PS7"


@pytest.fixture(scope="module")
def circuit(original: Path, database: Database, joined: Nodes) -> Circuit:
    return read(original / "resizer.bit", database, joined).circuit


def test_cells_are_those_of_vivados_report(circuit: Circuit) -> None:
    """What differs are LUTs whose output nobody heeds."""
    counts = count(circuit)
    assert (counts.ff, counts.latches) == (46_325, 0)
    assert (counts.carry4, counts.muxf7, counts.muxf8) == (3_712, 1_254, 564)
    assert (counts.bram36, counts.dsp, counts.bufg) == (29, 0, 1)
    assert counts.lut_shift == 561
    assert 32_880 <= counts.lut_logic <= 32_910
    assert counts.lut_ram <= 2_146  # the write-only halves of memories are not heeded


# The layer, how many bits a word has of each half of the RAMB36 that keep its weights, and how many
# addresses lie between words of the whole.
@pytest.mark.parametrize(("channels", "bits", "step"), [((64, 64), 1, 1), ((32, 16), 4, 8)])
def test_memories_of_odd_width_hold_the_models_weights(
    channels: tuple[int, int], bits: int, step: int, circuit: Circuit, original: Path
) -> None:
    memories = [
        cell for cell in circuit.of_kind("RAMB18E1")
        if cell.parameters["READ_ODD_B"] and cell.parameters["READ_WIDTH_B"] == bits
    ]  # fmt: skip
    wanted = planes(weights(original, channels))
    found = contents(memories, step * np.arange(wanted.shape[1]))
    assert len(found) == len(wanted) == 12
    assert {row.tobytes() for row in found} == {plane.tobytes() for plane in wanted}


def test_its_network_deadlocks(circuit: Circuit) -> None:
    chip = SimulatedChip(chips.build(circuit), ddr_bytes=1 << 14)
    chip.advance(16)
    rng = np.random.default_rng(0)
    chip.ddr[:PICTURE_BYTES] = rng.integers(0, 256, PICTURE_BYTES)
    into, out = 0, registers.WINDOW
    for window, place in ((into, 0), (out, 1 << 13)):
        assert chip.read(window + registers.CTRL) & registers.IDLE
        chip.write(window + registers.ADDRESS_LOW, chip.ddr_base + place)
        chip.write(window + registers.ADDRESS_HIGH, 0)
        chip.write(window + registers.REPETITIONS, 1)
    for window in (out, into):
        chip.write(window + registers.CTRL, registers.START)
    chip.advance(4_000)
    fetched = 8 * chip.traffic.read_beats
    # What its DMA keeps, and what the network took before it stopped: 170 of 1,024 pixels at most.
    assert fetched == 2_432
    # At its pace of 432 cycles a pixel the network would have taken what makes two bursts.
    chip.advance(2 * BURST_BYTES // 3 * 432)
    assert 8 * chip.traffic.read_beats == fetched
    assert chip.traffic.write_bursts == 0
    for window in (into, out):
        assert not chip.read(window + registers.CTRL) & registers.IDLE


def weights(original: Path, channels: tuple[int, int]) -> NDArray[np.int64]:
    """The 3x3 weights of the layer with these channels, out and in, as whole numbers of 6 bits."""
    (model,) = original.glob("*.onnx")
    (found,) = [
        onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(model).graph.initializer
        if tuple(tensor.dims) == (*channels, 3, 3)
    ]  # fmt: skip
    numbers = found * (31 / np.abs(found).max())
    assert np.abs(numbers - np.round(numbers)).max() < 1e-3
    return np.round(numbers).astype(np.int64)


def planes(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The bits of a memory (12, depth) that has two weights a word: by channel, row, column."""
    pairs = numbers.transpose(0, 2, 3, 1).reshape(-1, 2)
    return np.stack([pairs[:, k] >> bit & 1 for k in range(2) for bit in range(6)]).astype("u1")


def contents(memories: list[Cell], addresses: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What port B of `memories` reads at `addresses` (N,) of a RAMB36: (outputs, N).

    They are clocked by the simulator, each of their addresses a bit of the processing system's.
    """
    clock = f"{SYSTEM}/{CLOCK}"
    nets: list[str] = []
    cells = {}
    for cell in memories:
        inputs = dict(cell.inputs) | {"CLKARDCLK": clock, "CLKBWRCLK": clock}
        inputs["ADDRBTIEHIGH0"] = f"{SYSTEM}/MAXIGP0WDATA0"
        inputs |= {f"ADDRBWRADDR{k}": f"{SYSTEM}/MAXIGP0WDATA{k + 1}" for k in range(14)}
        inputs |= {"ENBWREN": ONE, "REGCEB": ONE}
        cells[cell.name] = replace(cell, inputs=inputs)
        nets += [f"{cell.name}/{output}" for output in cell.outputs]
    given = {f"SAXIHP0WDATA{k}": net for k, net in enumerate(nets)}
    pins = (CLOCK, RESET, *(f"MAXIGP0WDATA{k}" for k in range(15)))
    cells[SYSTEM] = Cell(SYSTEM, "PS7", "PS7_X0Y0", "TILE", {}, given, pins, {})
    behind = 2  # the memory's register, and that at its output
    wires = np.zeros((len(addresses) + behind, 1, len(ports())), np.uint64)
    names = list(ports())
    wires[:-behind, 0, names.index("gp_wdata_i")] = addresses
    found = simulated(Circuit("part", cells, {}), wires, "uint8_t")[behind:, 0]
    words = found[:, names.index("hp_wdata_o")]
    return (words >> np.arange(len(nets), dtype=np.uint64)[:, None] & np.uint64(1)).astype("u1")
