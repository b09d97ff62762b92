"""Fixtures: a checkout with a stub app, and a board played by a local sshd."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stand_in import Board, Checkout, Sshd, stop_demo

NO_ROOT = 'if [ "$1" = -u ]; then echo 1000; else $real "$@"; fi'
# A sudo that knows a password-less user by the file that --setup installs.
SUDO = """
echo "$*" >>"$HOME/sudo.log"
if [ "$1" = -k ]; then exit; fi
if [ "$1" = -n ]; then [ -e "$SUDOERS/resnet8" ] || exit 1; shift; fi
exec "$@"
"""


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    for program in ("sshd", "ssh", "ssh-keygen"):
        if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            pytest.skip(
                f"{program} is not installed (Debian: apt install openssh-server openssh-client)"
            )
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """In a folder with a space in its name."""
    made = Checkout.make(tmp_path / "my checkout")
    yield made
    stop_demo(made.folder / ".local-board")


@pytest.fixture
def board(sshd: Sshd, tmp_path: Path) -> Iterator[Board]:
    made = Board.make(tmp_path, sshd)
    yield made
    stop_demo(made.root)


@pytest.fixture
def fpga(checkout: Checkout, board: Board, sshd: Sshd, tmp_path: Path) -> Checkout:
    """A checkout whose overlay has a bitstream; the board is a PYNQ image, its user not root."""
    profile, sudoers = tmp_path / "profile.d", tmp_path / "sudoers.d"
    for folder in (profile, sudoers):
        folder.mkdir()
    (profile / "pynq_venv.sh").touch()
    settings = {"PYNQ_PROFILE": str(profile), "SUDOERS": str(sudoers)}
    sshd.use(board.home, f"{board.programs}:/usr/bin:/bin", **settings)
    board.program("id", NO_ROOT)
    board.program("sudo", SUDO)
    board.program("visudo", "exit 0")
    board.program("getent", '[ -e "$HOME/useradd.log" ]')
    board.program("useradd", 'echo "$*" >>"$HOME/useradd.log"')
    checkout.add_overlay("net", {"net.npz": b"weights", "net.bit": b"bits"})
    return checkout
