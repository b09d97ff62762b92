"""The cost estimates against Yosys: a few kernels of each kind; `sweep` has the many."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from board_app.network import overlay
from host_build.cli import main
from host_build.generate import circuit
from host_build.implementation import sweep, yosys
from host_build.implementation.sweep_points import matrix_vector, points
from host_build.kernels.base import Kernel, Resources
from host_build.kernels.fifo import Fifo

pytestmark = pytest.mark.rtl

UNITS = [
    matrix_vector("DSP3", 4, 64, 10, 8, 5, "distributed"),
    matrix_vector("LUT", 4, 64, 10, 4, 1, "distributed"),
]
LONG_FIFO = Fifo(24, 300)
# Of each other kernel the point that is the most expensive of those that take little time.
QUICK_LUTS = 260


def quick() -> list[Kernel]:
    rare = ("matrix_vector", "fifo", "stream_fork")
    others = [kernels for module, kernels in points().items() if module not in rare]
    small = ([k for k in kernels if k.resources().lut <= QUICK_LUTS] for kernels in others)
    return [*UNITS, LONG_FIFO, *(max(ks, key=lambda k: k.resources().lut) for ks in small)]


def measured(estimate: Resources, found: Resources) -> sweep.Measured:
    return sweep.Measured("fifo", {"WIDTH": 8, "IMAGE": "x"}, estimate, found)


def test_estimates() -> None:
    found = sweep.measure(quick(), jobs=2)
    assert len(found) == 15
    for one in found:
        assert all(abs(one.error(kind)) <= sweep.MOST for kind in sweep.CHECKED), sweep.table(found)


def test_every_module_of_a_network_is_swept() -> None:
    assert all(points().values())
    assert sum(map(len, points().values())) > 100


def test_error_is_relative_to_what_yosys_found() -> None:
    one = measured(Resources(lut=150, ff=90, bram36=1, dsp=2), Resources(200, 100, 0.5, 2))
    assert [one.error(kind) for kind in sweep.KINDS] == [-0.25, 0, 1, 0]
    assert str(one) == "fifo WIDTH=8"
    # A resource that Yosys does not use at all.
    assert measured(Resources(bram36=0.5), Resources()).error("BRAM36") == float("inf")


@pytest.mark.parametrize(
    ("estimate", "within"),
    [
        (Resources(100, 500, 1, 4), True),
        (Resources(130, 100, 1, 4), False),
        (Resources(100, 100, 1.5, 4), False),
        (Resources(100, 100, 1, 3), True),
        (Resources(100, 100, 1, 2), False),
    ],
)
def test_limits(estimate: Resources, within: bool) -> None:
    found = Resources(100, 100, 1, 4)
    exact = measured(found, found)
    rows = [exact, exact, measured(estimate, found)]
    assert sweep.within_limits(rows) == within
    # What is out of limits is named, with both numbers.
    assert ("fifo WIDTH=8: " in sweep.table(rows)) != within


def test_median_has_a_limit_of_its_own() -> None:
    assert not sweep.within_limits([measured(Resources(lut=240), Resources(lut=200))])


def test_plot_is_a_png() -> None:
    picture = io.BytesIO()
    sweep.plot([measured(Resources(10, 10), Resources(12, 12, 1, 2))], picture)
    assert picture.getvalue().startswith(b"\x89PNG")


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sweep, "points", lambda: {"fifo": [LONG_FIFO], "add": []})
    assert main(["sweep", "--kernel", "fifo", "--out", str(tmp_path)]) == 0
    assert "fifo                      1" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "sweep.json").read_text())
    assert row["parameters"]["DEPTH"] == 300
    assert row["found"]["lut"] > row["estimate"]["lut"] / 2
    assert {path.name for path in tmp_path.iterdir()} == {"sweep.txt", "sweep.json", "sweep.png"}
    assert main(["sweep", "--kernel", "forks"]) == 2
    assert "there is no kernel forks; there are " in capsys.readouterr().err


def test_yosys_errors_reach_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise yosys.YosysError("Yosys is not installed: pip install pyosys")

    monkeypatch.setattr(yosys, "synthesize", fail)
    assert main(["sweep", "--kernel", "add", "--out", str(tmp_path)]) == 2
    assert "pip install pyosys" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_synthesize_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report of a whole circuit, with a stand-in for Yosys: that would take minutes."""
    part = yosys.Synthesis(
        900, 90, 10, 2000, 0.5, 3, carry4=200, cascades=2, netlist=Path("netlist.json")
    )
    monkeypatch.setattr(yosys, "synthesize", lambda *_: part)
    arguments = ["synthesize", "lightweight", "--by-layer", "--out", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "synthesis.txt").read_text() in printed
    report = json.loads((tmp_path / "synthesis.json").read_text())
    assert report["whole"]["LUT"] == report["whole"]["LUT logic"] + 100 == 1000
    layout = circuit.layout(overlay.find("lightweight"))
    assert report["estimate"]["DSP"] == layout.resources.dsp
    # Each of the layer's kernels is the stand-in.
    assert list(report["layers"]) == list(layout.by_layer())
    kernels = sum(instance.layer == "conv3" for instance in layout.instances)
    assert report["layers"]["conv3"]["yosys"]["FF"] == 2000 * kernels
    assert "conv3" in printed
