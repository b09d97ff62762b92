"""Run the tests in inside/, which need a browser, in an environment of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_demo_in_chromium() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    python = subprocess.run(
        ["tools/environment.sh", "browser"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    done = subprocess.run(
        [python, "-m", "pytest", "tests/browser/inside", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT, env={**os.environ, "CHROMIUM": chromium}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    print(done.stdout.splitlines()[-1])
