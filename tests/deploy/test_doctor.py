"""deploy.sh --doctor over ssh: the demo makes room and comes back, and the report comes here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from .interrupts import at_work, started
from .stand_in import Board, Checkout, Sshd, Wire, wait_until


@pytest.fixture
def deployed(fpga: Checkout, board: Board, tmp_path: Path) -> Checkout:
    """Its demo has the FPGA of the board; the doctor says whether it does still."""
    (tmp_path / "sudoers.d" / "resnet8").touch()
    done = fpga.run("net", *board.arguments())
    assert done.returncode == 0 and board.version() == "one", done.stdout
    misbehave(board, "notes-demo")
    return fpga


def misbehave(board: Board, how: str) -> None:
    """Of the release on the board, whose files the doctor does not compare."""
    (board.root / "current/overlays/net" / how).touch()


@pytest.mark.parametrize("faults", [0, 1])
def test_it_says_and_brings_the_report(
    deployed: Checkout, board: Board, tmp_path: Path, faults: int
) -> None:
    if faults:
        misbehave(board, "fails-doctor")
    done = deployed.run("--doctor", board.place, *board.way(), cwd=tmp_path)
    assert done.returncode == faults, done.stdout
    assert "demos beside it: 0" in done.stdout and "ok       stub" in done.stdout
    assert "all of it is in doctor.json, to be sent" in done.stdout
    assert json.loads((tmp_path / "doctor.json").read_text())["faults"] == faults
    assert board.version() == "one", "the demo is back"
    log = (board.home / "sudo.log").read_text()
    assert "doctor --overlay net --json doctor.json" in log, "as root"
    assert not (tmp_path / "SYSTEMD_UNITS").exists()


def test_nothing_was_deployed(checkout: Checkout, board: Board, tmp_path: Path) -> None:
    done = checkout.run("--doctor", board.place, *board.way(), cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing was copied there yet: deploy first" in done.stdout
    assert not (tmp_path / "doctor.json").exists()


def test_what_was_copied_last_where_nothing_is_in_use(
    checkout: Checkout, board: Board, tmp_path: Path
) -> None:
    checkout.add_overlay("net", {"fails-selftest": b""})
    assert checkout.run("net", *board.arguments()).returncode == 1
    done = checkout.run("--doctor", board.place, *board.way(), cwd=tmp_path)
    assert done.returncode == 0 and "ok       stub" in done.stdout, done.stdout


def test_ctrl_c(deployed: Checkout, board: Board, tmp_path: Path) -> None:
    misbehave(board, "hangs-doctor")
    process = started(
        deployed, ["--doctor", board.place, *board.way()], {}, subprocess.PIPE, tmp_path
    )
    assert process.stdout is not None
    assert any("ok       stub" in line for line in process.stdout)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in output, output
    wait_until(lambda: board.version() == "one" and len(at_work(board.root)) == 1, 30)
    assert not (tmp_path / "doctor.json").exists()


def test_a_connection_that_is_lost(deployed: Checkout, board: Board, tmp_path: Path) -> None:
    """The board goes on alone, and its demo comes back."""
    misbehave(board, "hangs-doctor")
    with Wire(board.ssh_port) as wire:
        way = ["--doctor", board.place, *board.way(wire.port)]
        process = started(deployed, way, {}, subprocess.PIPE, tmp_path)
        assert process.stdout is not None
        assert any("ok       stub" in line for line in process.stdout)
        wire.cut()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 3 and output.count("connection was lost") == 1, output
    for one in at_work(board.root):  # it need not be waited for
        if b"\0doctor\0" in (one / "cmdline").read_bytes():
            os.kill(int(one.name), signal.SIGTERM)
    wait_until(lambda: board.version() == "one", 30)
    assert not (tmp_path / "doctor.json").exists()


def test_power_lost(deployed: Checkout, board: Board, tmp_path: Path) -> None:
    """What it left, and what an earlier one had found, is not taken for the next one's."""
    (board.root / "run/doctor.json").write_text('{"faults": 17')  # half of it
    misbehave(board, "hangs-doctor")
    way = ["--doctor", board.place, *board.way()]
    process = started(deployed, way, {}, subprocess.PIPE, tmp_path)
    assert process.stdout is not None
    assert any("ok       stub" in line for line in process.stdout)
    for one in at_work(board.root):
        with contextlib.suppress(OSError):
            os.kill(int(one.name), signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0 and "to be sent" not in output, output
    assert not (tmp_path / "doctor.json").exists()

    (board.root / "current/overlays/net/hangs-doctor").unlink()
    (board.root / "run/.doctor.json.x7").write_text('{"faults": 17')  # what was written when
    done = deployed.run(*way, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "doctor.json").read_text())["faults"] == 0
    assert deployed.run("net", *board.arguments()).returncode == 0 and board.version() == "one"


def test_a_deployment_is_under_way(deployed: Checkout, board: Board, tmp_path: Path) -> None:
    with subprocess.Popen(["flock", board.root / "lock", "sleep", "30"]) as holder:
        wait_until(lambda: subprocess.run(["flock", "-n", board.root / "lock", "true"]).returncode)
        done = deployed.run("--doctor", board.place, *board.way(), cwd=tmp_path)
        holder.terminate()
    assert done.returncode == 1 and "a deployment is under way" in done.stdout
    assert board.version() == "one" and not (tmp_path / "doctor.json").exists()


def test_without_root(fpga: Checkout, board: Board, sshd: Sshd, tmp_path: Path) -> None:
    """It runs all the same, and says itself what is missing."""
    (tmp_path / "sudoers.d" / "resnet8").touch()
    assert fpga.run("net", *board.arguments(), "--no-start").returncode == 0
    (tmp_path / "sudoers.d" / "resnet8").unlink()
    (board.home / "sudo.log").unlink()
    done = fpga.run("--doctor", board.place, *board.way(), cwd=tmp_path)
    assert done.returncode == 0 and "ok       stub" in done.stdout, done.stdout
    assert "doctor" not in (board.home / "sudo.log").read_text()
