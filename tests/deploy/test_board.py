"""deploy.sh against a board played by a local sshd."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .stand_in import Board, Checkout, Sshd, Wire, free_port, path_without, wait_until


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def to_copy(output: str) -> tuple[int, int]:
    """Of "3 of 5 files to copy": (3, 5)."""
    found = re.search(r"(\d+) of (\d+) files to copy", output)
    assert found, output
    return int(found[1]), int(found[2])


@pytest.fixture(scope="module")
def release(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What deploying the stub's version "one" without starting it leaves on a board."""
    folder = tmp_path_factory.mktemp("release")
    board = Board.make(folder, sshd)
    done = Checkout.make(folder / "checkout").run("net", *board.arguments(), "--no-start")
    assert done.returncode == 0, done.stdout
    return board.root


@pytest.fixture
def deployed(release: Path, board: Board) -> Iterator[Board]:
    """The board with the stub's version "one" running on it, as a deployment leaves it."""
    shutil.copytree(release, board.root, symlinks=True)
    folder = (board.root / "current").resolve()
    options = ["--overlay", "net", "--host", "127.0.0.1", "--port", str(board.web_port)]
    demo = subprocess.Popen([sys.executable, "-m", "board_app", "demo", *options], cwd=folder)
    (board.root / "demo.pid").write_text(f"{demo.pid}\n")
    (board.root / "demo").write_text(f"{folder.name} net 127.0.0.1 {board.web_port}\n")
    wait_until(lambda: board.version() == "one")
    yield board
    demo.kill()
    demo.wait()


def test_first_deployment(checkout: Checkout, board: Board) -> None:
    (checkout.folder / "board_app" / "a page.txt").write_text("a name with a space")
    (checkout.folder / "board_app" / "__pycache__").mkdir()
    (checkout.folder / "board_app" / "__pycache__" / "x.pyc").touch()

    done = checkout.run("net", *board.arguments())

    assert done.returncode == 0, done.stdout
    assert to_copy(done.stdout) == (8, 8)
    assert "stub self-test as plain: good" in done.stdout
    assert f"running (process {(board.root / 'demo.pid').read_text().strip()})" in done.stdout
    assert f"http://127.0.0.1:{board.web_port}/" in done.stdout
    assert board.version() == "one"
    files = {
        str(p.relative_to(board.root / "current"))
        for p in (board.root / "current").rglob("*")
        if p.is_file()
    }
    assert "board_app/a page.txt" in files
    assert "overlays/net/net.json" in files
    assert not any("pycache" in name for name in files)


def test_the_notebook_goes_to_jupyter_and_is_the_user_s_then(
    checkout: Checkout, board: Board
) -> None:
    shipped = checkout.folder / "overlays/notebooks/resnet8.ipynb"
    folder = board.home / "jupyter_notebooks" / "resnet8"
    folder.parent.mkdir(parents=True)
    assert checkout.run("net", *board.arguments(), "--no-start").returncode == 0
    assert (folder / "resnet8.ipynb").read_bytes() == shipped.read_bytes()
    assert (folder / "board_app").samefile(board.root / "current/board_app")
    assert (folder / "overlays/net/net.npz").is_file()

    (folder / "resnet8.ipynb").write_text("with the user's results")
    checkout.set_version("two")
    assert checkout.run("net", *board.arguments(), "--no-start").returncode == 0
    assert (folder / "resnet8.ipynb").read_text() == "with the user's results"

    shipped.write_text("a better one")
    assert checkout.run("net", *board.arguments(), "--no-start").returncode == 0
    assert (folder / "resnet8.ipynb").read_text() == "a better one"
    assert (folder / "resnet8.ipynb.~1~").read_text() == "with the user's results"


def test_deploying_again_copies_nothing(checkout: Checkout, deployed: Board) -> None:
    before = deployed.current
    with Wire(deployed.ssh_port) as wire:
        done = checkout.run("net", *deployed.arguments(wire.port))
    assert done.returncode == 0, done.stdout
    assert to_copy(done.stdout)[0] == 0
    assert deployed.current == before
    assert deployed.version() == "one"


