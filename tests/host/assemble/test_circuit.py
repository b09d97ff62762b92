"""The circuit's place in the overlay, and what the commands say of it."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest

from board_app.network import overlay, vectors
from board_app.network.nodes import Convolution, Threshold
from host_build.assemble.circuit import costed, generate
from host_build.cli import main
from host_build.compiler.fold import fold
from host_build.compiler.fold_report import table
from host_build.generate import circuit
from host_build.generate.handoff import ClockError, handoff
from host_build.generate.plan import plan
from host_build.simulation.check import Found, summary
from host_build.simulation.network import NetworkSimulation, Run
from host_build.simulation.verilator import SimulationError
from tests.board.networks import residual, write_overlay


def test_generated_files_are_the_same_each_time(tmp_path):
    chosen = overlay.find("lightweight")
    first = circuit.write_rtl(chosen, tmp_path / "a")
    circuit.write_rtl(chosen, tmp_path / "b")
    assert first.name == "network_lightweight.sv"
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert "conv0_matrix_00.mem" in names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_manifest_says_what_the_circuit_does():
    chosen = overlay.find("lightweight")
    layout = circuit.layout(chosen)
    found = chosen.manifest.circuit
    assert found["cycles_per_frame"] == layout.interval
    assert found["latency_cycles"] > layout.interval
    assert found["frames_per_second"] == round(found["clock_mhz"] * 1e6 / layout.interval, 1)


def test_shipped_handoff_is_of_the_circuit():
    chosen = overlay.find("lightweight")
    expected = handoff(
        int(chosen.manifest.build_id, 16), chosen.manifest.circuit["clock_mhz"], "lightweight"
    )
    assert (chosen.folder / "lightweight.hwh").read_bytes() == expected.encode()
    assert "lightweight.hwh" in chosen.manifest.files


def test_a_fifo_keeps_stalls_of_thresholds_from_the_convolution_before_them():
    """Circuits that were recorded without it stay as they were."""
    graph = residual(5, (8, 8, 3), 3)
    layout = plan(graph, fold(graph, cycles=3000))
    convolutions = {n.name for n in graph.nodes if isinstance(n, Convolution)}
    behind = {
        f"{n.name}_fifo" for n in graph.nodes
        if isinstance(n, Threshold) and n.inputs[0] in convolutions
    }  # fmt: skip
    assert behind and behind < layout.depths.keys()
    for instance in layout.instances:
        if instance.name in behind:
            assert instance.inputs[0].name.removesuffix("_matrix") in convolutions
    older = {name: depth for name, depth in layout.depths.items() if name not in behind}
    assert plan(graph, fold(graph, cycles=3000), older).depths == older


@pytest.mark.rtl
def test_generate_writes_the_handoff_and_drops_the_bitstream_before(tmp_path):
    before = write_overlay(tmp_path / "plain")
    files = {name: (before.folder / name).read_bytes() for name in before.manifest.files}
    old = overlay.write(before.folder, before.manifest, files | {"plain.bit": b"of another"})
    made = generate(old, fold(old.graph(), cycles=50_000), clock_mhz=142.857)
    assert made.manifest.files.keys() == files.keys() | {"circuit.json", "layers.png", "plain.hwh"}
    values = {
        p.get("NAME"): p.get("VALUE")
        for p in ElementTree.parse(made.folder / "plain.hwh").iter("PARAMETER")
    }
    assert values["BUILD_ID"] == f"0x{made.manifest.build_id}"
    assert values["PCW_FCLK0_PERIPHERAL_DIVISOR0"] == "7"
    assert made.manifest.circuit["clock_mhz"] == 142.857
    images = np.random.default_rng(5).integers(0, 256, (1, 32, 32, 3), np.uint8)
    simulation = NetworkSimulation.generated(circuit.layout(made), "network_tiny")
    assert made.manifest.circuit["latency_cycles"] == simulation.run(images).latency


@pytest.mark.rtl
def test_generate_refuses_a_circuit_that_fails_the_self_test(tmp_path):
    before = write_overlay(tmp_path / "plain")
    golden = vectors.load(before)
    files = {name: (before.folder / name).read_bytes() for name in before.manifest.files}
    content = io.BytesIO()
    np.savez(content, images=golden.images, logits=golden.logits + 1)
    wrong = overlay.write(
        before.folder, before.manifest, files | {vectors.FILE: content.getvalue()}
    )
    with pytest.raises(SimulationError, match="not those of the self-test for 6 of its 6 vectors"):
        generate(wrong, fold(wrong.graph(), cycles=50_000))
    assert not (wrong.folder / "circuit.json").exists()


@pytest.mark.parametrize("command", ["fold", "generate", "all"])
def test_a_clock_that_the_ps_cannot_make(command, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "lightweight", "--clock", "150", "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert "the PS cannot make 150 MHz" in capsys.readouterr().err
    plain = write_overlay(tmp_path / "plain")
    with pytest.raises(ClockError, match=r"the nearest is 142\.857 MHz"):
        generate(plain, {}, clock_mhz=150)
    assert not (plain.folder / "circuit.json").exists()


def test_fold_command_prints_every_layer_and_draws(tmp_path, capsys):
    arguments = ["fold", "lightweight", "--cycles", "20000", "--out", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    graph = overlay.find("lightweight").graph()
    assert all(node.name in printed for node in graph.nodes)
    assert "slowest" in printed
    assert (tmp_path / "layers.png").read_bytes().startswith(b"\x89PNG")


def test_table_adds_up():
    chosen = overlay.find("lightweight")
    folding = fold(chosen.graph(), cycles=50_000)
    layout = costed(chosen, folding)
    assert layout.interval <= 50_000
    assert f"{layout.resources.lut:,.0f} LUT" in table(layout, folding, 100.0)


def test_overlay_without_a_circuit_and_unknown_overlay(tmp_path, capsys):
    write_overlay(tmp_path / "plain")
    data = tmp_path / "none"
    common = ["--overlays", str(tmp_path), "--cifar10", str(data)]
    assert main(["simulate", "plain", *common]) == 2
    assert "has no circuit yet: python -m host_build generate plain" in capsys.readouterr().err
    # Left by the network before.
    (tmp_path / "plain" / "circuit.json").write_text("{}")
    assert main(["simulate", "plain", *common]) == 2
    assert "has no circuit yet" in capsys.readouterr().err
    assert main(["fold", "nothing", "--overlays", str(tmp_path)]) == 2
    assert "unknown overlay 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    ["--lut=80", "--dsp=0", "--bram=nan", "--fps=nan", "--fps=inf", "--cycles=0", "--stall=1"],
)
def test_numbers_that_mean_nothing(option, capsys):
    command = "simulate" if "stall" in option else "fold"
    with pytest.raises(SystemExit) as stop:
        main([command, "lightweight", option])
    assert stop.value.code == 2
    assert f"argument {option.split('=')[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize("goal", [["--cycles", "100"], ["--fps", "1000000"]])
def test_goal_out_of_reach(goal, capsys):
    assert main(["fold", "lightweight", *goal]) == 2
    assert "no folding of at most 100 cycles a frame fits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("finished", "spacings", "said"),
    [
        ([9], [], "predicted 6,144; to measure it takes three images"),
        ([9, 18], [], "predicted 6,144; to measure it takes three images"),
        ([9, 19, 6163], [6144], "6,144.0 cycles a frame, predicted 6,144\n"),
        # The first frames do not count, and neither is a pace that varies called steady.
        ([9, 19, 29, 6173, 12317], [6144, 6144], "over the last 2 of them, each\n"),
        ([9, 19, 29, 6173, 12319], [6144, 6146], "over the last 2 of them, 6,144 to 6,146\n"),
    ],
)
def test_interval_is_of_the_later_frames(finished, spacings, said):
    ends = np.array(finished)
    run = Run(np.zeros((len(ends), 10), np.int32), np.arange(len(ends)), ends)
    assert run.spacings.tolist() == spacings
    found = Found(len(ends), 1.0, 0, run.spacings, run.latency, 2.0)
    assert said in summary(found, circuit.layout(overlay.find("lightweight")), 100.0)
