"""What FINN, qonnx or onnxruntime raise or never end, as one line: stage, pass, node and reason."""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
from collections.abc import Iterator
from types import FrameType

from onnx import NodeProto
from qonnx.transformation.base import Transformation

from host_build.compiler.model import CompileError, ModelWrapper
from host_build.errors import HostError

# Streamlining a network of this many nodes takes a third of that time, of more nodes about as much
# more as their number's square. It is the processor's time, so that a busy machine refuses nothing.
SECONDS = 45.0
_NODES = 50
_LONGEST_REASON = 200


def seconds_for(model: ModelWrapper) -> float:
    """The limit of a stage on `model`."""
    return SECONDS * max(1.0, len(model.graph.node) / _NODES) ** 2


class _TooLong(BaseException):
    """Not an Exception: passes catch those."""


@contextlib.contextmanager
def foreign(stage: str, seconds: float = SECONDS) -> Iterator[None]:
    """Turn what is raised inside, or takes longer than `seconds` of CPU time, into CompileError.

    The message names `stage` and, as far as the traceback tells, the pass and the node that it was
    at. The limit holds in the main thread only, where Python handles signals.
    """
    try:
        with _limit(seconds):
            yield
    except (HostError, KeyboardInterrupt):
        raise
    except _TooLong as error:
        raise CompileError(
            f"{stage}: not done after {seconds:g} s of CPU time{_where(error)}; the pass does not "
            "end on this network, or the network is far larger than what fits the board"
        ) from error
    except Exception as error:
        raise CompileError(f"{stage}: {_reason(error)}{_where(error)}") from error


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    # Again and again: an exception in a destructor is lost.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines)[:_LONGEST_REASON]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(error: BaseException) -> str:
    """The innermost pass and node among the variables of the frames that raised `error`."""
    node = step = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        mine = frame.f_locals
        if isinstance(mine.get("self"), Transformation):
            step = type(mine["self"]).__name__
        found = [mine[name] for name in ("node", "n") if isinstance(mine.get(name), NodeProto)]
        if found:
            node = f"node {found[0].name!r} ({found[0].op_type})"
    at = " of ".join(part for part in (node, step) if part)
    return f", at {at}" if at else ""
