"""Run somebody else's program: it may be missing, fail, or be killed, and its log is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from tqdm import tqdm

from host_build.errors import HostError

_LAST_LINES = 12
_SHOWN = 60
# Seconds between two looks at a program that has a time limit.
_EVERY = 0.2


class ToolError(HostError):
    """A program is missing, failed or was killed; the message says which, and shows its end.

    `status` is its exit status, negative for a signal, None if it never ran.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def find(program: str, remedy: str) -> str:
    """The path of `program`, a name on PATH or a path; ToolError with `remedy` if it is not one."""
    found = shutil.which(program)
    if found is None:
        raise ToolError(f"{program} is not found: {remedy}")
    return str(Path(found).absolute())


def run(
    command: Sequence[str],
    folder: Path,
    log: Path,
    *,
    output: Path | None = None,
    minutes: float | None = None,
    silent: float | None = None,
) -> None:
    """Run `command` in `folder`, with all that it says in `log`.

    With `output`, what it writes to standard output goes there instead. ToolError where it fails,
    takes longer than `minutes`, or says nothing for `silent` minutes: it is ended then, with all
    that it started.
    """
    name = Path(command[0]).name
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said, tqdm(desc=name, unit=" lines", disable=None, leave=False) as bar:
        process = _start(command, folder, output)
        watch = _Watch(process, minutes, silent)
        try:
            stream = process.stderr if output else process.stdout
            assert stream is not None
            with _ended_with_us(process):
                for line in stream:
                    said.write(line)
                    said.flush()
                    watch.heard()
                    text = line.decode(errors="replace").strip()
                    bar.set_postfix_str(text[:_SHOWN], refresh=False)
                    bar.update()
                status = process.wait()
        finally:
            watch.stop()
            _end(process)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    if watch.reason:
        raise ToolError(_late(name, watch.reason, log), status)
    if status:
        raise ToolError(_failure(name, status, log), status)


class _Watch:
    """Ends a program that takes too long; `reason` says which limit it broke, if it did."""

    def __init__(
        self, process: subprocess.Popen[bytes], minutes: float | None, silent: float | None
    ) -> None:
        self.reason = ""
        self._process, self._minutes, self._silent = process, minutes, silent
        self._start = self._last = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        if minutes is not None or silent is not None:
            self._thread.start()

    def heard(self) -> None:
        self._last = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_EVERY):
            now = time.monotonic()
            if self._minutes is not None and now - self._start > 60 * self._minutes:
                self.reason = f"it took longer than {self._minutes:g} minutes"
            elif self._silent is not None and now - self._last > 60 * self._silent:
                self.reason = f"it said nothing for {self._silent:g} minutes"
            if self.reason:
                _end(self._process)
                return


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """SIGTERM ends the program too, which has a session of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        _kill(process)
        signal.signal(number, before)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started, if it still runs."""
    if process.poll() is None:
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _start(command: Sequence[str], folder: Path, output: Path | None) -> subprocess.Popen[bytes]:
    try:
        if output is None:
            return subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        with output.open("wb") as file:
            return subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be started: {error.strerror}") from error


def _late(name: str, reason: str, log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    told = lines[-1].strip() if lines else "nothing"
    return f"{name} was ended, since {reason}; all it said is in {log}, the last of it: {told}"


def _failure(name: str, status: int, log: Path) -> str:
    ended = f"failed with exit status {status}"
    if status < 0:
        ended = f"was killed by {signal.Signals(-status).name}"
        if -status == signal.SIGKILL:
            ended += ", as for want of memory"
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    told = "\n".join(f"  {line}" for line in (errors or lines)[-_LAST_LINES:])
    return f"{name} {ended}; all it said is in {log}" + (
        f", the end of it:\n{told}" if told else ""
    )
