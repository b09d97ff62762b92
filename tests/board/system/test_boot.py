"""A load waits for the board's own boot service, and not for ever; systemctl is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from board_app.driver.backends import open_backend
from board_app.errors import AcceleratorError, BackendError
from board_app.network.overlay import Overlay
from board_app.system import boot

QUEUED = "ActiveState=inactive\nJob=273"
RUNS = "ActiveState=activating\nJob=273"
OVER = "ActiveState=inactive\nJob="


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what systemctl says at the first, second ... question; the last stays."""
    folder = tmp_path / "answers"
    folder.mkdir()
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
echo "$*" >>'{tmp_path}/asked'
cd '{folder}'
set -- *
cat "$1"
[ $# -eq 1 ] || rm "$1"
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return folder


def say(folder: Path, *texts: str) -> None:
    for number, text in enumerate(texts):
        (folder / f"{number:02}").write_text(f"{text}\n")


def test_it_waits_and_says_so_once(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say(answers, QUEUED, RUNS, RUNS, OVER)
    boot.wait(every=0.01)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "board_app: the board is booting: waiting up to 180 s for its bootpy.service",
        "board_app: bootpy.service has ended after 0 s",
    ]


@pytest.mark.parametrize(
    "state",
    [OVER, "ActiveState=failed\nJob=0", "ActiveState=inactive", "ActiveState=active\nJob=", ""],
)
def test_nothing_to_wait_for(answers: Path, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It has run or failed, there is no such service, or systemd does not run."""
    say(answers, state)
    boot.wait()
    assert capsys.readouterr().err == ""


def test_no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    boot.wait()


def test_the_wait_has_an_end(answers: Path) -> None:
    say(answers, RUNS)
    with pytest.raises(AcceleratorError, match=r"has not ended after 0\.05 s.*journalctl -u boot"):
        boot.wait(limit=0.05, every=0.01)


def test_a_systemd_that_does_not_answer_is_waited_for(
    answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(boot, "_PATIENCE", 0.05)
    with pytest.raises(AcceleratorError, match="has not ended"):
        boot.wait(limit=0.1, every=0.01)


def test_the_fpga_is_opened_after_it(
    answers: Path,
    tmp_path: Path,
    overlay: Overlay,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say(answers, RUNS, OVER)
    monkeypatch.setattr(boot.time, "sleep", lambda _: None)
    with pytest.raises(BackendError, match="no circuit"):
        open_backend("fpga", overlay)
    assert "for its bootpy.service" in capsys.readouterr().err
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["show --property=ActiveState,Job bootpy.service"] * 2
    open_backend("reference", overlay).close()
    assert (tmp_path / "asked").read_text().splitlines() == asked
