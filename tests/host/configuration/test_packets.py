"""Packets to frames, and every bitstream that is none or is not for this."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_build.configuration import crc, packets
from host_build.configuration.errors import DatabaseError
from host_build.configuration.part import Part, address
from host_build.errors import HostError
from tests.host.readback.bitstreams import (
    CMD,
    CTL0,
    DESYNC,
    FAR,
    FDRI,
    MFWR,
    PART,
    Packets,
    begun,
    random_frames,
    whole,
    write_part,
)


@pytest.fixture
def part(tmp_path: Path) -> Part:
    write_part(tmp_path)
    return Part.load(tmp_path, PART)


@given(st.integers(0, 2**32 - 1), st.integers(0, 31), st.integers(0, 3000), st.integers(0, 99))
def test_checksum_bit_by_bit(start: int, register: int, count: int, seed: int) -> None:
    words = np.random.default_rng(seed).integers(0, 1 << 32, count % 1300, np.uint32)
    expected = start
    for word in words:
        value = register << 32 | int(word)
        for _ in range(37):
            differ = (value ^ expected) & 1
            value, expected = value >> 1, expected >> 1
            expected ^= 0x82F63B78 * differ
    assert crc.update(start, register, words) == expected


def test_frames_of_a_whole_bitstream(part: Part) -> None:
    frames = random_frames()
    found = packets.read(whole(frames).file(), part)
    assert found.checked and found.header.part == PART
    kept = [k for k, at in enumerate(part.sequence) if at is not None]
    assert np.array_equal(found.frames, frames[kept])
    assert found.addresses.tolist() == [
        *(address(0, 0, 0, 0, k) for k in range(2)), *(address(0, 0, 0, 1, k) for k in range(3)),
        *(address(0, 1, 0, 0, k) for k in range(2)), *(address(1, 0, 0, 0, k) for k in range(4)),
    ]  # fmt: skip


def test_frames_written_piece_by_piece(part: Part) -> None:
    frames = random_frames()
    pieces = begun()
    for here, frame in zip(part.sequence, frames, strict=True):
        if here is not None:
            pieces.write(FAR, here).write(FDRI, *frame.tolist())
    found = packets.read(pieces.write(CMD, DESYNC).file(), part)
    assert not found.checked
    kept = [k for k, at in enumerate(part.sequence) if at is not None]
    assert np.array_equal(found.frames, frames[kept])


def damaged_word() -> bytes:
    content = bytearray(whole(random_frames()).file())
    content[-300] ^= 4
    return bytes(content)


DATA = random_frames().ravel().tolist()
BAD = {
    "cut off": (whole(random_frames()).file()[:-1000], "damaged: its header says"),
    "one bit": (damaged_word(), "checksum is wrong"),
    "other device": (begun(0x0372_2093).file(), "for another device: IDCODE 0x03722093"),
    "compressed": (begun().write(MFWR, 0, 0).file(), "compressed"),
    "encrypted": (Packets().write(CTL0, 0x40).file(), "encrypted"),
    "partial": (begun().write(FDRI, *DATA[:101]).write(CMD, DESYNC).file(), "1 of 11 frames"),
    "empty": (begun().write(CMD, DESYNC).file(), "writes no frame"),
    "no device": (Packets().write(FDRI, *DATA).write(CMD, DESYNC).file(), "names no device"),
    "no end": (begun().write(FDRI, *DATA).file(), "does not end"),
    "too much": (begun().write(FDRI, *DATA, *DATA).file(), "do not fit"),
    "nowhere": (begun().write(FAR, 0x3BE0000).write(FDRI, *DATA[:101]).file(), "0x03be0000"),
    "half a frame": (begun().write(FDRI, *DATA[:50]).file(), "do not fit"),
    "reading": (Packets().file()[:-4], "damaged"),
    "no bitstream": (b"PK\x03\x04 something else", "does not begin"),
    "nothing": (b"", "does not begin"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_what_is_refused(content: bytes, message: str, part: Part) -> None:
    with pytest.raises(HostError, match=message):
        packets.read(content, part)


def test_packets_that_are_none_or_too_long(part: Part) -> None:
    strange = begun()
    strange.words.append(0xE000_0000)
    with pytest.raises(HostError, match="no packet: 0xe0000000"):
        packets.read(strange.file(), part)
    long = begun()
    long.words += [0x3000_4000, 0x5000_FFFF, 1, 2, 3]
    with pytest.raises(HostError, match="65,535 words has 3"):
        packets.read(long.file(), part)
    reads = begun()
    reads.words.append(0x2800_6001)
    with pytest.raises(HostError, match="reads register 3"):
        packets.read(reads.file(), part)


def test_part_that_is_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"part.json is missing"):
        Part.load(tmp_path, PART)
    write_part(tmp_path)
    path = tmp_path / PART / "part.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DatabaseError, match=r"part.json is damaged"):
        Part.load(tmp_path, PART)
