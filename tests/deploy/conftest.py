"""Fixtures: a checkout with a stub app, and a board played by a local sshd."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stand_in import Board, Checkout, Sshd, stop_demo


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
