"""Damaged files of every format get their class or a clear refusal, within the limits.

`python -m tests.board.pictures.mutants` is the long form, ten thousand of each.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from flask.testing import FlaskClient

from tests.conftest import ROOT

from .mutants import FORMATS, valid


def test_damaged_files() -> None:
    """In a process of its own, which has no other children to be measured."""
    command = [sys.executable, "-m", "tests.board.pictures.mutants", "--files", "40", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    rows = done.stdout.splitlines()
    assert [row.split()[0] for row in rows] == list(FORMATS)
    assert all("200: " in row and "415: " in row for row in rows)
    assert done.stderr == ""  # what strangers send does not fill the demo's log


@pytest.mark.parametrize("kind", FORMATS)
def test_they_were_good_before(client: FlaskClient, kind: str) -> None:
    for content in valid(kind):
        assert client.post("/api/classify?windows=1", data=content).status_code == 200
