"""The demo in two processes: who they are, and what is left when one is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from board_app.errors import BackendError
from board_app.service import halves
from board_app.service.halves import Half

from ...deploy.stand_in import free_port, wait_until
from ..networks import write_overlay

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "tests.board.service.fpga_program"


class Demo:
    """A demo that runs, with its two halves found by their command lines."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def half(self, command: str) -> int:
        """The process number of the half that runs this command; 0 where there is none."""
        for file in Path("/proc").glob("[0-9]*"):
            try:
                words = (file / "cmdline").read_text().split("\0")
                parent = (file / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if command in words[:4] and int(parent) == self.process.pid:
                return int(file.name)
        return 0

    def user(self, command: str) -> int:
        return Path(f"/proc/{self.half(command)}").stat().st_uid

    def get(self, path: str, body: bytes | None = None) -> tuple[int, str]:
        """The status, 0 where nothing answers, and the text."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        try:
            with opener.open(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def works(self) -> bool:
        return self.get("/healthz")[0] == 200


@contextmanager
def demo(
    folder: Path, python: str, *options: str, environment: dict[str, str] | None = None
) -> Iterator[Demo]:
    port = free_port()
    process = subprocess.Popen(
        [
            python, "-m", "board_app", "demo", "--fpga-program", PROGRAM, *options, "--",
            "--overlays", str(folder / "overlays"), "--backend", "fpga",
            "--host", "127.0.0.1", "--port", str(port),
        ],
        cwd=folder, env={**os.environ, **(environment or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        running = Demo(process, port)
        wait_until(lambda: running.works() or process.poll() is not None, 60)
        assert process.poll() is None, process.stdout and process.stdout.read()
        yield running
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The program with a small overlay, where everybody may read it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("board_app", "tests/board/service"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        for part in ("tests", "tests/board"):
            (folder / part / "__init__.py").touch()
        write_overlay(folder / "overlays" / "lightweight")
        yield folder


def test_the_half_with_the_fpga_is_killed_under_load(folder: Path) -> None:
    with demo(folder, sys.executable, environment={"SLOW": "0.2"}) as running:
        picture = _picture()
        answers: list[tuple[int, str]] = []
        ended = threading.Event()

        def load() -> None:
            while not ended.is_set():
                answers.append(running.get("/api/classify?windows=1", picture))

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 3)
        os.kill(running.half("fpga-server"), signal.SIGKILL)
        wait_until(lambda: any(code == 503 for code, _ in answers))
        page = running.get("/", b"")
        wait_until(running.works, 60)
        begin = len(answers)
        wait_until(lambda: len(answers) > begin + 6)
        ended.set()
        for thread in threads:
            thread.join()
        assert {code for code, _ in answers} == {200, 503}
        assert answers[-1][0] == 200, "it came back by itself"
        refused = next(text for code, text in answers if code == 503)
        assert "process that has the FPGA is not there just now" in json.loads(refused)["error"]
        assert page[0] in (200, 400, 503), "the page answers meanwhile"


def test_the_page_is_killed_under_load(folder: Path) -> None:
    with demo(folder, sys.executable) as running:
        server, page = running.half("fpga-server"), running.half("serve")
        thread = threading.Thread(target=running.get, args=("/api/classify", _picture()))
        thread.start()
        os.kill(page, signal.SIGKILL)
        wait_until(lambda: running.half("serve") not in (0, page) and running.works(), 60)
        thread.join()
        assert running.half("fpga-server") == server, "the FPGA is not loaded again"
        assert running.get("/api/classify", _picture())[0] == 200


def test_nothing_outlives_the_demo(folder: Path) -> None:
    before = set(Path("/tmp").glob("resnet8-*"))
    with demo(folder, sys.executable) as running:
        both = [running.half("fpga-server"), running.half("serve")]
        assert all(both)
        running.process.kill()
        wait_until(lambda: not any(_lives(process) for process in both), 20)
    for left in set(Path("/tmp").glob("resnet8-*")) - before:
        shutil.rmtree(left)
    with demo(folder, sys.executable) as running:
        both = [running.half("fpga-server"), running.half("serve")]
        running.process.terminate()
        output, _ = running.process.communicate(timeout=20)
        assert not any(_lives(process) for process in both)
        assert running.process.returncode == 143 and "Traceback" not in output, output
    assert set(Path("/tmp").glob("resnet8-*")) <= before


def test_a_half_that_cannot_start_ends_the_demo(folder: Path) -> None:
    with (
        pytest.raises(AssertionError, match="the half with the FPGA has ended with exit st"),
        demo(folder, sys.executable, environment={"BROKEN": "no board here"}),
    ):
        pass


def test_a_half_that_ends_again_and_again_is_given_up(tmp_path: Path) -> None:
    told: list[str] = []
    half = Half("the page", ["-c", "raise SystemExit(3)"])
    with pytest.raises(BackendError, match="has ended 6 times in 60 s, at last with exit status 3"):
        halves.supervise([half], tmp_path / "none", told.append, window=60)
    assert len(told) == 5 and "exit status 3; it is started again" in told[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_page_is_of_another_user(folder: Path) -> None:
    python, path = _python_for_all(folder)
    with demo(folder, python, "--user", "nobody", environment=path) as running:
        assert (running.user("fpga-server"), running.user("serve")) == (0, 65534)
        assert running.get("/api/classify", _picture())[0] == 200
        (socket,) = (
            Path(f"/proc/{running.half('serve')}/environ")
            .read_bytes()
            .split(b"BOARD_APP_SOCKET=")[1:]
        )
        file = Path(socket.split(b"\0")[0].decode())
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (65534, 0o600)
        status = Path(f"/proc/{running.half('serve')}/status").read_text()
        assert "\nCapEff:\t0000000000000000\n" in status and "\nGroups:\t \n" in status
        print(subprocess.run(["ps", "-o", "user,args", "--ppid", str(running.process.pid)],
                             capture_output=True, text=True).stdout)  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_user_that_cannot_read_the_release(folder: Path) -> None:
    folder.chmod(0o700)
    python, path = _python_for_all(Path("/"))
    for user, says in (
        ("nobody", "the user nobody cannot read"),
        ("nobody-of-that-name", "there is no user nobody-of-that-name"),
    ):
        with (
            pytest.raises(AssertionError, match=says),
            demo(folder, python, "--user", user, environment=path),
        ):
            pass


def _python_for_all(folder: Path) -> tuple[str, dict[str, str]]:
    """A Python that every user may run, and where it finds our packages; skips without one."""
    ours = {"BOARD_APP_SAMPLES": ""}
    packages = {"PYTHONPATH": sysconfig.get_path("purelib"), **ours}
    for python, environment in ((sys.executable, ours), ("/usr/bin/python3", packages)):
        script = "import sys, numpy, flask, PIL; print(sys.version_info[:2])"
        try:
            found = subprocess.run(
                [python, "-c", script], cwd=folder, user=65534, group=65534, extra_groups=[],
                env={**os.environ, **environment}, capture_output=True, text=True,
            )  # fmt: skip
        except PermissionError:
            continue
        if found.returncode == 0 and found.stdout.strip() == str(sys.version_info[:2]):
            return python, environment
    pytest.skip("no Python here that another user may run")


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _picture() -> bytes:
    import io

    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 30, 30)).save(content, "PNG")
    return content.getvalue()
