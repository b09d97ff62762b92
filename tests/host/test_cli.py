"""The command line: exit codes, messages, and the whole way from a row to an overlay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from board_app.network.overlay import find, names
from board_app.network.reference import Reference
from host_build.cli import main
from host_build.networks import variant_file
from host_build.training import recipes
from host_build.training.loop import Training
from host_build.training.recipes import Recipe, Stage

from .conftest import RECORDS, TINY


def test_networks_prints_the_table(capsys):
    assert main(["networks"]) == 0
    assert "307,296" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [[], ["networks"], ["train"], ["compile"], ["all"], ["results"]]
)
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "usage: python -m host_build" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "resnet50", "--cifar10", "."], "unknown network 'resnet50'; known: lightweight"),
        (["train", "lightweight", "--cifar10", "/nowhere"], "/nowhere is no folder"),
        (["train", "lightweight", "--cifar10", "."], "data_batch_1.bin is missing"),
        (["compile", "none.onnx", "--cifar10", "/nowhere"], "there is no file none.onnx"),
        (["compile", "ResNet8_acc84.51.onnx", "--cifar10", "."], "give a --name of lower-case"),
        (
            ["compile", "lightweight", "--name", "mine"],
            "--name, --input, --mean and --deviation are for",
        ),
        (["compile", "lightweight", "--limit", "9"], "none of the project's overlays"),
        (["all", "lightweight", "--limit", "9"], "none of the project's overlays"),
        (["all", "lightweight", "--recipe", "teacher"], "trains no network to compile"),
        (["all", "lightweight", "--bram", "0.01"], "does not fit the budget"),
        (["all", "lightweight", "--cycles", "10"], "no folding of at most 10 cycles"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("error: ") == 1 and "Traceback" not in error
    assert error.splitlines()[-1].startswith("error: ")
    assert message in error.splitlines()[-1]


@pytest.mark.parametrize("option", ["--overlays", "--out"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(
    option, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file ä").touch()
    assert main(["compile", "none.onnx", option, str(tmp_path / "file ä" / "new")]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'file ä'} cannot be written; give another folder: {option} DIR\n"
    )
    # Root may write everywhere: ask as another would be answered.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert main(["compile", "none.onnx", option, str(tmp_path / "not yet" / "new")]) == 2
    assert f"error: {tmp_path} cannot be written" in capsys.readouterr().err


def test_all_trains_compiles_and_writes_the_overlay(tiny_data, tmp_path, monkeypatch, capsys):
    variant_file.write(tmp_path / "row.json", TINY)
    short = Recipe("short", (Stage(False, 1, 0.05), Stage(True, 1, 0.05)), batch=32)
    monkeypatch.setitem(recipes.RECIPES, "short", short)
    overlays = tmp_path / "overlays"
    arguments = [
        "all",
        str(tmp_path / "row.json"),
        "--recipe",
        "short",
        "--cifar10",
        str(tiny_data),
    ]
    arguments += ["--out", str(tmp_path / "build"), "--overlays", str(overlays)]
    assert main(arguments) == 0
    assert f"of {RECORDS} test images" in capsys.readouterr().out

    assert names(overlays) == ["tiny"]
    made = find("tiny", overlays)
    assert made.manifest.parameters == TINY.total_parameters
    accuracy, calibration = made.manifest.accuracy, made.manifest.calibration
    assert accuracy["images"] == RECORDS
    assert accuracy["interval95"][0] <= accuracy["test"] <= accuracy["interval95"][1]
    assert set(accuracy["per_class"]) == set(made.manifest.classes)
    assert calibration["temperature"] > 0
    assert calibration["images"] == RECORDS
    assert Reference(made.graph()).name == "reference"
    result = json.loads((tmp_path / "build" / "result.json").read_text())
    assert result["integer_accuracy"] == accuracy["test"]
    assert result["float_accuracy"] is not None
    # The accuracy is noted with the training that it is of, and with no other.
    other = result | {"best_epoch": 1, "integer_accuracy": 0.0}
    (tmp_path / "build" / "result.json").write_text(json.dumps(other))
    assert main(["compile", *arguments[1:2], *arguments[4:]]) == 0
    assert "weights: " in capsys.readouterr().out
    assert json.loads((tmp_path / "build" / "result.json").read_text()) == other
    # Again: the training is done and is not repeated, and the same weights give the same graph.
    before = (made.folder / "tiny.npz").read_bytes()
    assert main([*arguments, "--start", str(made.folder / "tiny.safetensors")]) == 0
    assert (made.folder / "tiny.npz").read_bytes() == before


def test_an_unfinished_training_is_not_compiled(tiny_data, tmp_path, monkeypatch, capsys):
    variant_file.write(tmp_path / "row.json", TINY)
    short = Recipe("short", (Stage(False, 1, 0.05), Stage(True, 2, 0.05)), batch=32)
    monkeypatch.setitem(recipes.RECIPES, "short", short)
    common = [str(tmp_path / "row.json"), "--cifar10", str(tiny_data), "--out", str(tmp_path)]
    epoch = Training.epoch_and_measure

    def interrupted(self, held_out):
        if len(self.history) == 2:
            raise KeyboardInterrupt
        return epoch(self, held_out)

    monkeypatch.setattr(Training, "epoch_and_measure", interrupted)
    assert main(["train", *common, "--recipe", "short"]) == 130
    assert (tmp_path / "best.safetensors").exists()
    assert main(["compile", *common, "--overlays", str(tmp_path / "overlays")]) == 2
    error = capsys.readouterr().err
    assert "is not finished: 2 epochs done; finish it with train --recipe short --seed 0" in error
    # Nor before its first quantised epoch, when the overlay's weights are all that there are.
    (tmp_path / "best.safetensors").unlink()
    assert main(["compile", *common, "--overlays", str(tmp_path / "overlays")]) == 2
    assert "is not finished: 2 epochs done" in capsys.readouterr().err
    assert not (tmp_path / "overlays").exists()


def test_a_training_to_learn_from_is_not_compiled(tiny_data, tmp_path, monkeypatch, capsys):
    variant_file.write(tmp_path / "row.json", TINY)
    floats = Recipe("teacher", (Stage(False, 1, 0.05),), batch=32)
    monkeypatch.setitem(recipes.RECIPES, "teacher", floats)
    common = [str(tmp_path / "row.json"), "--cifar10", str(tiny_data), "--out", str(tmp_path)]
    assert main(["train", *common, "--recipe", "teacher"]) == 0
    assert main(["compile", *common, "--overlays", str(tmp_path / "overlays")]) == 2
    assert "recipe teacher has float epochs only" in capsys.readouterr().err


def test_a_training_to_try_things_out_makes_no_overlay_of_the_project(
    tiny_data, tmp_path, monkeypatch, capsys
):
    variant_file.write(tmp_path / "row.json", TINY)
    short = Recipe("short", (Stage(True, 1, 0.05),), batch=32)
    monkeypatch.setitem(recipes.RECIPES, "short", short)
    overlays = tmp_path / "overlays"
    monkeypatch.setattr("host_build.commands.compiling.OVERLAYS", overlays)
    common = [str(tmp_path / "row.json"), "--cifar10", str(tiny_data), "--out", str(tmp_path)]
    assert main(["train", *common, "--recipe", "short", "--limit", "9"]) == 0
    assert main(["compile", *common, "--overlays", str(overlays)]) == 2
    assert "was trained on 9 images" in capsys.readouterr().err
    assert not overlays.exists()


def test_networks_does_not_wait_for_torch():
    code = (
        "import sys; from host_build.cli import main; main(['networks']);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
