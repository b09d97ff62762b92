"""From a file to its simulated circuit where folders have spaces and umlauts, or g++ is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from board_app.network import overlay
from host_build.cli import main
from host_build.simulation import programs
from tests.host.compiler.networks import of_size

pytestmark = [pytest.mark.rtl, pytest.mark.slow]


def test_the_whole_way_in_odd_folders(tmp_path: Path, monkeypatch, capsys) -> None:
    folder = tmp_path / "a folder ä"
    folder.mkdir()
    random = np.random.default_rng(1)
    pictures = folder / "my test ß.npz"
    np.savez(pictures, images=random.integers(0, 256, (6, 9, 7, 1), np.uint8),
             labels=np.arange(6) % 3)  # fmt: skip
    model = of_size((1, 9, 7), 3).save(folder / "mein Modell ü.onnx", shape=(1, 9, 7), given=(1, 3))
    overlays = ["--overlays", str(folder / "overlays ö")]
    out, data = ["--out", str(folder / "build é")], ["--data", str(pictures)]
    compiling = ["compile", str(model), "--name", "odd", *data, *out, *overlays]
    assert main([*compiling, "--check-images", "4"]) == 0
    capsys.readouterr()

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    programs.compiler.cache_clear()
    programs.compiler_version.cache_clear()
    programs.version.cache_clear()
    assert main(["generate", "odd", *out, *overlays]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: no C++ compiler (g++) found: apt install g++, or set CXX"
    assert overlay.find("odd", folder / "overlays ö").manifest.circuit == {}
    assert not (folder / "build é" / "rtl").exists()
    monkeypatch.undo()

    assert main(["generate", "odd", *out, *overlays]) == 0
    assert (folder / "build é" / "rtl" / "network_odd.sv").exists()
    assert main(["simulate", "odd", "--images", "6", *data, *overlays]) == 0
    assert "all logits equal" in capsys.readouterr().out
