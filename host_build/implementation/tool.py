"""Run somebody else's program: it may be missing, fail, or be killed, and its log is kept."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from host_build.errors import HostError

_LAST_LINES = 12


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


def run(command: Sequence[str], folder: Path, log: Path, *, output: Path | None = None) -> None:
    """Run `command` in `folder`, with all that it says in `log`.

    With `output`, what it writes to standard output goes there instead. ToolError where it fails.
    """
    name = Path(command[0]).name
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said, tqdm(desc=name, unit=" lines", disable=None, leave=False) as bar:
        process = _start(command, folder, output)
        try:
            stream = process.stderr if output else process.stdout
            assert stream is not None
            for line in stream:
                said.write(line)
                said.flush()
                bar.update()
            status = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    if status:
        raise ToolError(_failure(name, status, log), status)


def _start(command: Sequence[str], folder: Path, output: Path | None) -> subprocess.Popen[bytes]:
    try:
        if output is None:
            return subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        with output.open("wb") as file:
            return subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE
            )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be started: {error.strerror}") from error


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
