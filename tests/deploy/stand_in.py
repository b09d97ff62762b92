"""What the deploy tests run against: a checkout with a stub app, a board played by sshd."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STUB = Path(__file__).resolve().parent / "stub_app"


def free_port() -> int:
    """A loopback port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> str | None:
    """The page's text, None if nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        pass
    return None


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for it, and fail after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@dataclass(frozen=True)
class Checkout:
    """A copy of the deploy scripts with an app and overlays beside them."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, app: Path = STUB) -> Checkout:
        shutil.copytree(REPOSITORY / "tools", folder / "tools")
        shutil.copy(REPOSITORY / "deploy.sh", folder)
        shutil.copytree(REPOSITORY / "requirements", folder / "requirements")
        shutil.copytree(REPOSITORY / "overlays/notebooks", folder / "overlays/notebooks")
        shutil.copytree(app, folder / "board_app", ignore=shutil.ignore_patterns("__pycache__"))
        checkout = cls(folder)
        if app == STUB:
            (folder / "board_app" / "__init__.py").touch()
            (folder / "board_app" / "service").mkdir()
            (folder / "board_app" / "service" / "__init__.py").touch()
            checkout.set_version("one")
            checkout.add_overlay("net", {"net.npz": b"weights"})
        return checkout

    @classmethod
    def real(cls, folder: Path) -> Checkout:
        """With the real app, this checkout's environments, and a short benchmark; no overlay."""
        checkout = cls.make(folder, REPOSITORY / "board_app")
        (folder / ".venv").symlink_to(REPOSITORY / ".venv")
        benchmark = folder / "board_app" / "measure" / "benchmark.py"
        text = benchmark.read_text()
        assert "Effort(1.0, 0.2, 1000)" in text
        benchmark.write_text(text.replace("Effort(1.0, 0.2, 1000)", "Effort(0.02, 0.004, 1000)"))
        return checkout

    def set_version(self, text: str) -> None:
        """What the stub's /version answers; changing it makes another release."""
        (self.folder / "board_app" / "version.txt").write_text(text)

    def add_overlay(self, name: str, files: dict[str, bytes]) -> Path:
        folder = self.folder / "overlays" / name
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        sums = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
        (folder / f"{name}.json").write_text(json.dumps({"format": 1, "files": sums}))
        return folder

    def run(
        self,
        *arguments: object,
        env: dict[str, str] | None = None,
        seconds: float = 120,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run deploy.sh to its end; stderr is in stdout, in the order it was printed."""
        return subprocess.run(
            [str(self.folder / "deploy.sh"), *map(str, arguments)],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                **(env or {}),
            },
        )


@dataclass(frozen=True)
class Board:
    """The far side: a home, programs put before the others on its PATH, and the way there."""

    home: Path
    programs: Path
    config: Path
    ssh_port: int
    web_port: int

    @classmethod
    def make(cls, folder: Path, sshd: Sshd, python: str = sys.executable) -> Board:
        """A new home in `folder`, for the sessions to come; the board's `python3` is `python`."""
        board = cls(
            folder / "home of board", folder / "programs", sshd.config, sshd.port, free_port()
        )
        board.home.mkdir()
        board.programs.mkdir()
        board.program("python3", f"exec '{python}' \"$@\"")
        sshd.use(board.home, f"{board.programs}:/usr/bin:/bin")
        return board

    @property
    def root(self) -> Path:
        return self.home / "resnet8"

    @property
    def current(self) -> str | None:
        link = self.root / "current"
        return str(link.readlink()) if link.is_symlink() else None

    @property
    def place(self) -> str:
        return f"{_user()}@127.0.0.1"

    def arguments(self, ssh_port: int | None = None) -> list[object]:
        return [self.place, *self.way(ssh_port), "--web-port", self.web_port]

    def way(self, ssh_port: int | None = None) -> list[object]:
        return ["-F", self.config, "--port", ssh_port or self.ssh_port]

    def version(self) -> str | None:
        return get(self.web_port, "/version")

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.root / "releases").iterdir())

    def program(self, name: str, script: str) -> None:
        """Put a bash script called `name` first on the PATH; `$real` is the real program."""
        file = self.programs / name
        real = next((p for p in (f"/usr/bin/{name}", f"/bin/{name}") if Path(p).exists()), "")
        file.write_text(f"#!/bin/bash\nreal={real}\n{script}\n")
        file.chmod(0o755)


