"""The header of a .bit file: what it says of itself, and whether it is whole.

Vivado and xc7frames2bit write the same layout, tag and length and value, which pynq reads.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from host_build.configuration.part import PART
from host_build.errors import HostError

_MAGIC = bytes.fromhex("00090ff00ff00ff00ff0000001")
_TAGS = {ord("a"): "design", ord("b"): "part", ord("c"): "date", ord("d"): "time"}
_SYNC = bytes.fromhex("aa995566")
_USER_ID = re.compile(r"UserID=0X([0-9A-Fa-f]{8})")


class BitfileError(HostError):
    """A .bit file is damaged or for another device; the message says which."""


@dataclass(frozen=True)
class Header:
    """`design` is the name and what else the tool says; `data` how many bytes follow."""

    design: str
    part: str
    date: str
    time: str
    data: int

    @property
    def user_id(self) -> int | None:
        """The number that the design was marked with, None where the tool marks nothing."""
        match = _USER_ID.search(self.design)
        return int(match[1], 16) if match else None


def read(content: bytes) -> Header:
    """The header of a .bit file; BitfileError where the file is not a whole one."""
    if not content.startswith(_MAGIC):
        raise BitfileError("no .bit file: it does not begin as one")
    texts: dict[str, str] = {}
    place = len(_MAGIC)
    try:
        while (tag := content[place]) != ord("e"):
            (length,) = struct.unpack_from(">H", content, place + 1)
            texts[_TAGS[tag]] = content[place + 3 : place + 2 + length].decode("ascii")
            place += 3 + length
        (size,) = struct.unpack_from(">I", content, place + 1)
        header = Header(**texts, data=size)
    except (IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error) as error:
        raise BitfileError(f"the .bit file's header is damaged: {error!r}") from error
    data = content[place + 5 :]
    if len(data) != size or size % 4 or _SYNC not in data[:256]:
        raise BitfileError(
            f"the .bit file is damaged: its header says {size:,} bytes, it has {len(data):,}"
        )
    return header


def check(content: bytes, build_id: int) -> Header:
    """As `read`, and BitfileError where it is for another device or another build."""
    header = read(content)
    if header.part.removeprefix("xc") not in (PART.removeprefix("xc"), PART[2:].split("-")[0]):
        raise BitfileError(f"the .bit file is for {header.part}, the PYNQ-Z2 has {PART}")
    if header.user_id not in (None, build_id):
        raise BitfileError(
            f"the .bit file is of build {header.user_id:08x}, the overlay is of {build_id:08x}"
        )
    return header
