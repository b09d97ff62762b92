"""The chip's modules for lint and synthesis; chip_top with Yosys' processing system."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from host_build.generate import chip as chips
from host_build.generate.chip import Chip
from host_build.implementation import yosys
from host_build.kernels.axi_registers import AxiRegisters
from host_build.kernels.base import FOLDER, Kernel
from host_build.kernels.batch_counters import BatchCounters
from host_build.kernels.frame_fit import FrameFit
from host_build.kernels.input_dma import InputDma
from host_build.kernels.output_dma import OutputDma
from host_build.simulation.verilator import LintError, lint
from tests.rtl.chip_support import ECHO, echo_frames

pytestmark = pytest.mark.rtl

KERNELS: list[Kernel] = [
    AxiRegisters(0x12345678), BatchCounters(), InputDma(384), OutputDma(5), FrameFit(8, 736, 729),
]  # fmt: skip
EDGES: list[Kernel] = [
    AxiRegisters(0), AxiRegisters(0xFFFFFFFF), BatchCounters(8), InputDma(1), InputDma(65536, 1),
    InputDma(24, 64), OutputDma(1), OutputDma(6, 64), FrameFit(1, 1, 1), FrameFit(32, 3, 4),
]  # fmt: skip
OFF = "/* verilator lint_off UNUSEDSIGNAL */ /* verilator lint_off UNDRIVEN */\n"
CHIPS = [
    Chip("echo_network", 32, echo_frames(2), 0),
    Chip("echo_network", 32, echo_frames(7), 0xFFFFFFFF),
]


@pytest.mark.parametrize("kernel", [*KERNELS, *EDGES], ids=str)
def test_kernel(kernel: Kernel) -> None:
    lint(kernel.module, kernel.sources(), kernel.parameters())


@pytest.mark.parametrize(
    ("module", "parameters", "message"),
    [
        ("input_dma", {"OUTSTANDING": 65}, "OUTSTANDING must be from 1 to 64"),
        ("output_dma", {"OUTSTANDING": 0}, "OUTSTANDING must be from 1 to 64"),
        ("dma_bursts", {"FRAME_BEATS": 70000}, "FRAME_BEATS must be from 1 to 65536"),
        ("frame_fit", {"OUT_BEATS": 0}, "IN_BEATS and OUT_BEATS must be at least 1"),
    ],
)
def test_illegal_parameters(module: str, parameters: dict[str, int | str], message: str) -> None:
    with pytest.raises(LintError, match=message):
        sources = [FOLDER / f"{name}.sv" for name in {module, "dma_bursts", "fifo"}]
        lint(module, sources, parameters)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (InputDma, (0,), "frame_beats"), (InputDma, (8, 0), "outstanding"),
        (OutputDma, (1 << 17,), "frame_beats"), (OutputDma, (8, 65), "outstanding"),
        (AxiRegisters, (1 << 32,), "build_id"), (BatchCounters, (1,), "bits"),
        (FrameFit, (8, 0, 1), "in_beats"),
    ],
)  # fmt: skip
def test_twin_refuses(kind: type[Kernel], value: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(*value)


def sources(chip: Chip, folder: Path) -> list[Path]:
    """The files of a chip around the echo, chip_top last."""
    core, top = folder / "chip_core.sv", folder / "chip_top.sv"
    core.write_text(chips.core(chip))
    top.write_text((chips.HERE / top.name).read_text())
    return [ECHO, *chips.core_sources(chip), core, top]


def processing_system(used: str, folder: Path) -> Path:
    """The ports of Yosys' cell PS7 that `used` connects, as an empty module."""
    name = "PS7"
    cells = yosys.cell_models().with_name("cells_xtra.v").read_text()
    body = re.search(rf"\nmodule {name}\b.*?\nendmodule", cells, re.DOTALL)
    assert body is not None
    instance = re.search(rf"\n  {name} \w+ \(.*?\);", used, re.DOTALL)
    assert instance is not None
    ports = []
    for port in re.findall(r"\.(\w+)\s*\(", instance[0]):
        kind = re.search(rf"\b(input|output) (\[\d+:\d+\] )?{port};", body[0])
        assert kind is not None, f"{name} has no {port}"
        ports.append(f"  {kind[1]} wire {kind[2] or ''}{port}")
    path = folder / f"{name}.sv"
    path.write_text(
        f"{OFF}(* blackbox *) module {name} (\n" + ",\n".join(ports) + ");\nendmodule\n"
    )
    return path


def stubs(top: Path, folder: Path) -> list[Path]:
    """The cells of the device that chip_top has, as empty modules."""
    buffer = folder / "BUFG.sv"
    buffer.write_text(
        f"{OFF}(* blackbox *) module BUFG (input wire I, output wire O);\nendmodule\n"
    )
    return [processing_system(top.read_text(), folder), buffer]


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: f"{chip.frames.classes} beats")
def test_core(chip: Chip, tmp_path: Path) -> None:
    lint("chip_core", sources(chip, tmp_path)[:-1], {})


def test_top(tmp_path: Path) -> None:
    files = sources(CHIPS[1], tmp_path)
    lint("chip_top", [*stubs(files[-1], tmp_path), *files], {})


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: f"{chip.frames.classes} beats")
def test_other_front_end(chip: Chip, tmp_path: Path) -> None:
    files = sources(chip, tmp_path)
    paths = " ".join(map(str, [*files, *stubs(files[-1], tmp_path)]))
    commands = [f"read_slang --top chip_top {paths}", "hierarchy -check", "proc", "check -assert"]
    script = "import sys; from pyosys import libyosys\nfor c in sys.argv[1:]: libyosys.run_pass(c)"
    done = subprocess.run(
        [sys.executable, "-c", script, *commands], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "Warning" not in done.stdout + done.stderr


def test_synthesis_of_the_top(tmp_path: Path) -> None:
    found = yosys.synthesize("chip_top", sources(CHIPS[1], tmp_path), {})
    netlist = json.loads(found.netlist.read_text())
    (top,) = (m for m in netlist["modules"].values() if "PS7" in {
        cell["type"] for cell in m["cells"].values()
    })  # fmt: skip
    cells = list(top["cells"].values())
    (system,) = (cell for cell in cells if cell["type"] == "PS7")
    (buffer,) = (cell for cell in cells if cell["type"] == "BUFG")
    clock = buffer["connections"]["O"]
    assert buffer["connections"]["I"] == system["connections"]["FCLKCLK"][:1]
    assert system["connections"]["MAXIGP0ACLK"] == system["connections"]["SAXIHP0ACLK"] == clock
    # The reset's three stages are flip-flops, set from the start, not a shift register.
    reset = [cell for name, cell in top["cells"].items() if cell["type"] == "FDRE"
             and cell["parameters"].get("INIT", "").endswith("1")]  # fmt: skip
    assert len(reset) == 3
    assert all(cell["connections"]["C"] == clock for cell in cells if cell["type"] == "FDRE")
    assert found.dsp == 0 and found.bram36 == 0
    assert found.lut == pytest.approx(CHIPS[1].resources.lut, rel=0.2)
    assert found.ff == pytest.approx(CHIPS[1].resources.ff, rel=0.2)
