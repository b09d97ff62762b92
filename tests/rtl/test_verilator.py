"""The simulation harness: what it carries, what it reports, what it builds."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from host_build.kernels.fifo import Fifo
from host_build.simulation import programs, toolchain
from host_build.simulation.verilator import (
    BuildError,
    Circuit,
    CycleLimit,
    Deadlock,
    LintError,
    ProtocolError,
    SimulationError,
    Stream,
    ToolMissing,
    build,
    lint,
    pack,
    unpack,
)

pytestmark = pytest.mark.rtl

# A register between two streams; FAULT makes it misbehave.
SOURCE = """
module relay #(parameter WIDTH = 8, parameter FAULT = 0, parameter IMAGE = "") (
  input wire clk_i, input wire rst_i,
  input wire [WIDTH-1:0] in_data_i, input wire in_valid_i, output wire in_ready_o,
  output wire [WIDTH-1:0] out_data_o, output wire out_valid_o, input wire out_ready_i
);
  reg [WIDTH-1:0] data_q, mask [0:0];
  reg valid_q;
  assign in_ready_o = ~valid_q | out_ready_i;
  assign out_data_o = data_q;
  assign out_valid_o = valid_q & (FAULT != 2 | out_ready_i);
  initial if (IMAGE != "") $readmemh(IMAGE, mask); else mask[0] = 0;
  always @(posedge clk_i) begin
    if (in_ready_o) data_q <= in_data_i ^ mask[0];
    else if (FAULT == 1) data_q <= ~data_q;
    valid_q <= ~rst_i & (in_ready_o ? in_valid_i : 1'b1);
    if (FAULT == 3 && valid_q && data_q == WIDTH'(7)) $fatal(1, "seven came");
  end
endmodule
"""


@pytest.fixture
def relay(tmp_path: Path) -> Path:
    path = tmp_path / "relay.sv"
    path.write_text(SOURCE)
    return path


def circuit(relay: Path, width: int = 8, fault: int = 0, **options: object) -> Circuit:
    return build(
        "relay", [relay], {"WIDTH": width, "FAULT": fault}, [Stream("in", width)],
        [Stream("out", width)], **options,
    )  # fmt: skip


@pytest.mark.parametrize("width", [1, 8, 9, 17, 32, 33, 64, 65, 130])
def test_every_port_type(relay: Path, width: int) -> None:
    bits = np.random.default_rng(0).integers(0, 2, (100, width))
    result = circuit(relay, width).run(
        {"in": pack(bits, 1)}, {"out": 100}, stall_in=0.3, stall_out=0.3
    )
    assert np.array_equal(unpack(result.outputs["out"], 1, width), bits)


@pytest.mark.parametrize(("bits", "signed"), [(1, False), (6, True), (7, False), (33, True)])
def test_pack_and_unpack(bits: int, signed: bool) -> None:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    values = np.random.default_rng(0).integers(low, high, (50, 11), endpoint=True)
    beats = pack(values, bits)
    assert np.array_equal(unpack(beats, bits, 11, signed=signed), values)
    first = sum((int(v) & (1 << bits) - 1) << bits * i for i, v in enumerate(values[0]))
    width = 11 * bits
    words = [int(beats[0])] if width <= 64 else [int(w) for w in beats[0]]
    assert sum(w << 32 * i for i, w in enumerate(words)) == first
    with pytest.raises(ValueError, match="do not fit"):
        pack(values + (1 << bits + 1), bits)


def test_state_persists_and_cycles_count_on(relay: Path) -> None:
    chip = circuit(relay)
    first = chip.run({"in": [1, 2, 3]}, {"out": 2})
    second = chip.run({"in": []}, {"out": 1})
    assert first.outputs["out"].tolist() == [1, 2] and second.outputs["out"].tolist() == [3]
    assert first.cycles["in"].tolist() == [0, 1, 2] and first.cycles["out"].tolist() == [1, 2]
    assert second.cycles["out"].tolist() == [3] and chip.cycle == 4
    chip.reset()
    assert chip.cycle == 0


def test_stalls_are_random_but_repeatable(relay: Path) -> None:
    chip, cycles = circuit(relay), []
    for seed in (1, 1, 2):
        chip.reset()
        run = chip.run({"in": range(100)}, {"out": 100}, stall_in=0.5, stall_out=0.5, seed=seed)
        cycles.append(run.cycles["out"].tolist())
    assert cycles[0] == cycles[1] != cycles[2]


def test_reports_a_deadlock_and_a_limit(relay: Path) -> None:
    chip = circuit(relay)
    with pytest.raises(Deadlock, match=r"50 cycles.*in: 1 of 2 .*valid=1 ready=0; out: 0 of 0"):
        chip.run({"in": [1, 2]}, {"out": 0}, patience=50)
    with pytest.raises(CycleLimit, match=r"after 10 cycles: in: 10 of 99 beats"):
        chip.run({"in": range(99)}, {"out": 99}, limit=10)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (1, ProtocolError, "changed a beat"),
        (2, ProtocolError, "valid depend on ready"),
        (3, SimulationError, r"relay\.sv:17"),
    ],
)
def test_reports_a_fault(
    relay: Path, fault: int, error: type[SimulationError], message: str
) -> None:
    with pytest.raises(error, match=message):
        circuit(relay, fault=fault).run({"in": range(20)}, {"out": 20}, stall_out=0.5)


@pytest.fixture
def built_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh cache then lacks only the circuits, not the runtime that takes long to compile."""
    runtime = toolchain._runtime(False, toolchain.CACHE)
    monkeypatch.setattr(toolchain, "_runtime", lambda traced, cache: runtime)


@pytest.mark.usefixtures("built_runtime")
def test_images_need_no_new_build(relay: Path, tmp_path: Path) -> None:
    libraries = []
    for mask in ("0f", "f0"):
        chip = build(
            "relay", [relay], {"IMAGE": "mask.hex"}, [Stream("in", 8)], [Stream("out", 8)],
            images={"mask.hex": mask}, cache=tmp_path / "cache",
        )  # fmt: skip
        assert chip.run({"in": [0]}, {"out": 1}).outputs["out"].tolist() == [int(mask, 16)]
        libraries.append(len(list((tmp_path / "cache").glob("relay-*"))))
    assert libraries == [1, 1]
    with pytest.raises(SimulationError, match=r"mask\.hex"):
        build("relay", [relay], {"IMAGE": "mask.hex"}, [Stream("in", 8)], [Stream("out", 8)])


@pytest.mark.usefixtures("built_runtime")
def test_builds_at_once(relay: Path, tmp_path: Path) -> None:
    outputs: list[list[int]] = []

    def work() -> None:
        chip = circuit(relay, cache=tmp_path / "cache")
        outputs.append(chip.run({"in": [5]}, {"out": 1}).outputs["out"].tolist())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == [[5]] * 3
    assert sorted(p.name.split("-")[0] for p in (tmp_path / "cache").iterdir()) == [
        "images", "relay"
    ]  # fmt: skip


def test_traces_a_window(relay: Path, tmp_path: Path) -> None:
    chip, path = circuit(relay, traced=True), tmp_path / "relay.vcd"
    chip.run({"in": range(20)}, {"out": 20}, trace=path, window=(5, 8))
    times = [int(line[1:]) for line in path.read_text().splitlines() if line.startswith("#")]
    assert times == [10, 11, 12, 13, 14, 15]
    with pytest.raises(ValueError, match="traced=True"):
        circuit(relay).run({"in": []}, {"out": 0}, trace=path)


def test_refuses_what_does_not_fit(relay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BuildError, match="in_data_i is 8 bits wide, not 9"):
        build("relay", [relay], {}, [Stream("in", 9)], [Stream("out", 8)])
    with pytest.raises(BuildError, match="no port other_data_o"):
        build("relay", [relay], {}, [Stream("in", 8)], [Stream("other", 8)])
    with pytest.raises(LintError, match="DEPTH must be at least 3"):
        lint("fifo", Fifo.sources(), {"DEPTH": 1})
    chip = circuit(relay)
    with pytest.raises(ValueError, match="do not fit 8"):
        chip.run({"in": [256]}, {"out": 1})
    with pytest.raises(ValueError, match="the streams are"):
        chip.run({"inn": [1]}, {"out": 1})
    programs.compiler.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match="apt install g"):
        programs.compiler()


def test_speed_and_progress(relay: Path) -> None:
    chip, seen = circuit(relay), []
    count = 2_000_000
    data = np.arange(count, dtype=np.uint64) % 256
    result = chip.run(
        {"in": data}, {"out": count}, on_progress=lambda cycle, done: seen.append((cycle, done))
    )
    assert np.array_equal(result.outputs["out"], data)
    assert seen[-1] == (chip.cycle, {"in": count, "out": count})
    assert [cycle for cycle, _ in seen] == sorted(cycle for cycle, _ in seen)
