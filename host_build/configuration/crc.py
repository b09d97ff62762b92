"""The checksum of 7-series configuration packets.

CRC-32C, least significant bit first, over the 32 bits of each word and then the 5 bits of the
register it is written to; see Project X-Ray's `icap_crc` and UG470, "CRC register".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_ADDRESS_BITS = 5
_LANES = 512


def _steps(state: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    for _ in range(bits):
        state = np.where(state & 1, state >> 1 ^ np.uint32(_POLYNOMIAL), state >> 1)
    return state.astype(np.uint32)


_BYTE = _steps(np.arange(256, dtype=np.uint32), 8)
_ADDRESS = _steps(np.arange(1 << _ADDRESS_BITS, dtype=np.uint32), _ADDRESS_BITS)


def update(crc: int, register: int, words: NDArray[np.uint32]) -> int:
    """The checksum after `words` were written to `register`."""
    length = len(words) // _LANES
    if length:
        # Each lane goes through its share alone; being linear, the shares are joined afterwards.
        lanes = words[: length * _LANES].reshape(_LANES, length).T
        ends = _through(np.zeros(_LANES, np.uint32), register, lanes)
        basis = np.uint32(1) << np.arange(32, dtype=np.uint32)
        idle = _through(basis, 0, np.zeros((length, 32), np.uint32))
        for end in ends:
            carried = 0
            for bit in range(32):
                if crc >> bit & 1:
                    carried ^= int(idle[bit])
            crc = carried ^ int(end)
    state = np.array([crc], np.uint32)
    return int(_through(state, register, words[length * _LANES :, None])[0])


def _through(
    state: NDArray[np.uint32], register: int, words: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """`state` of each lane after its column of `words`."""
    address = np.uint32(register)
    for row in words:
        state = state ^ row
        for _ in range(4):
            state = state >> 8 ^ _BYTE[state & 0xFF]
        state = state ^ address
        state = state >> _ADDRESS_BITS ^ _ADDRESS[state & ((1 << _ADDRESS_BITS) - 1)]
    return state
