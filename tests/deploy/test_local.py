"""deploy.sh --local, and what it refuses before it touches anything."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from .stand_in import REPOSITORY, Checkout, free_port, get, quick_python, wait_until

SCRIPTS = ["deploy.sh", *REPOSITORY.glob("tools/*.sh"), *REPOSITORY.glob("tests/armv7l/*.sh")]


def test_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (Debian, Ubuntu: apt install shellcheck)")
    subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=REPOSITORY, check=True)


def test_help(checkout: Checkout) -> None:
    done = checkout.run("--help")
    assert done.returncode == 0
    assert "./deploy.sh OVERLAY --local" in done.stdout


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "which overlay? known: net"),
        (["nett"], "unknown overlay 'nett'; known: net"),
        (["../net"], "unknown overlay"),
        (["net", "a", "b"], "too many arguments"),
        (["net", "a", "--local"], "not both"),
        (["net", "--web-port", "99999"], "99999 is no port number"),
        (["net", "--web-port"], "--web-port needs a value"),
        (["net", "--fast"], "unknown option --fast"),
        (["net", "--cifar10", "/nowhere"], "no test_batch.bin in /nowhere"),
        (["net", "--images", "3", "--no-benchmark"], "either --images or --no-benchmark"),
        (["net", "--token-file", "/nowhere"], "there is no token file /nowhere"),
        (["net", "--token-file", "deploy.sh"], "a token is 16 letters and digits or more"),
    ],
)
def test_wrong_calls(arguments: list[str], message: str, checkout: Checkout) -> None:
    done = checkout.run(*arguments)
    assert done.returncode == 2
    assert message in done.stdout


def test_a_damaged_overlay_is_not_deployed(checkout: Checkout) -> None:
    (checkout.folder / "overlays/net/net.npz").write_bytes(b"other")
    done = checkout.run("net", "--local")
    assert done.returncode == 2
    assert "net.npz: FAILED" in done.stdout
    (checkout.folder / "overlays/net/net.json").write_text("{")
    assert "no readable manifest" in checkout.run("net", "--local").stdout


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return quick_python(tmp_path / "a python")


def test_environment_is_made_once_and_again_when_its_requirements_change(
    checkout: Checkout, python: Path
) -> None:
    requirements = checkout.folder / "requirements" / "tiny.txt"
    requirements.write_text("numpy\n")

    def make() -> subprocess.CompletedProcess[str]:
        script = checkout.folder / "tools" / "environment.sh"
        environment = {**os.environ, "PYTHON": str(python)}
        return subprocess.run([script, "tiny"], text=True, capture_output=True, env=environment)

    first = make()
    assert first.stdout == f"{checkout.folder}/.venv/tiny/bin/python\n", first.stderr
    assert "making .venv/tiny" in first.stderr
    assert make().stderr == ""

    requirements.write_text("nothing\n")
    failed = make()
    assert failed.returncode == 1 and failed.stdout == ""
    assert "could not install requirements/tiny.txt" in failed.stderr
    requirements.write_text("numpy\n")
    assert "making .venv/tiny" in make().stderr, "an unfinished environment is not used"

    (checkout.folder / "requirements" / "tiny-nodeps.txt").write_text("nothing\n")
    assert "could not install requirements/tiny-nodeps.txt" in make().stderr

    python.write_text(
        python.read_text().replace('case "$*" in', 'case "$*" in *ensurepip*) exit 1 ;;')
    )
    assert "apt install python3-venv" in make().stderr


def test_environment_keeps_the_python_it_was_made_with(
    checkout: Checkout, python: Path, tmp_path: Path
) -> None:
    (checkout.folder / "requirements" / "tiny.txt").write_text("numpy\n")
    usual = tmp_path / "bin" / "python3"
    usual.parent.mkdir()
    usual.write_text("#!/bin/bash\necho another version\n")
    usual.chmod(0o755)
    path = f"{usual.parent}:{os.environ['PATH']}"

    def make(**more: str) -> str:
        script = checkout.folder / "tools" / "environment.sh"
        plain = {name: value for name, value in os.environ.items() if name != "PYTHON"}
        environment = {**plain, "PATH": path, **more}
        done = subprocess.run([script, "tiny"], text=True, capture_output=True, env=environment)
        return done.stderr

    assert "making .venv/tiny" in make(PYTHON=str(python))
    assert make() == ""
    assert "making .venv/tiny" in make(PYTHON=str(usual))


def test_environment_of_unknown_name(checkout: Checkout) -> None:
    script = checkout.folder / "tools" / "environment.sh"
    done = subprocess.run([script, "boardd"], text=True, capture_output=True)
    assert done.returncode == 2
    assert "known: board" in done.stderr


def test_local_with_a_stub(checkout: Checkout, python: Path) -> None:
    port = free_port()
    settings = {"PYTHON": str(python)}
    done = checkout.run("net", "--local", "--web-port", port, env=settings)
    assert done.returncode == 0, done.stdout
    assert done.stdout.index("self-test as plain: good") < done.stdout.index(
        "stub benchmark of no samples"
    )
    assert f"http://127.0.0.1:{port}/" in done.stdout
    assert get(port, "/version") == "one"
    assert "demo: running" in checkout.run("--status", "--local").stdout
    quick = checkout.run("net", "--local", "--web-port", port, "--no-benchmark", env=settings)
    assert quick.returncode == 0 and "stub benchmark" not in quick.stdout, quick.stdout
    assert "demo: stopped" in checkout.run("--stop", "--local").stdout
    assert get(port, "/version") is None
    assert "demo: was not running" in checkout.run("--stop", "--local").stdout


def test_ctrl_c_in_the_self_test_ends_it(checkout: Checkout, python: Path) -> None:
    port = free_port()
    settings = {"PYTHON": str(python)}
    assert checkout.run("net", "--local", "--web-port", port, env=settings).returncode == 0
    checkout.set_version("two")
    checkout.add_overlay("net", {"hangs-selftest": b""})
    process = subprocess.Popen(
        [str(checkout.folder / "deploy.sh"), "net", "--local", "--web-port", str(port)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **settings}, start_new_session=True,
        # A shell gives what it runs in the background a SIGINT that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert any("self-test of net" in line for line in process.stdout)
        wait_until(lambda: _runs("selftest", checkout.folder))
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=10)
        wait_until(lambda: not _runs("selftest", checkout.folder))
    finally:
        process.kill()
    assert process.returncode == 130 and "deploy: interrupted" in output
    assert get(port, "/version") == "one"
    assert checkout.run("--stop", "--local").returncode == 0


def test_a_self_test_that_takes_too_long_is_told_as_such(
    checkout: Checkout, python: Path, tmp_path: Path
) -> None:
    checkout.add_overlay("net", {"hangs-selftest": b""})
    programs = tmp_path / "programs"
    programs.mkdir()
    # A second is as an hour.
    (programs / "timeout").write_text(
        f'#!/bin/bash\nexec {shutil.which("timeout")} --foreground 1 "${{@:3}}"\n'
    )
    (programs / "timeout").chmod(0o755)
    settings = {"PYTHON": str(python), "PATH": f"{programs}:{os.environ['PATH']}"}
    done = checkout.run("net", "--local", env=settings)
    assert done.returncode == 1
    assert "it was not through after 3600 seconds" in done.stdout
    assert "what was in use before stays in use" in done.stdout


def test_a_demo_whose_network_takes_seconds(checkout: Checkout, python: Path) -> None:
    checkout.add_overlay("net", {"slow-network": b""})
    port = free_port()
    done = checkout.run("net", "--local", "--web-port", port, env={"PYTHON": str(python)})
    assert done.returncode == 0 and "demo: running" in done.stdout, done.stdout
    status = checkout.run("--status", "--local").stdout
    assert "demo: running" in status and "does not answer" not in status
    assert "demo: stopped" in checkout.run("--stop", "--local").stdout


def _runs(argument: str, folder: Path) -> bool:
    """Whether a process works below `folder` that was given this argument."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            given = (process / "cmdline").read_text().split("\0")
            if argument in given and folder in (process / "cwd").readlink().parents:
                return True
        except OSError:
            continue
    return False
