"""The simulator of circuits that were read back, its ports given and taken cycle by cycle."""

from __future__ import annotations

import ctypes

import numpy as np

from host_build.readback.chips import simulator
from host_build.readback.model import Circuit
from host_build.readback.ports import ports
from host_build.readback.program import program
from host_build.simulation import toolchain

OURS = """
extern "C" void run(const uint32_t* program, uint64_t size, uint64_t lanes, const uint64_t* in,
                    uint64_t* out, uint64_t cycles) {
  Netlist netlist(std::vector<uint32_t>(program, program + size), lanes);
  netlist.reset();
  std::vector<Ports> all(lanes);
  for (; cycles; --cycles, in += lanes * COUNT, out += lanes * COUNT) {
    std::memcpy(all.data(), in, lanes * sizeof(Ports));
    netlist.take(all);
    netlist.settle();
    netlist.give(all);
    std::memcpy(out, all.data(), lanes * sizeof(Ports));
    netlist.clock();
  }
}
"""


def simulated(circuit: Circuit, given: np.ndarray, word: str) -> np.ndarray:
    """What the simulator makes of it, for all lanes of `given`: (cycles, lanes, ports)."""
    text = simulator() + OURS.replace("COUNT", str(len(ports())))
    library = ctypes.CDLL(
        str(toolchain.compile_library(text, {"LANE_WORD": word}, toolchain.CACHE))
    )
    numbers, given = program(circuit), np.ascontiguousarray(given)
    found = np.zeros_like(given)
    library.run(
        ctypes.c_void_p(numbers.ctypes.data), ctypes.c_uint64(len(numbers)),
        ctypes.c_uint64(given.shape[1]), ctypes.c_void_p(given.ctypes.data),
        ctypes.c_void_p(found.ctypes.data), ctypes.c_uint64(len(given)),
    )  # fmt: skip
    return found
