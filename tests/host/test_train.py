"""Training: reproducible, resumable bit for bit, and careful with its files."""

from __future__ import annotations

import json

import pytest
import torch

from board_app.cifar10 import load
from host_build import train as training
from host_build.checkpoint import CheckpointError, load_network, read
from host_build.recipes import Recipe, Stage
from host_build.train import Images, Training, batches, split, train
from host_build.variants import VARIANTS

from .conftest import RECORDS, TINY

RECIPE = Recipe("test", (Stage(False, 2, 0.1), Stage(True, 2, 0.02)), batch=32)


def test_every_epoch_is_written_and_chosen_on_held_out_images(tiny_data, tmp_path):
    result = train(TINY, RECIPE, tiny_data, tmp_path / "run")
    assert result["epochs"] == 4
    assert result["test_images"] == RECORDS
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    _, meta = read(tmp_path / "run" / "last.safetensors")
    quantised = [row for row in meta["history"] if row["quantised"]]
    best = max(quantised, key=lambda row: row["held_out"])
    assert (result["best_epoch"], result["held_out_accuracy"]) == (best["epoch"], best["held_out"])


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_resume_continues_bit_for_bit(tiny_data, tmp_path, monkeypatch, stop):
    train(TINY, RECIPE, tiny_data, tmp_path / "whole")
    run_epoch, done = Training.run_epoch, []

    def interrupted(self):
        if len(done) == stop:
            raise KeyboardInterrupt
        done.append(1)
        return run_epoch(self)

    monkeypatch.setattr(Training, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(TINY, RECIPE, tiny_data, tmp_path / "cut")
    monkeypatch.setattr(Training, "run_epoch", run_epoch)
    train(TINY, RECIPE, tiny_data, tmp_path / "cut", resume=True)

    for name in ("last.safetensors", "best.safetensors"):
        whole, _ = read(tmp_path / "whole" / name)
        cut, _ = read(tmp_path / "cut" / name)
        assert whole.keys() == cut.keys()
        assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_a_second_run_does_not_overwrite_the_first(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path)
    with pytest.raises(CheckpointError, match="--resume"):
        train(TINY, RECIPE, tiny_data, tmp_path)


def test_resuming_a_finished_run_only_measures(tiny_data, tmp_path):
    first = train(TINY, RECIPE, tiny_data, tmp_path)
    assert train(TINY, RECIPE, tiny_data, tmp_path, resume=True) == first


def test_checkpoint_of_another_network_is_refused(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path)
    with pytest.raises(CheckpointError, match="holds network 'tiny', not 'lightweight'"):
        load_network(tmp_path / "best.safetensors", VARIANTS["lightweight"])
    with pytest.raises(CheckpointError, match="not 'lightweight'"):
        train(VARIANTS["lightweight"], RECIPE, tiny_data, tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="same --recipe and --seed"):
        train(TINY, RECIPE, tiny_data, tmp_path, seed=1, resume=True)


def test_missing_and_damaged_checkpoints(tiny_data, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read(tmp_path / "none.safetensors")
    train(TINY, RECIPE, tiny_data, tmp_path)
    damaged = tmp_path / "best.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_network(damaged, TINY)


def test_full_disk_keeps_the_last_checkpoint(tiny_data, tmp_path, monkeypatch):
    train(TINY, RECIPE, tiny_data, tmp_path)
    before = (tmp_path / "last.safetensors").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    run = Training(TINY, RECIPE, 0, tmp_path, torch.device("cpu"), images)
    with pytest.raises(OSError, match="No space left"):
        run._save()
    assert (tmp_path / "last.safetensors").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_batches_are_shifted_and_mirrored_copies_of_every_image():
    pixels = torch.arange(4 * 32 * 32 * 3).reshape(4, 32, 32, 3).remainder(251).to(torch.uint8)
    images = Images(pixels, torch.arange(4))
    found = [(p, y) for batch in batches(images, 3, seed=5) for p, y in zip(*batch, strict=True)]
    assert sorted(int(y) for _, y in found) == [0, 1, 2, 3]
    padded = torch.nn.functional.pad(pixels, (0, 0, 4, 4, 4, 4)).permute(0, 3, 1, 2).float()
    for picture, label in found:
        shifts = (
            padded[label, :, dy : dy + 32, dx : dx + 32] for dy in range(9) for dx in range(9)
        )
        assert any(torch.equal(picture, s) or torch.equal(picture, s.flip(2)) for s in shifts)


def test_split_is_fixed_and_disjoint(tiny_data):
    data = load(tiny_data, "train")
    rest, held_out = split(data, torch.device("cpu"))
    again, _ = split(data, torch.device("cpu"))
    assert len(held_out) == training.HELD_OUT
    assert len(rest) + len(held_out) == len(data)
    assert torch.equal(rest.pixels, again.pixels)
    seen = {bytes(p.numpy()) for p in rest.pixels}
    assert not seen & {bytes(p.numpy()) for p in held_out.pixels}