def test_only_a_changed_file_travels(checkout: Checkout, board: Board) -> None:
    checkout.add_overlay("net", {"net.npz": noise(1 << 20)})
    assert checkout.run("net", *board.arguments()).returncode == 0
    inode = (board.root / "current/overlays/net/net.npz").stat().st_ino
    checkout.set_version("two")

    with Wire(board.ssh_port) as wire:
        done = checkout.run("net", *board.arguments(wire.port))

    assert to_copy(done.stdout)[0] == 1
    assert wire.sent < 100_000
    assert board.version() == "two"
    assert (board.root / "current/overlays/net/net.npz").stat().st_ino == inode


@pytest.mark.parametrize("tool", ["rsync", "tar"])
def test_a_cut_copy_changes_nothing_and_is_continued(
    tool: str, checkout: Checkout, deployed: Board, sshd: Sshd, tmp_path: Path
) -> None:
    if tool == "tar":
        sshd.use(deployed.home, f"{deployed.programs}:{path_without(tmp_path / 'all', 'rsync')}")
    before = deployed.current
    checkout.set_version("two")
    checkout.add_overlay("net", {f"part{i}.bin": noise((1 << 18) + i) for i in range(6)})

    with Wire(deployed.ssh_port, limit=1_100_000) as wire:
        cut = checkout.run("net", *deployed.arguments(wire.port))
    assert cut.returncode == 3, cut.stdout
    assert "connection was lost; run the same again to continue" in cut.stdout
    assert deployed.current == before
    assert deployed.version() == "one"

    with Wire(deployed.ssh_port) as wire:
        done = checkout.run("net", *deployed.arguments(wire.port))
    assert done.returncode == 0, done.stdout
    assert wire.sent < 1_100_000
    assert deployed.version() == "two"
    assert not [name for name in deployed.releases() if name.endswith(".partial")]


def test_a_board_that_has_everything_finishes_alone(checkout: Checkout, deployed: Board) -> None:
    """A connection cut during the self-test ends deploy.sh, not what it began."""
    checkout.set_version("two")
    checkout.add_overlay("net", {"slow-selftest": b""})
    with Wire(deployed.ssh_port) as wire, ThreadPoolExecutor() as threads:
        running = threads.submit(checkout.run, "net", *deployed.arguments(wire.port))
        wait_until(lambda: len([name for name in deployed.releases() if "." not in name]) == 2)
        wire.cut()
        assert running.result().returncode == 3
    assert deployed.version() == "one"
    lock = ["flock", "--nonblock", str(deployed.root / "lock"), "true"]
    wait_until(lambda: subprocess.run(lock).returncode == 0)
    assert deployed.version() == "two"


def test_a_damaged_copy_is_not_used(checkout: Checkout, deployed: Board) -> None:
    before = deployed.current
    checkout.set_version("two")
    deployed.program(
        "rsync",
        '$real "$@"; code=$?\n'
        'for file in "$HOME"/resnet8/releases/*.partial/board_app/version.txt; do\n'
        '  echo x >>"$file"\ndone\nexit $code',
    )

    damaged = checkout.run("net", *deployed.arguments())

    assert damaged.returncode == 1, damaged.stdout
    assert "damaged on the way" in damaged.stdout
    assert "board_app/version.txt" in damaged.stdout
    assert (deployed.current, deployed.version()) == (before, "one")
    (deployed.programs / "rsync").unlink()
    assert checkout.run("net", *deployed.arguments()).returncode == 0
    assert deployed.version() == "two"


def test_a_file_altered_on_the_board_is_put_right(checkout: Checkout, deployed: Board) -> None:
    (deployed.root / "current/board_app/version.txt").write_text("altered")
    done = checkout.run("net", *deployed.arguments())
    assert done.returncode == 0, done.stdout
    assert to_copy(done.stdout)[0] == 1
    assert deployed.version() == "one"
    assert len(deployed.releases()) == 1


