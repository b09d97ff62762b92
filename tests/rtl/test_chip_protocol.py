"""The simulated board notices a chip that breaks a rule of AXI3."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_build.kernels.base import FOLDER
from host_build.simulation.chip import Bus, ProtocolError, SimulatedChip, SimulationError
from host_build.simulation.chip_build import Design, build

pytestmark = pytest.mark.rtl

RULES = {
    1: "ARVALID fell",
    2: "VALID depends on its READY",
    3: "AR changed before",
    4: "AR crosses a 4 KB boundary",
    5: "ARADDR is not a multiple of 8",
    6: "ARBURST is not INCR",
    7: "ARSIZE is not 8 bytes",
    10: "AW crosses a 4 KB boundary",
    11: "W changed before",
    12: "WLAST is not at the last beat",
    13: "WLAST is missing",
    14: "WSTRB leaves out bytes",
    15: "WID is not AWID",
    16: "W comes before its AW",
    20: "RID is not ARID",
    21: "RLAST is not at the last beat",
    22: "data that was not asked for",
    23: "confirm a write that is not complete",
    24: "BID is not AWID",
}


@pytest.fixture(scope="module")
def rogue() -> SimulatedChip:
    sources = [Path(__file__).with_name("rogue_chip.sv"), FOLDER / "axi_slave.sv"]
    design = Design([*sources, FOLDER / "axi_beats.sv"])
    return SimulatedChip(build(design), Bus(stall=0.4, registers_stall=0.4))


@pytest.mark.parametrize("rule", RULES)
def test_broken_rule(rogue: SimulatedChip, rule: int) -> None:
    rogue.power_cycle()
    assert rogue.read(0) == 0
    with pytest.raises(ProtocolError, match=rf"{RULES[rule]}.*, in cycle \d+"):
        rogue.write(0, rule)
        rogue.advance(300)
        rogue.read(0)


def test_registers_that_do_not_answer(rogue: SimulatedChip) -> None:
    rogue.power_cycle()
    rogue.bus = Bus(registers_stall=1.0)
    with pytest.raises(SimulationError, match="registers do not answer"):
        rogue.read(0)


def test_senseless_settings(rogue: SimulatedChip, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        rogue.bus = Bus(read_latency=(0, 5))
    with pytest.raises(ValueError, match="1 to 16 beats, not 17"):
        rogue.read_burst(0, 17)
    with pytest.raises(ValueError, match="traced=True"), rogue.trace(tmp_path / "a.vcd"):
        pass
