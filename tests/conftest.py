"""What all tests share: the data that is not part of the project, and where it may be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from board_app import cifar10 as data

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """A folder with CIFAR-10: $CIFAR10, the cache, or what lies beside the checkout."""
    if "CIFAR10" in os.environ:
        return Path(os.environ["CIFAR10"])
    if (data.cache_folder() / data.FOLDER).is_dir():
        return data.cache_folder()
    unpack = SHARED / "cifar10" / "unpack.py"
    if not unpack.is_file():
        pytest.skip("CIFAR-10 is not at hand: set CIFAR10 to the folder of its binary version")
    folder = ROOT / ".cache" / "cifar10"
    if not (folder / data.FOLDER / "test_batch.bin").is_file():
        subprocess.run([sys.executable, unpack, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def original() -> Path:
    """The folder with the original project's model, handoff and reports."""
    folder = SHARED / "seed"
    if not folder.is_dir():
        pytest.skip("the original project's files are not beside this checkout")
    return folder