def test_a_failing_self_test_keeps_the_old_release(checkout: Checkout, deployed: Board) -> None:
    before = deployed.current
    checkout.set_version("two")
    checkout.add_overlay("net", {"fails-selftest": b""})
    done = checkout.run("net", *deployed.arguments())
    assert done.returncode == 1
    assert "stub self-test as plain: broken" in done.stdout
    assert (deployed.current, deployed.version()) == (before, "one")


def test_a_demo_that_does_not_start_is_rolled_back(checkout: Checkout, deployed: Board) -> None:
    before = deployed.current
    checkout.set_version("two")
    checkout.add_overlay("net", {"fails-serve": b""})
    done = checkout.run("net", *deployed.arguments())
    assert done.returncode == 1
    assert "stub demo: cannot start" in done.stdout
    assert (deployed.current, deployed.version()) == (before, "one"), done.stdout


def test_a_release_from_before_the_command_demo(checkout: Checkout, deployed: Board) -> None:
    """Its page and its FPGA are one program, `serve`, which is ended and started as the demo is."""
    shutil.rmtree(deployed.root / "current/board_app/service")
    assert "demo: stopped" in checkout.run("--stop", deployed.place, *deployed.way()).stdout
    old = (deployed.root / "current").resolve()
    options = ["--overlay", "net", "--host", "127.0.0.1", "--port", str(deployed.web_port)]
    serve = [sys.executable, "-m", "board_app", "serve", *options]
    with subprocess.Popen(serve, cwd=old) as process:
        (deployed.root / "demo.pid").write_text(f"{process.pid}\n")
        wait_until(lambda: deployed.version() == "one")
        checkout.set_version("two")
        checkout.add_overlay("net", {"fails-serve": b""})
        failed = checkout.run("net", *deployed.arguments())
        assert process.wait(10) is not None, "it made room"
    assert failed.returncode == 1 and "stub demo: cannot start" in failed.stdout, failed.stdout
    assert deployed.version() == "one" and (deployed.root / "current").resolve() == old
    (checkout.folder / "overlays/net/fails-serve").unlink()
    checkout.add_overlay("net", {"net.npz": b"weights"})
    assert checkout.run("net", *deployed.arguments()).returncode == 0
    assert deployed.version() == "two"


def test_the_demo_before_cannot_start_again(checkout: Checkout, deployed: Board) -> None:
    (deployed.root / "current/overlays/net/fails-serve").touch()
    checkout.set_version("two")
    checkout.add_overlay("net", {"fails-serve": b""})
    done = checkout.run("net", *deployed.arguments())
    assert done.returncode == 1
    assert done.stdout.count("stub demo: cannot start") == 2, "why is said of both"
    assert "the demo before it does not start again" in done.stdout


def test_port_of_another_program(checkout: Checkout, deployed: Board) -> None:
    checkout.set_version("two")
    taken = free_port()
    with Wire(deployed.ssh_port) as other:
        taken = other.port
        done = checkout.run("net", *deployed.arguments(), "--web-port", taken)
    assert done.returncode == 1
    assert f"port {taken} is taken by another program" in done.stdout
    assert deployed.version() == "one"


def test_status_and_stop(checkout: Checkout, deployed: Board) -> None:
    release = str(deployed.current).rpartition("/")[2]
    status = checkout.run("--status", deployed.place, *deployed.way())
    assert status.returncode == 0
    assert f"release: {release} (net)" in status.stdout
    assert f"at http://127.0.0.1:{deployed.web_port}/" in status.stdout

    assert "demo: stopped" in checkout.run("--stop", deployed.place, *deployed.way()).stdout
    assert deployed.version() is None
    assert "demo: not running" in checkout.run("--status", deployed.place, *deployed.way()).stdout


def test_no_start_and_old_releases(checkout: Checkout, deployed: Board) -> None:
    first = deployed.releases()
    for number in range(3):
        checkout.set_version(f"later {number}")
        done = checkout.run("net", *deployed.arguments(), "--no-start")
        assert done.returncode == 0, done.stdout
    assert deployed.version() == "one"
    assert "demo: it is of release" in done.stdout
    assert (deployed.root / "current/board_app/version.txt").read_text() == "later 2"
    assert set(first) <= set(deployed.releases()), "the demo's"
    assert len(deployed.releases()) == 4

    assert checkout.run("net", *deployed.arguments()).returncode == 0
    assert deployed.version() == "later 2"
    assert len(deployed.releases()) == 3, "the present one and the two before it"


