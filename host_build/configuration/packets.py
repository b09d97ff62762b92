"""Configuration packets of a .bit file: what they write, and whether it is whole.

Register numbers and packet layout are those of Xilinx's UG470, "Configuration packets".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.configuration import bitfile, crc
from host_build.configuration.errors import ReadbackError
from host_build.configuration.part import WORDS, Part

_SYNC = bytes.fromhex("aa995566")
_CRC, _FAR, _FDRI, _CMD, _CTL0, _MFWR, _CBC, _IDCODE = 0, 1, 2, 4, 5, 10, 11, 12
_RESET_CRC, _DESYNC = 7, 13
_DECRYPT = 1 << 6
_NOP, _READ, _WRITE = 0, 1, 2


@dataclass(frozen=True)
class Configuration:
    """What a bitstream configures.

    `frames` has a row for each frame of the part, in the order of `addresses`; those that were not
    written are zero. `checked` says whether the bitstream had a checksum, which is then right.
    """

    header: bitfile.Header
    part: Part
    addresses: NDArray[np.int64]
    frames: NDArray[np.uint32]
    checked: bool


def read(content: bytes, part: Part) -> Configuration:
    """The frames that a .bit file writes to `part`.

    BitfileError where the file is damaged; ReadbackError where it is for another device, encrypted,
    compressed, incomplete, or its checksum is wrong.
    """
    header = bitfile.read(content)
    data = content[len(content) - header.data :]
    start = data.index(_SYNC) + len(_SYNC)
    size = (len(data) - start) // 4 * 4
    words = np.frombuffer(data[start : start + size], ">u4").astype(np.uint32)
    return _Reader(part).run(words, header)


class _Reader:
    def __init__(self, part: Part) -> None:
        self._part = part
        self._sequence = part.sequence
        self._place = {at: k for k, at in enumerate(self._sequence) if at is not None}
        self._frames = np.zeros((len(self._sequence), WORDS), np.uint32)
        self._written = np.zeros(len(self._sequence), bool)
        self._address = 0
        self._at: int | None = 0
        self._crc = 0
        self._checked = False
        self._identified = False
        self._ended = False

    def run(self, words: NDArray[np.uint32], header: bitfile.Header) -> Configuration:
        at, register = 0, 0
        while at < len(words) and not self._ended:
            word = int(words[at])
            kind, operation = word >> 29, word >> 27 & 3
            if kind == 1:
                register, count = word >> 13 & 0x1F, word & 0x7FF
            elif kind == 2:
                count = word & 0x7FF_FFFF
            else:
                raise ReadbackError(f"word {at} after the sync word is no packet: {word:#010x}")
            at += 1
            if operation == _READ:
                raise ReadbackError(f"the bitstream reads register {register}: not to configure")
            if operation == _WRITE and count:
                if at + count > len(words):
                    raise ReadbackError(
                        f"the bitstream is cut off: a packet of {count:,} words has "
                        f"{len(words) - at:,}"
                    )
                self._write(register, words[at : at + count])
                at += count
        if not self._ended:
            raise ReadbackError("the bitstream is cut off: it does not end with DESYNC")
        real = np.array([address is not None for address in self._sequence])
        if not self._written[real].any():
            raise ReadbackError("the bitstream configures nothing: it writes no frame")
        if not self._identified:
            raise ReadbackError("the bitstream names no device: IDCODE is not written")
        if not self._written[real].all():
            raise ReadbackError(
                f"the bitstream is partial: it writes {self._written[real].sum():,} of "
                f"{real.sum():,} frames"
            )
        addresses = np.array([address for address in self._sequence if address is not None])
        return Configuration(header, self._part, addresses, self._frames[real], self._checked)

    def _write(self, register: int, words: NDArray[np.uint32]) -> None:
        first = int(words[0])
        if register == _CRC:
            if first != self._crc:
                raise ReadbackError(
                    f"the bitstream's checksum is wrong: {first:#010x}, and its packets have "
                    f"{self._crc:#010x}; it was damaged, get or make it again"
                )
            self._checked, self._crc = True, 0
            return
        if register == _CMD and first == _RESET_CRC:
            self._crc = 0
            return
        self._crc = crc.update(self._crc, register, words)
        if register == _IDCODE:
            self._identify(first)
        elif register == _CMD and first == _DESYNC:
            self._ended = True
        elif register == _FAR:
            self._address = first
            self._at = self._place.get(first)
        elif register == _FDRI:
            self._frame_data(words)
        elif register == _MFWR:
            raise ReadbackError(
                "the bitstream is compressed (it writes a frame to many addresses): make it with "
                "BITSTREAM.GENERAL.COMPRESS FALSE"
            )
        elif register == _CBC or (register == _CTL0 and first & _DECRYPT):
            raise ReadbackError(
                "the bitstream is encrypted: make it with BITSTREAM.ENCRYPTION.ENCRYPT NO"
            )

    def _identify(self, found: int) -> None:
        wanted = self._part.idcode & 0x0FFF_FFFF  # the four bits above are the revision
        if found & 0x0FFF_FFFF != wanted:
            raise ReadbackError(
                f"the bitstream is for another device: IDCODE {found:#010x}, and "
                f"{self._part.name} has {self._part.idcode:#010x}"
            )
        self._identified = True

    def _frame_data(self, words: NDArray[np.uint32]) -> None:
        count = len(words) // WORDS
        if self._at is None or len(words) % WORDS or self._at + count > len(self._sequence):
            raise ReadbackError(
                f"{len(words):,} words of frame data at address {self._address:#010x} do not fit "
                f"{self._part.name}: it has {len(self._place):,} frames of {WORDS} words"
            )
        self._frames[self._at : self._at + count] = words.reshape(count, WORDS)
        self._written[self._at : self._at + count] = True
        self._at += count