def stop_demo(root: Path) -> None:
    """End the demo of a release folder, if one runs."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((root / "demo.pid").read_text())
        if b"board_app" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


def board_python() -> str:
    """The board environment's Python; skips the test where it cannot be made."""
    script = REPOSITORY / "tools" / "environment.sh"
    made = subprocess.run([script, "board"], text=True, capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"the board's environment cannot be made here: {made.stderr[-500:]}")
    return made.stdout.strip()


def quick_python(script: Path) -> Path:
    """Write a Python whose venvs are made at once, and whose pip cannot install "nothing"."""
    script.write_text(
        "#!/bin/bash\n"
        'case "$*" in\n'
        f'  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;\n'
        '  "-m pip install "*) ! grep -x nothing "${@: -1}" >&2 ;;\n'
        f'  *) exec {sys.executable} "$@" ;;\n'
        "esac\n"
    )
    script.chmod(0o755)
    return script


def make_keys(folder: Path) -> Path:
    """In `folder`: keys `host` and `user`, and the ssh configuration, returned, that uses them."""
    for key in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True
        )
    config = folder / "config"
    config.write_text(
        f"Host *\nIdentityFile {folder}/user\nIdentitiesOnly yes\nIdentityAgent none\n"
        "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
    )
    return config


class Sshd:
    """A real sshd on loopback; what it runs gets the HOME and PATH of the present test."""

    def __init__(self, folder: Path) -> None:
        self._settings = folder / "board.env"
        self.port = free_port()
        self.config = make_keys(folder)
        wrapper = folder / "wrapper"
        wrapper.write_text(
            f"#!/bin/bash\n. '{self._settings}'\n"
            'cd "$HOME"\nexec bash -c "$SSH_ORIGINAL_COMMAND"\n'
        )
        wrapper.chmod(0o755)
        settings = folder / "sshd_config"
        settings.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/user.pub\nUsePAM no\nStrictModes no\n"
            "PermitRootLogin yes\n"
            f"PasswordAuthentication no\nForceCommand {wrapper}\nSetEnv HOME={folder}\n"
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._log = (folder / "sshd.log").open("wb")
        self._process = subprocess.Popen(
            [
                str(shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")),
                "-D",
                "-e",
                "-f",
                str(settings),
            ],
            stderr=self._log,
        )
        wait_until(self._listens)

    def use(self, home: Path, path: str, **variables: str) -> None:
        """Give the sessions to come this home and PATH."""
        rows = {"HOME": str(home), "PATH": path, **variables}
        self._settings.write_text(
            "".join(f"export {name}='{value}'\n" for name, value in rows.items())
        )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()


class Wire:
    """A TCP relay that counts what goes to the port and cuts the connection after `limit` bytes."""

    def __init__(self, port: int, limit: int | None = None) -> None:
        self.sent = 0
        self.open = 0
        self._ends: list[socket.socket] = []
        self._far_port, self._limit = port, limit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def __enter__(self) -> Wire:
        return self

    def cut(self) -> None:
        """Cut every connection."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._far_port))
            self.open += 1
            self._ends += [near, far]
            for source, sink, counts in ((near, far, True), (far, near, False)):
                self._threads.append(
                    threading.Thread(target=self._pump, args=(source, sink, counts))
                )
                self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 14):
                if counts:
                    self.sent += len(data)
                    if self._limit is not None and self.sent > self._limit:
                        time.sleep(0.5)  # until what went through is in files
                        break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        sink.close()
        self.open -= counts


def path_without(folder: Path, *missing: str) -> str:
    """A PATH with every program of this machine but `missing`."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin"):
        for program in os.scandir(place):
            if program.name not in missing and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program.path)
    return str(folder)


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
