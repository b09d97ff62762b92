"""Tests that run in an environment with pynq: see ../test_environments.py, which starts them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

if importlib.util.find_spec("pynq") is None:  # the host environment has none
    collect_ignore_glob = ["test_*.py", "holder.py"]
else:
    from board_app.driver.chip import Hardware
    from board_app.driver.pynq_session import forget_metadata
    from board_app.driver.session import LOCK_VARIABLE
    from board_app.network.overlay import Overlay
    from board_app.network.reference import Reference
    from host_build.generate.handoff import handoff, simulation_bitstream
    from host_build.simulation.behaviour import BehaviouralChip
    from host_build.simulation.board import SimulatedBoard
    from host_build.simulation.hardware import BoardHardware
    from tests.board.networks import residual

    from .kernel import Kernel, forget_devices

    BUILD = 0x0123_ABCD
    REFERENCE = Reference(residual(1))
    HARDWARE = Hardware(BUILD, 142.857, 6000, 9000, (32, 32, 3), 10)


def pytest_configure(config: pytest.Config) -> None:
    for package in ("pynq", "pynqmetadata", "pynqutils", "pydantic"):
        config.addinivalue_line("filterwarnings", rf"ignore:.*::{package}(\..*)?")


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A lock of the test's own, and no metadata of the test before in pynq's folder."""
    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "lock"))
    forget_metadata()
    yield
    forget_metadata()


@pytest.fixture
def board() -> SimulatedBoard:
    """A board whose FPGA is empty; a download gives it a behavioural chip of BUILD."""
    board = SimulatedBoard(
        lambda build: {BUILD: BehaviouralChip}[build](REFERENCE.execute, build), cma=8 << 20
    )
    board.install()
    return board


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A board's system below pynq's own EmbeddedDevice, and a behavioural chip."""
    hardware = BoardHardware(lambda build: BehaviouralChip(REFERENCE.execute, build), cma=8 << 20)
    yield Kernel(tmp_path / "board", hardware, monkeypatch)
    forget_devices()


@pytest.fixture
def bitstream(tmp_path: Path) -> Path:
    """A stand-in .bit with its .hwh."""
    return write_overlay(tmp_path / "chip.bit")


def write_overlay(path: Path, *, bit: int | None = None, hwh: int | None = None, mhz: float = 0):
    """Write a .bit and a .hwh, of BUILD and its clock where nothing else is said."""
    path.write_bytes(simulation_bitstream(BUILD if bit is None else bit))
    text = handoff(BUILD if hwh is None else hwh, mhz or HARDWARE.clock_mhz)
    path.with_suffix(".hwh").write_text(text)
    return path


def tiny_overlay(folder: Path) -> Overlay:
    """An overlay of the network that REFERENCE computes, with what of its manifest is asked for."""
    folder.mkdir()
    write_overlay(folder / "tiny.bit")
    manifest = SimpleNamespace(
        network="tiny", build_id=f"{BUILD:08x}", shape=HARDWARE.shape, classes=["?"] * 10,
        circuit={"clock_mhz": HARDWARE.clock_mhz, "cycles_per_frame": HARDWARE.interval_cycles},
        files={"tiny.bit": "", "tiny.hwh": ""},
    )  # fmt: skip
    found = Overlay(folder, manifest)
    object.__setattr__(found, "graph", lambda: REFERENCE._graph)
    return found


def pixels(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
