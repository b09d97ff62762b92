"""The process that decodes: it has Pillow loaded and nothing else, and forks for each picture.

    python -m board_app.pictures.decoder_process SOCKET

SOCKET is the number of an inherited socket, on which this process says when it is ready. Each
message on it is a request, the lane's name and the network's shape, with two files: the picture's,
and a pipe for the answer. One fork waits for the next picture, as forking takes longer than to
decode a small one. It dies with its picture, and this process says so in its place, where it has
not answered. All end where the other end of the socket does.
"""

from __future__ import annotations

import math
import os
import resource
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Dict, List, Tuple

from PIL import Image

from board_app.errors import PictureError
from board_app.pictures.calibration import slowness
from board_app.pictures.decoding import Decoded, Shape, TooLarge, decode
from board_app.pictures.limits import LARGE, MAX_BYTES, SMALL, Lane

_LANES = {b"small": SMALL, b"large": LARGE}
# What it is, the width and height of original and preview, and how many bytes follow.
HEADER = struct.Struct("<cHHHHI")
DECODED, REFUSED, TOO_LARGE = b"d", b"r", b"l"
_MOST = 64  # bytes of a request
_PAGE = resource.getpagesize()


def main(number: int) -> None:
    """Serve until the other end closes."""
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, signal.SIG_IGN)  # whoever asks for pictures says when to end
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    running: Dict[int, int] = {}
    Image.MAX_IMAGE_PIXELS = None  # the lanes' limits are by format
    Image.init()  # all plugins, which each fork would load otherwise
    slow = slowness()
    with socket.socket(fileno=number) as control:
        control.send(b"!")  # ready
        while True:
            process, line = _fork(slow, [number, *running.values()])
            with line:
                message, files = _request(control, ended, running)
                if not message:
                    return
                socket.send_fds(line, [message], files)
            content, running[process] = files
            os.close(content)


def _request(
    control: socket.socket, ended: int, running: Dict[int, int]
) -> Tuple[bytes, List[int]]:
    """The next request and its two files; no bytes at the end."""
    while True:
        ready, _, _ = select.select([control.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _reap(running)
        if control.fileno() in ready:
            message, files, _, _ = socket.recv_fds(control, _MOST, 2)
            return message, files


def _fork(slow: float, others: List[int]) -> Tuple[int, socket.socket]:
    """A process that waits for a picture, and the socket to hand it one; it closes `others`."""
    line, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = os.fork()
    if process == 0:
        line.close()
        for other in others:  # a reader waits for all ends to be closed
            os.close(other)
        _child(end, slow)
    end.close()
    return process, line


def _reap(running: Dict[int, int]) -> None:
    """Answer for the forks that died of their picture."""
    while running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        answer = running.pop(process, None)
        if answer is None:
            continue  # it waited for a picture: whoever hands it one finds it gone
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGXCPU):
                _write(answer, _refusal(TOO_LARGE, "the picture takes too long to decode"))
            else:
                _write(answer, _refusal(REFUSED, "the picture is damaged: its decoder crashed"))
        os.close(answer)


def _child(end: socket.socket, slow: float) -> None:
    try:
        signal.set_wakeup_fd(-1)
        _be_quiet()
        message, files, _, _ = socket.recv_fds(end, _MOST, 2)
        if message:
            name, height, width, channels = message.split()
            lane = replace(_LANES[name], seconds=slow * _LANES[name].seconds)
            respond(lane, (int(height), int(width), int(channels)), *files)
    finally:
        os._exit(0)


def respond(lane: Lane, shape: Shape, content: int, target: int) -> None:
    """Decode the file `content` within the lane's limits, which stay, and write to `target`."""
    _limit(lane)
    try:
        with os.fdopen(content, "rb") as file:
            answered = _success(decode(file.read(MAX_BYTES), lane, shape))
    except TooLarge as error:
        answered = _refusal(TOO_LARGE, str(error))
    except PictureError as error:
        answered = _refusal(REFUSED, str(error))
    except MemoryError:
        answered = _refusal(TOO_LARGE, "the picture needs too much memory to decode")
    signal.setitimer(signal.ITIMER_PROF, 0)  # what is written in part could not be taken back
    _write(target, answered)


def _be_quiet() -> None:
    """Decoders tell each damaged line on standard error, which would fill the demo's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _limit(lane: Lane) -> None:
    """Bound what this process may take: memory above what it has now, CPU time, no core dump."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is not loaded here
        taken = int(file.read().split()[0]) * _PAGE
    # 2 MB more than is counted of a picture: the interpreter's own.
    most = taken + lane.memory + (2 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The timer's signal ends it first; one second more, where that does not.
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(lane.seconds) + 1,) * 2)
    signal.setitimer(signal.ITIMER_PROF, lane.seconds)  # its signal ends the process


def _success(decoded: Decoded) -> bytes:
    content = decoded.pixels + decoded.preview
    header = HEADER.pack(DECODED, *decoded.size, *decoded.preview_size, len(content))
    return header + content


def _refusal(kind: bytes, text: str) -> bytes:
    content = text.encode(errors="replace")
    return HEADER.pack(kind, 0, 0, 0, 0, len(content)) + content


def _write(answer: int, content: bytes) -> None:
    try:
        while content:
            content = content[os.write(answer, content) :]
    except BrokenPipeError:
        pass  # nobody waits any more


if __name__ == "__main__":
    with suppress(ConnectionError):  # the other end was closed before it was asked anything
        main(int(sys.argv[1]))
