"""The register map that the driver has is the one that the circuit has."""

from __future__ import annotations

import re

import numpy as np
import pytest

from board_app.driver import chip as map_
from host_build.kernels.axi_registers import AxiRegisters
from host_build.simulation.chip import SimulatedChip
from tests.rtl.chip_support import built_echo, prepare, start

(SOURCE,) = (path for path in AxiRegisters.sources() if path.name == "axi_registers.sv")
RTL = SOURCE.read_text()
WIDTHS = {"pending_i": 16, "refused_i": 2, "running_i": 2, "error_i": 2}


def offsets(ip: str) -> set[int]:
    return {row.offset for row in map_.IPS[ip][2]}


def test_every_register_of_the_circuit_is_in_the_map_and_no_other() -> None:
    control = {4 * int(word, 16) for word in re.findall(r"4'h(\w): read_data =", RTL)}
    assert control == offsets("control0")
    dma = {4 * int(word) for word in re.findall(r"\bword == (\d+)", RTL)}
    assert dma == offsets("idma0") == offsets("odma0")


def test_every_bit_of_the_status_is_in_the_map() -> None:
    match = re.search(r"wire \[31:0\] status = \{(.*)\};", RTL)
    assert match is not None
    at, found = 0, []
    for part in reversed(match[1].split(", ")):
        bits = WIDTHS[part] if part in WIDTHS else int(part.partition("'")[0])
        if part in WIDTHS:
            size = bits // 2  # of each pair the input's half is the lower one
            found += [(at, size), (at + size, size)]
        at += bits
    assert at == 32
    (fields,) = (row.fields for row in map_.IPS["control0"][2] if row.offset == map_.STATUS)
    assert found == [(lowest, bits) for _, lowest, bits in fields]


@pytest.mark.rtl
def test_what_can_be_written_and_what_a_batch_leaves() -> None:
    chip = SimulatedChip(built_echo())
    assert chip.read(2 * map_.WINDOW + map_.MAGIC) == map_.MAGIC_VALUE
    for number, name in enumerate(map_.IPS):
        for row in map_.IPS[name][2]:
            if row.offset in (map_.CTRL, map_.SOFT_RESET) or row.name == "uptime":
                continue
            place = number * map_.WINDOW + row.offset
            before = chip.read(place)
            chip.write(place, ~before & 0xFFFF_FFFF)
            changed = chip.read(place) != before
            assert changed == (row.access == "read-write"), (name, row.name)
            chip.write(place, before)
    chip.ddr[:240] = np.arange(240)
    start(chip, 0, 4096, 10)
    chip.advance(5000)
    values = {r.name: chip.read(2 * map_.WINDOW + r.offset) for r in map_.IPS["control0"][2]}
    assert values["frames_read"] == values["frames_written"] == 10
    assert 0 < values["first_output"] < values["cycles"] < values["uptime"]
    assert values["status"] == 0 and map_.flags(values["status"]) == ""


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("window", "name"), [(0, "INPUT_REFUSED"), (map_.WINDOW, "OUTPUT_REFUSED")]
)
def test_a_refusal_has_its_name(window: int, name: str) -> None:
    chip = SimulatedChip(built_echo())
    prepare(chip, window, 4, 1)
    chip.write(window + map_.CTRL, map_.START)
    chip.advance(50)
    status = chip.read(2 * map_.WINDOW + map_.STATUS)
    assert map_.flags(status) == name and status == getattr(map_, name)
