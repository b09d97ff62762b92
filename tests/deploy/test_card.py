"""A board's SD card that is full, or that the kernel has made read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

import pytest

from .stand_in import Board, Checkout, stop_demo, wait_until


@pytest.fixture
def card(board: Board) -> Iterator[Board]:
    """A board whose releases lie on a file system of 1 MB."""
    board.root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", board.root]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield board
    stop_demo(board.root)
    wait_until(lambda: subprocess.run(["umount", board.root]).returncode == 0)


def fill(board: Board) -> None:
    with contextlib.suppress(OSError), (board.root / "photos").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))


def test_full(checkout: Checkout, card: Board) -> None:
    """Whether there is something to copy or not, the demo before goes on or comes back."""
    assert checkout.run("net", *card.arguments()).returncode == 0
    script = (card.root / "demo.sh").read_text()
    fill(card)
    checkout.set_version("two")
    checkout.add_overlay("net", {"net.npz": bytes(50_000)})
    done = checkout.run("net", *card.arguments())
    assert done.returncode == 1 and "No space left on device" in done.stdout, done.stdout
    assert card.version() == "one"

    checkout.set_version("one")
    checkout.add_overlay("net", {"net.npz": b"weights"})
    done = checkout.run("net", *card.arguments(), "--https")  # another script for the demo
    assert done.returncode == 1 and "did not start" in done.stdout, done.stdout
    assert (card.root / "demo.sh").read_text() == script, "it is what a boot starts"
    assert card.version() == "one"

    (card.root / "photos").unlink()
    checkout.set_version("two")
    assert checkout.run("net", *card.arguments()).returncode == 0
    assert card.version() == "two"


def test_read_only(checkout: Checkout, card: Board) -> None:
    assert checkout.run("net", *card.arguments(), "--no-start").returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", card.root], check=True)
    for command in (["net", *card.arguments()], ["--doctor", card.place, *card.way()]):
        done = checkout.run(*command)
        assert done.returncode == 1, done.stdout
        assert "is the card's file system read-only?" in done.stdout
