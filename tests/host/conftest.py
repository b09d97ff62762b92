"""A network and a data set small enough to train and compile in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from board_app.pictures import cifar10
from host_build.networks.variants import Bits, Group, Variant
from host_build.training import images, teacher

# For networks this small, threads that wait for each other cost far more than they give.
torch.set_num_threads(1)

BITS = Bits(4, 4)
# One block keeps its size (identity shortcut), one halves it (1x1 convolution in its shortcut).
TINY = Variant("tiny", "for tests", 4, BITS, (Group(4, 1, BITS), Group(6, 2, BITS)), 4, 6)
RECORDS = 60


@pytest.fixture
def tiny_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CIFAR-10's binary layout with few, random images; a class has its own mean colour."""
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", RECORDS)
    monkeypatch.setattr(images, "HELD_OUT", RECORDS)
    monkeypatch.setattr(teacher, "CACHE", tmp_path / "logits")
    random = np.random.default_rng(1)
    folder = tmp_path / "data" / cifar10.FOLDER
    folder.mkdir(parents=True)
    for name in (*cifar10.FILES["train"], *cifar10.FILES["test"]):
        labels = random.integers(0, 10, (RECORDS, 1))
        pixels = (labels * 25 + random.integers(0, 30, (RECORDS, 3072))) % 256
        (folder / name).write_bytes(np.hstack([labels, pixels]).astype(np.uint8).tobytes())
    return folder.parent
