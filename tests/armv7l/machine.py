"""An armv7l machine to reach by ssh: an armhf Debian whose programs run under qemu."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..deploy.stand_in import free_port, make_keys

HERE = Path(__file__).resolve().parent
START_SECONDS = 300
_PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "qemu-arm-static": "qemu-user-static",
    "ssh": "openssh-client",
    "unshare": "util-linux",
}
_CANNOT_RUN = 77


def require() -> None:
    """Skip the test where a machine cannot be made."""
    if os.getuid() != 0:
        pytest.skip("an armv7l machine needs root here")
    missing = [package for name, package in _PACKAGES.items() if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed (Debian, Ubuntu: apt install): {' '.join(missing)}")


def make_root(suite: str) -> Path:
    """The Debian's folder; skips the test where it cannot be made, as without a network."""
    made = subprocess.run([HERE / "make_root.sh", suite], text=True, capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"no {suite} for armhf can be had here: {made.stderr[-500:]}")
    return Path(made.stdout.strip())


@dataclass(frozen=True)
class Machine:
    """A running one; user root."""

    process: subprocess.Popen[bytes]
    config: Path
    port: int

    @classmethod
    def start(cls, root: Path, folder: Path) -> Machine:
        """Start one on the file system `root`, which stays as it is; keys and log in `folder`."""
        config, port = make_keys(folder), free_port()
        # The second exec is as the new namespace's root, which it has only once it is mapped.
        script = 'echo && read -r && exec bash "$@"'
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["unshare", "--user", "--mount", "--pid", "--fork", "bash", "-c", script, "bash",
                 HERE / "inside.sh", root, folder, str(port)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        machine = cls(process, config, port)
        assert process.stdin is not None and process.stdout is not None
        try:
            if process.stdout.readline() == b"\n":
                for kind in ("uid_map", "gid_map"):
                    Path(f"/proc/{process.pid}/{kind}").write_text("0 0 65536\n")
                process.stdin.write(b"\n")
                process.stdin.flush()
            machine._wait(folder / "log")
        except BaseException:
            machine.close()
            raise
        return machine

    def run(
        self, command: str, content: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell's command there with `content` as its stdin, through ssh."""
        done = subprocess.run(
            ["ssh", "-F", self.config, "-p", str(self.port), "root@127.0.0.1", command],
            input=content, capture_output=True, timeout=300,
        )  # fmt: skip
        output, errors = done.stdout.decode(), done.stderr.decode()
        assert not check or done.returncode == 0, output + errors
        return subprocess.CompletedProcess(done.args, done.returncode, output, errors)

    def close(self) -> None:
        """End it and every process in it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _wait(self, log: Path) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            code = self.process.poll()
            said = log.read_text()[-1000:]
            if code == _CANNOT_RUN or "unshare failed" in said:
                pytest.skip(f"this kernel runs no armv7l programs: {said}")
            assert code is None, said
            assert time.monotonic() < end, f"sshd does not answer: {said}"
            time.sleep(0.1)
