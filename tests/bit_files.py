"""Bitstreams that configure nothing, with the headers that tools write."""

from __future__ import annotations

import struct

BUILD_ID = "0123abcd"


def bit_file(
    design: str = f"chip_top;UserID=0X{BUILD_ID.upper()};Version=2022.1",
    part: str = "7z020clg400",
    words: int = 40,
) -> bytes:
    """A .bit file as Vivado writes it: the header, the sync word, and no configuration."""
    fields = {b"a": design, b"b": part, b"c": "2026/01/02", b"d": "03:04:05"}
    content = bytes.fromhex("00090ff00ff00ff00ff0000001")
    for tag, text in fields.items():
        content += tag + struct.pack(">H", len(text) + 1) + text.encode() + b"\0"
    data = b"\xff" * 32 + bytes.fromhex("aa995566") + bytes(4 * (words - 9))
    return content + b"e" + struct.pack(">I", len(data)) + data
