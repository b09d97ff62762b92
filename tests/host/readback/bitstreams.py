"""A device of a few frames, and bitstreams for it packet by packet."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from host_build.configuration import crc
from host_build.configuration.part import WORDS

PART, IDCODE = "xc7z020clg400-1", 0x0372_7093
COLUMNS = {("top", "CLB_IO_CLK"): [2, 3], ("bottom", "CLB_IO_CLK"): [2], ("top", "BLOCK_RAM"): [4]}
FRAMES = sum(sum(counts) + 2 for counts in COLUMNS.values())
"""Frames of a whole bitstream, with the two after each row."""
CRC, FAR, FDRI, CMD, CTL0, MFWR, IDCODE_REGISTER = 0, 1, 2, 4, 5, 10, 12
RESET_CRC, DESYNC = 7, 13


def write_part(family: Path) -> None:
    """part.json of the small device."""
    regions: dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]] = {}
    for (side, bus), counts in COLUMNS.items():
        columns = {str(k): {"frame_count": count} for k, count in enumerate(counts)}
        buses = regions.setdefault(side, {"rows": {"0": {"configuration_buses": {}}}})
        buses["rows"]["0"]["configuration_buses"][bus] = {"configuration_columns": columns}
    folder = family / PART
    folder.mkdir(parents=True, exist_ok=True)
    told = {"idcode": IDCODE, "global_clock_regions": regions}
    (folder / "part.json").write_text(json.dumps(told))


class Packets:
    """The words of a bitstream, with the checksum that they have so far."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.crc = 0

    def write(self, register: int, *data: int) -> Packets:
        if len(data) < 1 << 11:
            self.words += [0x3000_0000 | register << 13 | len(data), *data]
        else:
            self.words += [0x3000_0000 | register << 13, 0x5000_0000 | len(data), *data]
        self.crc = crc.update(self.crc, register, np.array(data, np.uint32))
        if register == CRC or (register == CMD and data == (RESET_CRC,)):
            self.crc = 0
        return self

    def check(self) -> Packets:
        """The checksum of what went before."""
        return self.write(CRC, self.crc)

    def file(self, part: str = "xc7z020clg400-1") -> bytes:
        """A .bit file with these packets."""
        content = bytes.fromhex("00090ff00ff00ff00ff0000001")
        for tag, text in zip("abcd", ("chip", part, "2026/01/02", "03:04:05"), strict=True):
            content += tag.encode() + struct.pack(">H", len(text) + 1) + text.encode() + b"\0"
        data = b"\xff" * 32 + bytes.fromhex("aa995566")
        data += np.array(self.words, ">u4").tobytes()
        return content + b"e" + struct.pack(">I", len(data)) + data


def begun(idcode: int = IDCODE) -> Packets:
    """Packets up to the frames."""
    return Packets().write(CMD, RESET_CRC).write(IDCODE_REGISTER, idcode).write(FAR, 0)


def whole(frames: np.ndarray) -> Packets:
    """A whole bitstream of `frames`, of FRAMES rows."""
    data = frames.astype(np.uint32).ravel().tolist()
    return begun().write(FDRI, *data).check().write(CMD, DESYNC)


def random_frames(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 32, (FRAMES, WORDS), np.uint32)
