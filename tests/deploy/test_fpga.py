"""deploy.sh with an overlay that has a bitstream: root, and one process at a time at the FPGA."""

from __future__ import annotations

from pathlib import Path

from .conftest import SUDO
from .stand_in import Board, Checkout


def test_without_root_it_says_how_to_get_it(fpga: Checkout, board: Board) -> None:
    done = fpga.run("net", *board.arguments())
    assert done.returncode == 1
    assert "the FPGA needs root, and sudo asks" in done.stdout
    assert "./deploy.sh --setup" in done.stdout
    assert not board.root.joinpath("current").exists(), "nothing was copied in vain"


def test_setup_and_then_the_fpga(fpga: Checkout, board: Board, tmp_path: Path) -> None:
    made = fpga.run("--setup", board.place, *board.way())
    assert made.returncode == 0, made.stdout
    installed = tmp_path / "sudoers.d" / "resnet8"
    assert installed.read_text().endswith(" ALL=(ALL) NOPASSWD: ALL\n")
    assert installed.stat().st_mode & 0o777 == 0o440
    assert "already" in fpga.run("--setup", board.place, *board.way()).stdout

    done = fpga.run("net", *board.arguments())
    assert done.returncode == 0, done.stdout
    log = (board.home / "sudo.log").read_text()
    assert "selftest --overlay net --backend fpga" in log
    assert "demo.sh" in log and (board.root / "demo").read_text().endswith(" fpga\n")
    assert board.version() == "one"
    made = (board.home / "useradd.log").read_text()
    assert made == "--system --no-create-home --shell /usr/sbin/nologin resnet8\n"
    assert "demo --fpga-program board_app --user resnet8 --" in (board.root / "demo.sh").read_text()
    assert "does not start at boot: that needs root and systemd" in done.stdout


def test_setup_that_fails_changes_nothing(fpga: Checkout, board: Board, tmp_path: Path) -> None:
    board.program("visudo", "exit 1")
    made = fpga.run("--setup", board.place, *board.way())
    assert made.returncode == 1 and "nothing was changed" in made.stdout
    assert not (tmp_path / "sudoers.d" / "resnet8").exists()
    board.program("visudo", "exit 0")
    board.program("sudo", '[ "$1" != -n ] || exit 1; ' + SUDO)
    made = fpga.run("--setup", board.place, *board.way())
    assert made.returncode == 1 and "still asks for a password" in made.stdout


def test_the_demo_makes_room_for_the_self_test_and_comes_back(
    fpga: Checkout, board: Board, tmp_path: Path
) -> None:
    (tmp_path / "sudoers.d" / "resnet8").touch()
    assert fpga.run("net", *board.arguments()).returncode == 0
    first = board.current
    # The self-test notes whether a demo runs beside it.
    fpga.set_version("two")
    fpga.add_overlay("net", {"net.bit": b"bits", "notes-demo": b"", "fails-selftest": b""})
    done = fpga.run("net", *board.arguments())
    assert done.returncode == 1 and "stub self-test as plain: broken" in done.stdout
    assert "demos beside it: 0" in done.stdout
    assert (board.current, board.version()) == (first, "one"), "the demo before runs again"

    fpga.add_overlay("net", {"net.bit": b"bits", "notes-demo": b""})
    (fpga.folder / "overlays/net/fails-selftest").unlink()
    done = fpga.run("net", *board.arguments(), "--no-start")
    assert done.returncode == 0 and "demos beside it: 0" in done.stdout
    assert board.version() == "one", "and so it does where it is not to be replaced"


def test_a_machine_that_is_no_board(fpga: Checkout, board: Board, tmp_path: Path) -> None:
    (tmp_path / "profile.d" / "pynq_venv.sh").unlink()
    done = fpga.run("net", *board.arguments())
    assert done.returncode == 1
    assert "this is no PYNQ board" in done.stdout


def test_without_a_bitstream_the_processor_computes(checkout: Checkout, board: Board) -> None:
    done = checkout.run("net", *board.arguments())
    assert done.returncode == 0, done.stdout
    assert "net has no bitstream yet, so the board's processor computes it" in done.stdout
    assert (board.root / "demo").read_text().endswith(" reference\n")
