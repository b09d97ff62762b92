"""What can go wrong, for those who tell it to a person: each message says what and what to do."""

from __future__ import annotations


class GraphError(Exception):
    """The graph file is damaged, of another format, or not consistent; the message says where."""


class OverlayError(Exception):
    """An overlay is unknown, incomplete or not what its manifest says; the message says which."""


class DatasetError(Exception):
    """The data set is missing, incomplete or not CIFAR-10; the message says what to do."""


class PictureError(Exception):
    """The picture is empty, too large, damaged or no picture; the message says which."""


class CameraError(Exception):
    """There is no camera, or it is gone; the message says which."""


class MeterError(Exception):
    """A power meter's file cannot be used; the message says which line or why."""


class BackendError(Exception):
    """The backend is unknown or cannot be opened here; the message says which and what to do."""


class BackendAway(BackendError):
    """The process that has the FPGA is gone for now; the message is for who waits at the page."""


class AcceleratorError(BackendError):
    """The chip cannot be used, or failed; the message says how and what it was doing."""


class ChipBusy(AcceleratorError):
    """Another process has the chip; the message says which."""


class Busy(Exception):
    """Too much waits to be computed already; `seconds` says when to come again."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the network has more to do than it can in time: try again in a moment")
        self.seconds = seconds
