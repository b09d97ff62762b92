"""The circuit's place in the overlay, and what the commands say of it."""

from __future__ import annotations

import pytest

from board_app import overlay
from host_build import circuit
from host_build.cli import main
from host_build.compiler.fold import fold
from host_build.report import table
from tests.board.networks import write_overlay


def test_generated_files_are_the_same_each_time(tmp_path):
    chosen = overlay.find("lightweight")
    first = circuit.write_rtl(chosen, tmp_path / "a")
    circuit.write_rtl(chosen, tmp_path / "b")
    assert first.name == "network_lightweight.sv"
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert "conv0_matrix_00.hex" in names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_manifest_says_what_the_circuit_does():
    chosen = overlay.find("lightweight")
    layout = circuit.layout(chosen)
    found = chosen.manifest.circuit
    assert found["cycles_per_frame"] == layout.interval
    assert found["frames_per_second"] == round(found["clock_mhz"] * 1e6 / layout.interval, 1)


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
    layout = circuit.costed(chosen, folding)
    assert layout.interval <= 50_000
    assert f"{layout.resources.lut:,.0f} LUT" in table(layout, folding, 100.0)


def test_overlay_without_a_circuit_and_unknown_overlay(tmp_path, capsys):
    write_overlay(tmp_path / "plain")
    data = tmp_path / "none"
    common = ["--overlays", str(tmp_path), "--cifar10", str(data)]
    assert main(["simulate", "plain", *common]) == 2
    assert "has no circuit yet: python -m host_build generate plain" in capsys.readouterr().err
    assert main(["fold", "nothing", "--overlays", str(tmp_path)]) == 2
    assert "unknown overlay 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("goal", [["--cycles", "100"], ["--fps", "1000000"]])
def test_goal_out_of_reach(goal, capsys):
    assert main(["fold", "lightweight", *goal]) == 2
    assert "no folding of at most 100 cycles a frame fits" in capsys.readouterr().err
