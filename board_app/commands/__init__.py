"""What each command does, its options read; a module is imported when its command runs."""

from __future__ import annotations

import argparse
import importlib
from typing import Dict, Tuple

from board_app.commands.common import ERROR, INTERRUPTED, TERMINATED, complain
from board_app.errors import BackendError, DatasetError, MeterError, OverlayError
from board_app.system.terminate import Terminated, terminable

_COMMANDS: Dict[str, Tuple[str, str]] = {
    "benchmark": ("measuring", "run_benchmark"),
    "classify": ("classifying", "run_classify"),
    "serve": ("serving", "run_serve"),
    "demo": ("halving", "run_demo"),
    "doctor": ("doctoring", "run_doctor"),
    "fpga-server": ("halving", "run_fpga_server"),
    "info": ("informing", "run_info"),
    "selftest": ("measuring", "run_selftest"),
    "throughput": ("measuring", "run_throughput"),
}


def run(options: argparse.Namespace) -> int:
    """Run `options.command`; returns the exit code, with one line for an expected failure."""
    module, function = _COMMANDS[options.command]
    try:
        with terminable():
            code: int = getattr(importlib.import_module(f"{__name__}.{module}"), function)(options)
            return code
    except (OverlayError, BackendError, DatasetError, MeterError, OSError) as error:
        complain(str(error))
        return ERROR
    except Terminated:
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
