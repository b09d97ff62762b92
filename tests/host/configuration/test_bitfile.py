"""The header of .bit files, of Vivado's and of xc7frames2bit's."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_build.configuration import bitfile
from host_build.configuration.bitfile import BitfileError
from tests.bit_files import BUILD_ID, bit_file

OPEN = bit_file("chip.frames;Generator=xc7frames2bit", "xc7z020clg400-1")


def test_the_original(original: Path) -> None:
    header = bitfile.read((original / "resizer.bit").read_bytes())
    assert header.part == "7z020clg400"
    assert header.design == "top_wrapper;UserID=0XFFFFFFFF;Version=2022.1"
    assert (header.user_id, header.data) == (0xFFFFFFFF, 4_045_564)


def test_both_tools_files_are_ours() -> None:
    assert bitfile.check(bit_file(), int(BUILD_ID, 16)).user_id == int(BUILD_ID, 16)
    assert bitfile.check(OPEN, 1).user_id is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin as one"),
        (b"\x89PNG", "does not begin as one"),
        (OPEN[:20], "header is damaged"),
        (OPEN[:-1], "damaged: its header says 160 bytes, it has 159"),
        (OPEN + b"\0", "damaged: its header says 160 bytes, it has 161"),
        (OPEN.replace(b"\xaa\x99\x55\x66", bytes(4)), "is damaged"),
        (OPEN.replace(b"b\0\x10xc7", b"z\0\x10xc7"), "header is damaged"),
    ],
)
def test_damaged(content: bytes, message: str) -> None:
    with pytest.raises(BitfileError, match=message):
        bitfile.read(content)


@pytest.mark.parametrize("length", range(0, len(OPEN) - 1, 7))
def test_cut_anywhere(length: int) -> None:
    with pytest.raises(BitfileError):
        bitfile.read(OPEN[:length])


@pytest.mark.parametrize("part", ["7z010clg400", "xc7z020clg484-1", "xc7z020clg400-2", ""])
def test_another_device(part: str) -> None:
    with pytest.raises(BitfileError, match=f"is for {part}, the PYNQ-Z2 has xc7z020clg400-1"):
        bitfile.check(bit_file(part=part), int(BUILD_ID, 16))


def test_another_build() -> None:
    with pytest.raises(BitfileError, match="is of build 0123abcd, the overlay is of 0123abce"):
        bitfile.check(bit_file(), 0x0123ABCE)
