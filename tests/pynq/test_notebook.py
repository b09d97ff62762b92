"""The notebook: found by pynq, and run from its first cell to its last on the simulated board."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from board_app.network import overlay

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "overlays" / "notebooks" / "resnet8.ipynb"
NAME = "lightweight"


@pytest.fixture(scope="module")
def python() -> str:
    made = subprocess.run(
        [ROOT / "tools/environment.sh", "pynq312"], stdout=subprocess.PIPE, text=True, check=True
    )
    return made.stdout.strip()


def test_it_carries_no_results() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and all(not c["outputs"] and c["execution_count"] is None for c in code)


@pytest.mark.slow
@pytest.mark.rtl
@pytest.mark.board
def test_every_cell_runs_on_the_simulated_board(python: str, tmp_path: Path) -> None:
    release, folder = tmp_path / "releases" / "one", tmp_path / "jupyter"
    ignored = shutil.ignore_patterns("__pycache__", "*.bit")
    shutil.copytree(ROOT / "board_app", release / "board_app", ignore=ignored)
    shutil.copytree(ROOT / "overlays" / NAME, release / "overlays" / NAME)
    environment = {k: v for k, v in os.environ.items() if k not in ("XILINX_XRT", "PYTHONPATH")}
    subprocess.run(
        [python, "-m", "host_build.simulation.stage", release, NAME],
        cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
    folder.mkdir()
    for name in ("board_app", "overlays"):
        (folder / name).symlink_to(release / name)
    done = subprocess.run(
        [python, "-m", "tests.pynq.notebook", release, NOTEBOOK],
        cwd=folder, env={**environment, "PYTHONPATH": f"{folder}:{ROOT}"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"{NAME} on fpga, simulated" in done.stdout
    assert "self-test: 16 images, every logit is right" in done.stdout
    best = re.search(r"([\d,]+) images/s at best", done.stdout)
    circuit = overlay.find(NAME).manifest.circuit
    assert best and circuit
    pace = 1e6 * circuit["clock_mhz"] / circuit["cycles_per_frame"]
    assert 0.5 * pace < float(best[1].replace(",", "")) < pace


@pytest.mark.slow
def test_pynq_finds_and_delivers_it(python: str, tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("board_app", f"overlays/{NAME}", "overlays/notebooks"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    pip = ["-m", "pip", "--disable-pip-version-check", "-q"]
    wheel = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([sys.executable, *wheel, "-w", tmp_path, source], check=True)
    install = [*pip, "install", "--no-deps", "--no-index", "--target", site]
    subprocess.run([python, *install, *tmp_path.glob("*.whl")], check=True)

    def inside(code: str, *arguments: object) -> str:
        done = subprocess.run(
            [python, "-c", code, *map(str, arguments)],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)},
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    get = "from pynq._cli.get_notebooks import main; main()"
    assert "resnet8 (source: overlays)" in inside(get, "--list")
    inside(get, "--ignore-overlays", "--path", tmp_path / "delivered", "resnet8")
    delivered = tmp_path / "delivered" / "resnet8" / NOTEBOOK.name
    assert delivered.read_bytes() == NOTEBOOK.read_bytes()
    opened = "from board_app.network import overlay as o; print(o.names(), o.find(o.names()[0]))"
    assert inside(opened).startswith(f"['{NAME}'] ")
