"""The board's boot: its bootpy.service loads base.bit after each one, and is waited for.

It takes a board about a minute and a half after power-up, long after one can log in; what was
loaded into the FPGA before is gone then. It is a oneshot service that runs boot.py of the boot
partition (PYNQ's repository: sdbuild/packages/bootpy, boards/Pynq-Z2/packages/boot_leds).
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Callable, Dict

from board_app.errors import AcceleratorError

SERVICE = "bootpy.service"
LIMIT = 180.0
"""Seconds to wait for it."""

_COMMAND = ("systemctl", "show", "--property=ActiveState,Job", SERVICE)
_PATIENCE = 10.0  # for the answer: systemd has much to do during a boot
_EVERY = 1.0


def _tell(text: str) -> None:
    print(f"board_app: {text}", file=sys.stderr, flush=True)


def wait(
    tell: Callable[[str], None] = _tell, *, limit: float = LIMIT, every: float = _EVERY
) -> None:
    """Wait until bootpy.service has run, and `tell` so; at once where there is none, or it has.

    AcceleratorError where it has not after `limit` seconds.
    """
    begin = time.monotonic()
    waited = False
    while _under_way():
        if not waited:
            tell(f"the board is booting: waiting up to {limit:g} s for its {SERVICE}")
            waited = True
        if time.monotonic() - begin > limit:
            raise AcceleratorError(
                f"{SERVICE} has not ended after {limit:g} s, and loads its own overlay into the "
                f"FPGA at any time. See what it does (journalctl -u {SERVICE}; it runs boot.py of "
                f"the boot partition), or end it (sudo systemctl stop {SERVICE}), then start this "
                "program again"
            )
        time.sleep(every)
    if waited:
        tell(f"{SERVICE} has ended after {time.monotonic() - begin:.0f} s")


def _under_way() -> bool:
    """Whether it runs, or waits for its turn, which the state alone does not tell."""
    try:
        done = subprocess.run(
            _COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE
        )
    except FileNotFoundError:
        return False  # no systemd here
    except subprocess.TimeoutExpired:
        return True
    state: Dict[str, str] = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        name, _, value = line.partition("=")
        state[name] = value
    return state.get("ActiveState") == "activating" or state.get("Job", "0") not in ("", "0")
