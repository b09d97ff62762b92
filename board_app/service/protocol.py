"""What the halves say to each other: images one way, logits the other, over a Unix socket.

A message is a header (magic, version, kind, and how many bytes follow of each part), a small JSON
object and an array's bytes. Magic and version stay where they are in every version to come. Who
listens says HELLO first; an ERROR says in words why there are no logits.
"""

from __future__ import annotations

import json
import math
import os
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np

SOCKET_VARIABLE = "BOARD_APP_SOCKET"
SOCKET = Path("/run/resnet8/fpga")
MAGIC, VERSION = b"R8FP", 1
HELLO, EXECUTE, LOGITS, ERROR = range(4)
MOST_IMAGES = 1024
"""In one request: 3 MB of 32x32 RGB, and a board's chip has done it in less than a second."""

_HEADER = struct.Struct("<4sHHII")
_MOST_JSON = 4096
_MOST_BYTES = MOST_IMAGES * 32 * 32 * 3
_DTYPES = ("uint8", "int32")


class ProtocolError(Exception):
    """What came is not of this protocol, or larger than it allows; the message says which."""


@dataclass(frozen=True)
class Message:
    """`kind` is one of the four; `array` is None where it has none."""

    kind: int
    values: Dict[str, Any] = field(default_factory=dict)
    array: Optional[np.ndarray] = None


def most_images(image_bytes: int, logit_bytes: int) -> int:
    """How many images, each of so many bytes, go into one request and its answer."""
    return max(1, min(MOST_IMAGES, _MOST_BYTES // max(image_bytes, logit_bytes)))


def socket_path() -> Path:
    """Where the socket is: what the environment names, or the service's."""
    return Path(os.environ.get(SOCKET_VARIABLE, SOCKET))


def send(connection: socket.socket, message: Message) -> None:
    """Send a whole message; OSError where the other end is gone."""
    values, content = dict(message.values), b""
    if message.array is not None:
        values.update(dtype=message.array.dtype.name, shape=message.array.shape)
        content = np.ascontiguousarray(message.array).tobytes()
    text = json.dumps(values).encode()
    header = _HEADER.pack(MAGIC, VERSION, message.kind, len(text), len(content))
    connection.sendall(header + text + content)


def receive(connection: socket.socket, patience: Optional[float] = None) -> Optional[Message]:
    """The next message; None where the other end has closed between two.

    `patience` is how many seconds the rest may take to come once a message has begun.
    ProtocolError where it is none, OSError where it stops half-way.
    """
    first = connection.recv(_HEADER.size)
    if not first:
        return None
    if patience is not None:
        connection.settimeout(patience)
    head = first + _exactly(connection, _HEADER.size - len(first))
    magic, version, kind, json_bytes, array_bytes = _HEADER.unpack(head)
    if magic != MAGIC:
        raise ProtocolError(f"the other end does not speak this protocol: it sent {head[:8]!r}")
    if version != VERSION:
        raise ProtocolError(
            f"the other end speaks version {version} of the protocol, this one version {VERSION}: "
            "they are of different releases; start the demo again"
        )
    if json_bytes > _MOST_JSON or array_bytes > _MOST_BYTES:
        raise ProtocolError(
            f"a message of {json_bytes:,} and {array_bytes:,} bytes is refused: {_MOST_JSON:,} and "
            f"{_MOST_BYTES:,} are the most, which is {MOST_IMAGES:,} images"
        )
    values = _values(_exactly(connection, json_bytes))
    content = _exactly(connection, array_bytes)
    return Message(kind, values, _array(values, content) if "dtype" in values else None)


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = bytearray(count)
    view = memoryview(found)
    while view:
        size = connection.recv_into(view)
        if not size:
            raise ConnectionResetError("the other end closed in the middle of a message")
        view = view[size:]
    return bytes(found)


def _values(text: bytes) -> Dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a message's JSON is damaged: {error}") from None
    if not isinstance(values, dict):
        raise ProtocolError("a message's JSON is no object")
    return values


def _array(values: Dict[str, Any], content: bytes) -> np.ndarray:
    dtype, shape = values["dtype"], values.get("shape")
    if dtype not in _DTYPES or not isinstance(shape, list) or len(shape) > 4:
        raise ProtocolError(f"an array of {dtype!r} {shape!r} is refused")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ProtocolError(f"{shape!r} is no shape")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(content):
        raise ProtocolError(f"an array of {dtype} {shape} has not {len(content):,} bytes")
    return np.frombuffer(content, dtype).reshape(shape)
