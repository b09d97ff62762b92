"""deploy.sh --sim: the real app under unmodified pynq, over the verilated circuit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stand_in import REPOSITORY, Checkout, free_port, get, path_without, stop_demo, wait_until

PYTHON = REPOSITORY / "tools" / "environment.sh"


@pytest.fixture(scope="module")
def python() -> str:
    made = subprocess.run([PYTHON, "pynq312"], text=True, capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"the simulated board's environment cannot be made: {made.stderr[-500:]}")
    return made.stdout.strip()


@pytest.fixture
def real(tmp_path: Path, python: str) -> Iterator[Checkout]:
    """A checkout with the real app, the shipped overlay and what its simulation needs."""
    made = Checkout.make(tmp_path / "a checkout", REPOSITORY / "board_app")
    for name in ("host_build", "overlays/lightweight"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, made.folder / name, ignore=ignored)
    (REPOSITORY / ".cache").mkdir(exist_ok=True)
    for name in (".venv", ".cache"):
        (made.folder / name).symlink_to(REPOSITORY / name)
    yield made
    stop_demo(made.folder / ".simulated-board")


@pytest.mark.slow
@pytest.mark.rtl
@pytest.mark.board
@pytest.mark.timeout(1200)
def test_deploy_use_kill_and_stop(real: Checkout, tmp_path: Path, python: str) -> None:
    port = free_port()
    offline = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:9"}
    deploy = ["lightweight", "--sim", "--web-port", port, "--images", 3]
    done = real.run(*deploy, env=offline, seconds=900)  # Verilator and g++ may have to work
    assert done.returncode == 0, done.stdout
    assert "lightweight on fpga, simulated: 16 vectors equal, bit for bit" in done.stdout
    assert "equality    3 of 3 images have all logits as the reference has them" in done.stdout
    manifest = json.loads((real.folder / "overlays/lightweight/lightweight.json").read_text())
    clock = manifest["circuit"]["clock_mhz"]
    assert f"images/s at {clock:g} MHz" in done.stdout and "throughput" not in done.stdout

    assert "fpga, simulated" in str(get(port, "/"))
    found = classify(port, python)
    assert found["class"] in manifest["classes"]
    # By the board's clock: the simulation itself takes some hundred times as long.
    cycles = found["milliseconds"] * clock * 1e3
    assert manifest["circuit"]["cycles_per_frame"] < cycles < 1e6
    assert "demo: running" in real.run("--status", "--sim").stdout

    board = real.folder / ".simulated-board"
    os.kill(int((board / "demo.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: get(port, "/healthz") is None)
    assert "demo: not running" in real.run("--status", "--sim").stdout
    again = real.run(*deploy, env=offline)
    assert again.returncode == 0 and "0 of " in again.stdout, again.stdout
    assert "demo: running" in again.stdout

    looked = real.run("--doctor", "--sim", seconds=300, cwd=tmp_path)
    assert looked.returncode == 0, looked.stdout
    findings = json.loads((tmp_path / "doctor.json").read_text())["findings"]
    assert {finding["state"] for finding in findings} == {"ok"}, looked.stdout
    assert findings[-1]["name"] == "128 frames"
    assert "demo: running" in real.run("--status", "--sim").stdout

    assert "demo: stopped" in real.run("--stop", "--sim").stdout
    assert get(port, "/healthz") is None
    assert (board / "board.lock").read_text() == "", "the driver was closed"
    assert "Traceback" not in (board / "demo.log").read_text()


def classify(port: int, python: str) -> dict:
    """What the demo's JSON interface says of a sample picture."""
    (folder,) = Path(python).parents[1].glob("lib/python*/site-packages/foolbox/data")
    content = min(folder.glob("cifar10_*.png")).read_bytes()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/api/classify", content, timeout=60) as response:
        return json.load(response)


def test_no_compiler(checkout: Checkout, tmp_path: Path) -> None:
    path = path_without(tmp_path / "programs", "g++", "clang++")
    done = checkout.run("net", "--sim", env={"PATH": path, "CXX": ""})
    assert done.returncode == 1
    assert "there is no g++" in done.stdout and "apt install g++" in done.stdout


@pytest.mark.board
def test_an_overlay_without_a_circuit(real: Checkout) -> None:
    folder = real.folder / "overlays" / "lightweight"
    manifest = json.loads((folder / "lightweight.json").read_text())
    del manifest["files"]["circuit.json"]
    (folder / "lightweight.json").write_text(json.dumps(manifest))
    done = real.run("lightweight", "--sim")
    assert done.returncode == 1
    assert "has no circuit yet: python -m host_build generate lightweight" in done.stdout
    assert "no simulated board for lightweight" in done.stdout
    assert not (real.folder / ".simulated-board" / "current").exists()


@pytest.mark.slow
@pytest.mark.rtl
@pytest.mark.board
@pytest.mark.timeout(1200)
def test_port_of_another_program(real: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = real.run("lightweight", "--sim", "--web-port", port, "--images", 1, seconds=900)
    assert done.returncode == 1
    assert f"port {port} is taken by another program" in done.stdout
    assert not (real.folder / ".simulated-board" / "current").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net", "--sim", "--local"], "either --local or --sim, not both"),
        (["net", "--sim", "a@b"], "not both"),
        (["net", "--sim", "--images", "0"], "0 is no number of images"),
        (["net", "--sim", "--images", "many"], "many is no number of images"),
        (["net", "--sim", "--images"], "--images needs a value"),
        (["--setup", "--sim"], "--setup is for a board"),
        (["net", "--bitstream"], "--bitstream is for --sim"),
        (["net", "--sim", "--bitstream"], "--bitstream needs --prjxray-db DIR"),
        (["net", "--sim", "--bitstream", "--prjxray-db", "/nowhere"], "there is no zynq7/ in"),
    ],
)
def test_wrong_calls(arguments: list[str], message: str, checkout: Checkout) -> None:
    done = checkout.run(*arguments)
    assert done.returncode == 2
    assert message in done.stdout
