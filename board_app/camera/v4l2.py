"""A camera through Video4Linux, by the OpenCV that the board's image has."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

import numpy as np

from board_app.errors import CameraError

WIDTH, HEIGHT = 640, 480
DEVICES = Path("/dev")


class V4L2Camera:
    """An open camera. OpenCV waits ten seconds for a frame that does not come, then gives up."""

    def __init__(self, device: Optional[Path] = None) -> None:
        """Open `device`, or the first that gives pictures; CameraError says why there is none.

        A USB camera has several devices, of which some give no pictures but facts about them.
        """
        try:
            import cv2  # of the board's image; a PC may have none
        except ImportError:
            raise CameraError(
                "this Python has no OpenCV (cv2), which reads the camera; the board's image has it"
            ) from None
        self._cv2 = cv2
        for path in _devices() if device is None else [device]:
            # Looked at first: OpenCV complains on its own of what is missing.
            if path.exists() and self._open(path):
                return
        raise CameraError(
            "no camera is plugged in" if device is None else f"no camera is plugged in at {device}"
        )

    def read(self) -> np.ndarray:
        """The newest frame (height, width, 3) uint8 RGB; CameraError where the camera is gone."""
        there, frame = self._capture.read()
        if not there:
            raise CameraError("the camera was unplugged")
        pixels: np.ndarray = self._cv2.cvtColor(frame, self._cv2.COLOR_BGR2RGB)
        return pixels

    def close(self) -> None:
        """Give the device back."""
        self._capture.release()

    def _open(self, path: Path) -> bool:
        cv2 = self._cv2
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if self._capture.isOpened():
            # As JPEG: raw frames fill a USB 2 bus at a few a second.
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # no old frames
            if self._capture.read()[0]:
                return True
        self._capture.release()
        return False


def _devices() -> List[Path]:
    numbered = [path for path in DEVICES.glob("video*") if path.name[5:].isdecimal()]
    return sorted(numbered, key=lambda path: int(path.name[5:]))