def test_full_disk(checkout: Checkout, deployed: Board) -> None:
    before = deployed.current
    checkout.set_version("two")
    checkout.add_overlay("net", {"big.bin": noise(3 << 20)})
    deployed.program("rsync", 'ulimit -f 1024; trap "" XFSZ; exec $real "$@"')
    done = checkout.run("net", *deployed.arguments())
    assert done.returncode == 1, done.stdout
    assert "copying failed on the target" in done.stdout
    assert (deployed.current, deployed.version()) == (before, "one")


def test_cifar10_goes_to_the_cache_once(checkout: Checkout, board: Board, tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-bin").mkdir()
    (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(noise(100_000))
    arguments = ["net", *board.arguments(), "--no-start", "--cifar10", tmp_path, "--benchmark"]
    first, second = checkout.run(*arguments), checkout.run(*arguments[:-1], "--images", 5)
    assert first.returncode == second.returncode == 0, first.stdout + second.stdout
    assert "stub benchmark" in second.stdout
    assert "CIFAR-10's test images: to copy" in first.stdout
    assert "CIFAR-10's test images: to copy" not in second.stdout
    assert "stub benchmark" in first.stdout
    kept = board.home / ".cache/cifar10/cifar-10-batches-bin/test_batch.bin"
    assert kept.read_bytes() == noise(100_000)


def test_pynq_image(checkout: Checkout, board: Board, sshd: Sshd, tmp_path: Path) -> None:
    """The image's settings are read; without a bitstream root only starts the page, as another."""
    profile = tmp_path / "profile.d"
    profile.mkdir()
    (profile / "pynq_venv.sh").write_text("unset_is_fine=$NEVER_SET\n")
    (profile / "xrt_setup.sh").write_text("export BOARD_SETTING=pynq\n")
    board.program("id", 'if [ "$1" = -u ]; then echo 1000; else $real "$@"; fi')
    board.program("sudo", 'shift; echo "$*" >>"$HOME/sudo.log"; exec "$@"')
    board.program("getent", "exit 0")
    sshd.use(board.home, f"{board.programs}:/usr/bin:/bin", PYNQ_PROFILE=str(profile))
    done = checkout.run("net", *board.arguments())
    assert done.returncode == 0, done.stdout
    assert "stub self-test as pynq: good" in done.stdout
    assert "selftest" not in (board.home / "sudo.log").read_text()
    assert "--user resnet8 --" in (board.root / "demo.sh").read_text()
    assert board.version() == "one"


def test_unreachable(checkout: Checkout, board: Board) -> None:
    done = checkout.run("net", board.place, *board.way(free_port()))
    assert done.returncode == 3
    assert f"cannot reach {board.place}" in done.stdout
    assert "Connection refused" in done.stdout


def test_nothing_is_left_behind_here(checkout: Checkout, deployed: Board, tmp_path: Path) -> None:
    """Neither a folder in /tmp nor a connection that lives on."""
    mktemp = tmp_path / "here" / "mktemp"
    mktemp.parent.mkdir()
    mktemp.write_text(f"#!/bin/sh\n/usr/bin/mktemp \"$@\" | tee '{tmp_path}/made'\n")
    mktemp.chmod(0o755)
    env = {"PATH": f"{mktemp.parent}:{os.environ['PATH']}"}
    with Wire(deployed.ssh_port) as wire:
        arguments = ["--status", deployed.place, *deployed.way(wire.port)]
        assert checkout.run(*arguments, env=env).returncode == 0
        wait_until(lambda: wire.open == 0)
        assert wire.sent > 0
    made = Path((tmp_path / "made").read_text().strip())
    assert made.name.startswith("deploy.") and not made.exists()
