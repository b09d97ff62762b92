"""The command line: its output, its exit codes, and one line for what goes wrong."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from board_app import cli
from board_app.commands import measuring
from board_app.measure import benchmark
from board_app.measure.benchmark import Effort
from board_app.network.overlay import Overlay, write
from board_app.pictures.cifar10 import Dataset
from board_app.system.files import read_arrays
from board_app.system.terminate import Terminated

from .networks import write_files, write_overlay


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of one batch."""
    monkeypatch.setattr(benchmark, "FULL", Effort(0, 0))


def run(command: str, overlays: Path, *arguments: object) -> int:
    return cli.main([command, "--overlays", str(overlays), *map(str, arguments)])


def test_benchmark(
    overlays: Path, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path, picture = tmp_path / "results" / "result.json", tmp_path / "result.png"
    files = ["--json", path, "--plot", picture]
    assert run("benchmark", overlays, "--samples", *files, "--watts", 2.5) == 0
    row = json.loads(path.read_text())
    assert (row["overlay"], row["backend"], row["data"]["images"]) == (
        "lightweight",
        "reference",
        20,
    )
    assert np.sum(row["accuracy"]["confusion"]) == 20
    latency = row["latency_ms"]
    assert latency["inferences"] >= 5 and len(latency["windows"]) == 5
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    assert len(row["throughput"]["windows"]) == 5 and row["offline"][0]["batch"] == 1
    assert row["energy"]["source"] == "entered" and set(row["state"]) == {"before", "after"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert row["versions"]["numpy"] == np.__version__
    output = capsys.readouterr().out
    assert "on 20 images only" in output and "true class" in output


def test_a_meter_that_says_nothing_loses_nothing(
    overlays: Path, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path, meter = tmp_path / "result.json", tmp_path / "meter.csv"
    options = ["--samples", "--json", path, "--meter", meter]
    assert run("benchmark", overlays, *options) == 2
    assert "meter.csv cannot be read" in capsys.readouterr().err and not path.exists()
    meter.write_text("2020-01-01T00:00:00Z,2.5\n")
    assert run("benchmark", overlays, *options) == 2
    assert "set the meter's clock; the rest of the result is" in capsys.readouterr().err
    assert "energy" not in json.loads(path.read_text())


def test_without_matplotlib_all_but_the_plot_is_there(
    overlays: Path, sample_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path, picture = tmp_path / "x.json", tmp_path / "x.png"
    files = ["--json", path, "--plot", picture]
    assert run("benchmark", overlays, "--samples", *files) == 2
    said = capsys.readouterr()
    assert "needs matplotlib" in said.err and "the rest is measured, without a plot" in said.err
    assert json.loads(path.read_text())["throughput"]["images_per_second"] > 0
    assert "throughput" in said.out and not picture.exists()


def test_benchmark_falls_back_to_samples(
    overlays: Path, sample_folder: Path, capsys: pytest.CaptureFixture, no_download: None
) -> None:
    assert run("benchmark", overlays, "--images", 5) == 0
    captured = capsys.readouterr()
    assert "could not download CIFAR-10" in captured.err
    assert "measuring on the 20 sample pictures instead" in captured.err
    assert "(" in captured.out and "of 5)" in captured.out


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """No way to the data set."""
    from board_app.pictures import cifar10

    monkeypatch.setitem(cifar10.fetch.__kwdefaults__, "url", "http://127.0.0.1:9/")


def test_benchmark_without_any_pictures(
    overlays: Path, capsys: pytest.CaptureFixture, no_download: None
) -> None:
    assert run("benchmark", overlays) == 2
    assert "has no pictures called" in capsys.readouterr().err


def test_benchmark_does_not_fall_back_from_a_named_folder(
    overlays: Path, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run("benchmark", overlays, "--cifar10", tmp_path / "none") == 2
    assert "is no folder; --cifar10 names" in capsys.readouterr().err
    assert run("benchmark", overlays, "--cifar10", tmp_path) == 2
    assert "test_batch.bin is missing" in capsys.readouterr().err


def test_benchmark_result_must_be_a_file(
    overlays: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run("benchmark", overlays, "--samples", "--json", tmp_path) == 2
    assert "is a folder; give a file's name" in capsys.readouterr().err


def test_classify(
    overlays: Path, tmp_path: Path, images: Dataset, capsys: pytest.CaptureFixture
) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(images.images[0]).resize((200, 100)).save(good)
    bad.write_text("text")
    assert run("classify", overlays, good) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{good}: ") and captured.out.endswith(" ms)\n")
    assert " windows; " in captured.out
    assert "looked at through 40 windows at most; --windows N takes more" in captured.err
    assert run("classify", overlays, bad, good, "--windows", 1) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        f"board_app: {bad}: not a picture that can be read (BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP)\n"
    )
    assert str(good) in captured.out and "windows" not in captured.out


def test_classify_takes_folders_and_answers_in_json(
    overlays: Path, tmp_path: Path, images: Dataset, capsys: pytest.CaptureFixture
) -> None:
    folder, empty = tmp_path / "pictures", tmp_path / "empty"
    (folder / "more").mkdir(parents=True)
    empty.mkdir()
    names = ["a.png", "more/b.PNG"]
    for index, name in enumerate(names):
        Image.fromarray(images.images[index]).save(folder / name, "PNG")
    (folder / "notes.txt").write_text("no picture")
    assert run("classify", overlays, folder, "--json", "--top", 3) == 0
    captured = capsys.readouterr()
    rows = [json.loads(line) for line in captured.out.splitlines()]
    assert [row["picture"] for row in rows] == [str(folder / name) for name in names]
    for row in rows:
        shares = list(row["probabilities"].values())
        assert len(shares) == 3 and shares == sorted(shares, reverse=True)
        assert row["probability"] == row["probabilities"][row["class"]] == shares[0]
        assert (row["box"], row["windows"], row["cycles"]) == ([0, 0, 32, 32], 1, None)
    assert captured.err == ""
    assert run("classify", overlays, empty, folder) == 2
    captured = capsys.readouterr()
    assert f"{empty} has no pictures (.bmp" in captured.err and captured.out.count("\n") == 2


def test_classify_reads_standard_input(
    overlays: Path, images: Dataset, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    Image.fromarray(images.images[0]).save(content, "PNG")
    for read, code, expected in ((content.getvalue(), 0, ""), (b"", 2, "picture is empty")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(read)))
        assert run("classify", overlays, "-") == code
        captured = capsys.readouterr()
        assert captured.out.startswith("standard input: ") == (code == 0)
        assert expected in captured.err


def test_info(overlays: Path, capsys: pytest.CaptureFixture) -> None:
    assert run("info", overlays) == 0
    output = capsys.readouterr().out
    assert "circuit    none: reference only" in output
    assert "lightweight" in output and "tiny, 604 parameters" in output and "numpy" in output
    assert "backends: fpga, reference" in output
    assert "bitstream  none: for the reference and the simulated board only" in output


def test_info_has_what_the_circuit_does(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    made = write_overlay(tmp_path / "tiny")
    circuit = {
        "clock_mhz": 100.0, "cycles_per_frame": 6144, "latency_cycles": 11103,
        "estimated": {"LUT": 24563, "DSP": 108},
    }  # fmt: skip
    files = {name: (made.folder / name).read_bytes() for name in made.manifest.files}
    write(made.folder, replace(made.manifest, circuit=circuit), files)
    assert run("info", tmp_path) == 0
    assert (
        "circuit    at 100 MHz 16,276 frames/s (6,144 cycles each), latency 111.0 us "
        "(11,103 cycles), as simulated; estimated LUT 24563, DSP 108\n"
    ) in capsys.readouterr().out


def test_info_without_overlays(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run("info", tmp_path) == 0
    assert "none yet" in capsys.readouterr().out


def test_selftest_equal(overlays: Path, capsys: pytest.CaptureFixture) -> None:
    assert run("selftest", overlays) == 0
    assert "6 vectors equal, bit for bit" in capsys.readouterr().out


def rewrite(overlay: Overlay, **changes: np.ndarray) -> None:
    """Write the overlay again with other vectors; none at all without changes."""
    files = {"tiny.npz": (overlay.folder / "tiny.npz").read_bytes()}
    if changes:
        vectors = io.BytesIO()
        np.savez(vectors, **{**read_arrays(overlay.folder / "vectors.npz"), **changes})
        files["vectors.npz"] = vectors.getvalue()
    write_files(overlay.folder, files)


def test_selftest_names_the_first_difference(
    overlay: Overlay, capsys: pytest.CaptureFixture
) -> None:
    logits = read_arrays(overlay.folder / "vectors.npz")["logits"]
    logits[3:, 7] += 1
    rewrite(overlay, logits=logits)
    assert run("selftest", overlay.folder.parent) == 1
    error = capsys.readouterr().err
    assert f"differs: vector 3: expected logits {logits[3].tolist()}, got [" in error


@pytest.mark.parametrize(
    "changes, message",
    [
        ({}, "lists no vectors.npz"),
        ({"images": np.zeros((6, 32, 32), np.uint8)}, "has shapes"),
        ({"logits": np.zeros((5, 10), np.int32)}, "has shapes"),
        (
            {"images": np.zeros((0, 32, 32, 3), np.uint8), "logits": np.zeros((0, 10), np.int32)},
            "has no vectors",
        ),
    ],
)
def test_selftest_needs_vectors(
    overlay: Overlay, changes: dict, message: str, capsys: pytest.CaptureFixture
) -> None:
    rewrite(overlay, **changes)
    assert run("selftest", overlay.folder.parent) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["benchmark", "classify", "serve", "info", "selftest"])
def test_unknown_overlay(command: str, overlays: Path, capsys: pytest.CaptureFixture) -> None:
    arguments: list[object] = ["--overlay", "heavy"]
    arguments += {"classify": ["x.png"], "serve": ["--port", 0]}.get(command, [])
    assert run(command, overlays, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("board_app: unknown overlay 'heavy'") and "known: lightweight" in error
    assert error.count("\n") == 1


def test_unknown_backend(overlays: Path, capsys: pytest.CaptureFixture) -> None:
    assert run("selftest", overlays, "--backend", "gpu") == 2
    told = capsys.readouterr().err
    assert told == "board_app: unknown backend 'gpu'; known: fpga, reference, socket\n"


def test_damaged_overlay(overlay: Overlay, capsys: pytest.CaptureFixture) -> None:
    (overlay.folder / "tiny.npz").write_bytes(b"PK")
    assert run("selftest", overlay.folder.parent) == 2
    assert "is not the file the manifest was made for" in capsys.readouterr().err


def test_port_in_use(overlays: Path, capsys: pytest.CaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("serve", overlays, "--host", "127.0.0.1", "--port", port) == 2
    assert capsys.readouterr().err == (
        f"board_app: cannot listen on 127.0.0.1 port {port}: "
        "it is in use; stop what uses it or take another with --port\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "::g"])
def test_wrong_host(overlays: Path, host: str, capsys: pytest.CaptureFixture) -> None:
    assert run("serve", overlays, "--host", host, "--port", 0) == 2
    assert "no address of this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["classify"],
        ["benchmark", "--images", "0"],
        ["benchmark", "--images", "some"],
        ["benchmark", "--watts", "0"],
        ["benchmark", "--watts", "2", "--meter", "x.csv"],
        ["throughput", "--batch", "0"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m board_app" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [[], ["benchmark"], ["throughput"], ["classify"], ["serve"], ["info"], ["selftest"]]
)
def test_help(command: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    assert "usage: python -m board_app" in capsys.readouterr().out


def test_interrupt(monkeypatch: pytest.MonkeyPatch, overlays: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(measuring, "chosen_backend", interrupt)
    assert run("selftest", overlays) == 130


def test_a_driver_is_closed_whatever_ends_the_command(
    overlays: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for raised, code in ((Terminated(), 143), (KeyboardInterrupt(), 130), (OSError("lost"), 2)):
        closed: list[bool] = []

        class Failing:
            name = "failing"

            def execute(self, images: np.ndarray, error: BaseException = raised) -> np.ndarray:
                raise error

            def close(self, closed: list[bool] = closed) -> None:
                closed.append(True)

        monkeypatch.setattr(measuring, "chosen_backend", lambda *_: Failing())
        assert run("selftest", overlays) == code
        assert closed == [True]


def test_sigterm(overlays: Path) -> None:
    """A command that is told to end does so at once, and says so to the shell; no traceback."""
    root = Path(cli.__file__).resolve().parent.parent
    script = (
        "import sys, time; from board_app import cli; from board_app.network import vectors\n"
        "vectors.load = lambda _: (print('working', flush=True), time.sleep(60))\n"
        f"sys.exit(cli.main(['selftest', '--overlays', {str(overlays)!r}]))"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "working\n"
        process.terminate()
        assert process.wait(timeout=20) == 143
        assert process.stderr.read() == ""


def test_as_a_program(overlays: Path) -> None:
    """Usage errors come before numpy is imported, and exit codes reach the shell."""
    root = Path(cli.__file__).resolve().parent.parent
    script = (
        "import sys; sys.modules['numpy'] = None; sys.argv = ['board_app', '--help'];"
        "import board_app.__main__"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE)
    assert found.returncode == 0 and b"benchmark" in found.stdout
    command = [sys.executable, "-m", "board_app", "selftest", "--overlays", str(overlays)]
    assert subprocess.run(command, cwd=root, stdout=subprocess.PIPE).returncode == 0
    command += ["--overlay", "heavy"]
    found = subprocess.run(command, cwd=root, stderr=subprocess.PIPE)
    assert found.returncode == 2 and b"Traceback" not in found.stderr
