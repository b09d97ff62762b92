"""What compile says of the file itself, and of the range that it expects."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from board_app.pictures.cifar10 import CLASSES
from host_build.cli import main
from host_build.compiler.given import Given
from host_build.compiler.original import beside_the_file
from host_build.compiler.pictures import Pictures
from host_build.compiler.pixels import RANGES, PixelRange
from host_build.compiler.read import read

from .networks import Network, finish, of_size, start


@pytest.fixture
def images() -> np.ndarray:
    """Each has its own colour, so that a network sees differences."""
    random = np.random.default_rng(3)
    colours = random.integers(0, 206, (40, 1, 1, 3))
    return (colours + random.integers(0, 50, (40, 32, 32, 3))).astype(np.uint8)


@pytest.mark.parametrize("mode", ["ROUND", "HALF_UP", "HALF_DOWN", "FLOOR", "CEIL", "UP", "DOWN"])
def test_onnxruntime_computes_what_qonnx_does(tmp_path, images, mode):
    given = read(finish(start(mode)).save(tmp_path / "m.onnx"))
    quick = given.quickly(images[:3], None)
    assert quick is not None
    assert np.allclose(quick, given.run(images[:3], None), rtol=0, atol=1e-6)


def _of_unit_pixels(tmp_path) -> Given:
    """A network that sees nothing in pixels of 0..255: all of them are beyond its levels."""
    network = Network()
    network.quant(0.0653, 4, signed=0)
    network.convolution(3, 4)
    network.add("Relu")
    network.quant(0.2937, signed=0)
    return read(finish(network).save(tmp_path / "m.onnx"))


def test_accuracy_of_the_file_and_a_warning_that_knows_the_range(tmp_path, images, monkeypatch):
    given = _of_unit_pixels(tmp_path)
    right = given.run(images, RANGES["unit"])
    assert len(set(right.argmax(axis=1))) > 1
    test = Pictures(images, right.argmax(axis=1).astype(np.uint8), CLASSES, "made")
    monkeypatch.setattr(
        "host_build.compiler.original.Reference",
        lambda graph: SimpleNamespace(execute=lambda images: given.run(images, RANGES["unit"])),
    )
    compiled = SimpleNamespace(given=given, graph=None)
    (line,) = beside_the_file(compiled, test, RANGES["unit"])
    assert line == (
        "of the first 40 test images: the file itself 100.00%, the integer network 100.00%; "
        "40 answers are the same"
    )
    # One label is what every image of 0..255 gets; the labels are made so that it is seldom right.
    blind = int(given.run(images[:1], None).argmax())
    seldom = np.where(right.argmax(axis=1) == blind, (blind + 1) % 10, right.argmax(axis=1))
    test = Pictures(images, seldom.astype(np.uint8), CLASSES, "made")
    lines = list(beside_the_file(compiled, test, None))
    assert "0.0% is what chance gives for 10 classes" in lines[1]
    assert "With --input unit the file itself has" in lines[1]
    (line,) = beside_the_file(compiled, replace(test, labels=None), RANGES["unit"])
    assert line.startswith("of 40 pictures (made), 40 answers are those of the file itself; ")


def test_a_range_is_said_once_and_for_each_channel(tmp_path, capsys):
    assert RANGES["normalised"] is not None
    own = PixelRange((0.5,) * 3, (0.25, 0.5, 1.0))
    factor, term = own.affine()
    pixels = np.float32([[0, 128, 255]])
    made = pixels * factor.reshape(-1) + term.reshape(-1)
    assert np.allclose(made, own.of(pixels), atol=1e-6)
    path = str(finish(start()).save(tmp_path / "m.onnx"))
    assert main(["import-check", path, "--mean", "0.5", "--input", "unit"]) == 2
    assert "--input says mean and deviation" in capsys.readouterr().err
    assert main(["import-check", path, "--mean", "0.5", "0.5"]) == 1
    assert "have 2 and 1 numbers, but the model takes 3 channels" in capsys.readouterr().out
    grey = of_size((1, 8, 8), 3).save(tmp_path / "grey.onnx", shape=(1, 8, 8), given=(1, 3))
    assert main(["import-check", str(grey), "--input", "normalised"]) == 1
    assert "have 3 and 3 numbers, but the model takes 1 channels" in capsys.readouterr().out
    assert main(["import-check", str(grey), "--input", "unit"]) == 0
