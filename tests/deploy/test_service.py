"""deploy.sh and systemd: the unit as systemd reads it, and what deploy.sh asks of systemctl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .stand_in import REPOSITORY, Board, Checkout, Sshd

# What systemd does with the unit: it runs its script, in the background, until it is stopped.
SYSTEMCTL = """
echo "$*" >>"$HOME/systemctl.log"
case "$*" in
  "restart resnet8")
    pkill -F "$HOME/main.pid" 2>/dev/null
    script=$(sed -n 's/^ExecStart=.bin.bash "\\(.*\\)"$/\\1/p' "$SYSTEMD_UNITS/resnet8.service")
    setsid bash "$script" </dev/null >>"$HOME/journal" 2>&1 9>&- &
    echo $! >"$HOME/main.pid"
    ;;
  "stop resnet8" | *disable*) pkill -F "$HOME/main.pid"; rm -f "$HOME/main.pid" ;;
  *is-active*) kill -0 "$(cat "$HOME/main.pid")" 2>/dev/null ;;
esac
"""


@pytest.fixture
def pynq(board: Board, sshd: Sshd, tmp_path: Path) -> Board:
    """A PYNQ image with systemd, whose user needs no sudo."""
    folders = {name: tmp_path / name for name in ("PYNQ_PROFILE", "SYSTEMD_UNITS", "SYSTEMD_RUNS")}
    for folder in folders.values():
        folder.mkdir()
    (folders["PYNQ_PROFILE"] / "pynq_venv.sh").write_text("export BOARD_SETTING=pynq\n")
    settings = {name: str(folder) for name, folder in folders.items()}
    sshd.use(board.home, f"{board.programs}:/usr/bin:/bin", **settings)
    board.program("sudo", '[ "$1" != -n ] || shift; exec "$@"')
    board.program("getent", "exit 0")
    board.program("systemctl", SYSTEMCTL)
    board.program("journalctl", 'cat "$HOME/journal"')
    return board


def asked(board: Board) -> list[str]:
    """What systemctl was called with since the last time."""
    log = board.home / "systemctl.log"
    lines = [row for row in log.read_text().splitlines() if "is-active" not in row]
    log.write_text("")
    return lines


def test_the_demo_is_a_service(checkout: Checkout, pynq: Board, tmp_path: Path) -> None:
    unit = tmp_path / "SYSTEMD_UNITS" / "resnet8.service"
    done = checkout.run("net", *pynq.arguments())
    assert done.returncode == 0, done.stdout
    assert asked(pynq) == ["daemon-reload", "--quiet enable resnet8", "restart resnet8"]
    assert f'ExecStart=/bin/bash "{pynq.root}/demo.sh"' in unit.read_text()
    assert pynq.version() == "one"
    assert "demo: starts at boot (its log: journalctl -u resnet8)" in done.stdout
    script = (pynq.root / "demo.sh").read_text()
    assert "--user resnet8" in script and "pynq_venv.sh" in script

    checkout.set_version("two")
    checkout.add_overlay("net", {"fails-serve": b""})
    failed = checkout.run("net", *pynq.arguments())
    assert failed.returncode == 1 and "stub demo: cannot start" in failed.stdout
    assert pynq.version() == "one", "as a service again"
    assert "running" in checkout.run("--status", pynq.place, *pynq.way()).stdout
    assert "starts at boot" in checkout.run("--status", pynq.place, *pynq.way()).stdout

    asked(pynq)
    stopped = checkout.run("--stop", pynq.place, *pynq.way())
    assert "demo: stopped" in stopped.stdout and "not start at boot any more" in stopped.stdout
    assert asked(pynq) == ["stop resnet8", "--quiet disable --now resnet8", "daemon-reload"]
    assert not unit.exists() and pynq.version() is None


def test_no_service(checkout: Checkout, pynq: Board, tmp_path: Path) -> None:
    assert checkout.run("net", *pynq.arguments()).returncode == 0
    asked(pynq)
    done = checkout.run("net", *pynq.arguments(), "--no-service")
    assert done.returncode == 0, done.stdout
    assert "disable" in " ".join(asked(pynq)), "one that was there is taken away"
    assert not (tmp_path / "SYSTEMD_UNITS" / "resnet8.service").exists()
    assert pynq.version() == "one" and "starts at boot" not in done.stdout


def test_a_service_that_was_not_there_is_not_there_after_a_failure(
    checkout: Checkout, pynq: Board, tmp_path: Path
) -> None:
    unit = tmp_path / "SYSTEMD_UNITS" / "resnet8.service"
    checkout.add_overlay("net", {"fails-serve": b""})
    done = checkout.run("net", *pynq.arguments())
    assert done.returncode == 1 and "nothing is in use" in done.stdout, done.stdout
    assert not unit.exists(), "it would start at boot what does not start"

    (checkout.folder / "overlays/net/fails-serve").unlink()
    checkout.add_overlay("net", {"net.npz": b"weights"})
    assert checkout.run("net", *pynq.arguments(), "--no-service").returncode == 0
    assert checkout.run("--doctor", pynq.place, *pynq.way(), cwd=tmp_path).returncode == 0
    checkout.set_version("two")
    checkout.add_overlay("net", {"fails-serve": b""})
    assert checkout.run("net", *pynq.arguments()).returncode == 1
    assert not unit.exists() and pynq.version() == "one"


def test_a_service_that_was_there_is_there_after_a_failure(
    checkout: Checkout, pynq: Board, tmp_path: Path
) -> None:
    assert checkout.run("net", *pynq.arguments()).returncode == 0
    checkout.set_version("two")
    checkout.add_overlay("net", {"fails-serve": b""})
    assert checkout.run("net", *pynq.arguments(), "--no-service").returncode == 1
    assert (tmp_path / "SYSTEMD_UNITS" / "resnet8.service").exists()
    assert pynq.version() == "one"


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian, Ubuntu: apt install systemd)")
    text = (REPOSITORY / "tools" / "resnet8.service").read_text()
    unit = tmp_path / "resnet8.service"
    unit.write_text(text.replace("DEMO", "/home/xilinx/resnet8/demo.sh"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(text.replace("Restart=on-failure", "Restart=on-monday"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert "on-monday" in done.stderr, "it does look"
