"""board_app with the reference in its FPGA's place: `python -m tests.board.service.fpga_program`.

In the environment SLOW makes each batch take so many seconds; BROKEN says why there is no FPGA.
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from board_app import cli
from board_app.driver import backends
from board_app.errors import BackendError
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference


class _Fpga(Reference):
    name = "fpga"

    def execute(self, images: np.ndarray) -> np.ndarray:
        time.sleep(float(os.environ.get("SLOW", "0")))
        return super().execute(images)


def _open(overlay: Overlay, _: bool) -> _Fpga:
    if "BROKEN" in os.environ:
        raise BackendError(os.environ["BROKEN"])
    return _Fpga(overlay.graph())


backends.BACKENDS["fpga"] = _open
sys.exit(cli.main())
