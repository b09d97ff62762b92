"""Run the tests in inside/ with unmodified pynq of each image, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = {"pynq301": "3.0.1", "pynq312": "3.1.2"}


@pytest.fixture(scope="module")
def chips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Verilated chips, which the environments with pynq load but could not build."""
    file = tmp_path_factory.mktemp("verilated") / "chips.json"
    subprocess.run([sys.executable, "-m", "tests.pynq.verilated", file], cwd=ROOT, check=True)
    return file


@pytest.mark.slow
@pytest.mark.rtl
@pytest.mark.board
@pytest.mark.parametrize("name", VERSIONS)
def test_the_driver_and_the_simulated_board_with_pynq(name: str, chips: Path) -> None:
    python = subprocess.run(
        ["tools/environment.sh", name], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    environment = {k: v for k, v in os.environ.items() if k != "XILINX_XRT"}
    environment |= {"EXPECTED_PYNQ": VERSIONS[name], "VERILATED_CHIPS": str(chips)}
    done = subprocess.run(
        [python, "-m", "pytest", "tests/pynq/inside", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    print(done.stdout.splitlines()[-1])
