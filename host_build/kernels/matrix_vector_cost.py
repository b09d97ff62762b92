"""What a matrix-vector unit costs: formulas in the terms of its parts, fitted to Yosys."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import ceil

from host_build.kernels.base import Resources, block_ram, clog2, distributed_ram, lut_rom
from host_build.kernels.matrix_vector_shape import Shape

# So many registers in a row, none of which is reset or read between, are one LUT a bit.
SHIFT_REGISTER = 3


def estimate(unit: Shape, shared: int) -> Resources:
    """With `shared` positions to a memory.

    Fitted to Yosys: LUTs within 20%, DSP and block RAM exact at every point of the sweep.
    """
    beat, address = clog2(unit.depth), clog2(unit.cycles_a_vector)
    stages = unit.last_stage + 1 + (unit.rom == "block")
    hops = _address_hops(unit, shared)
    control = Resources(
        lut=12 + 2 * beat + address * (2 + sum(hop >= SHIFT_REGISTER for hop in hops)),
        ff=(stages + 4) * (beat + 1) + stages + 8
        + address * (2 + sum(hop for hop in hops if hop < SHIFT_REGISTER)),
    )  # fmt: skip
    lanes = [last - first for first, last in unit.memory_lanes(1)]
    buffers = _total(
        distributed_ram(n * unit.pixels * unit.activation_bits, unit.depth) for n in lanes
    )
    activations = Resources(ff=unit.simd * unit.pixels * unit.activation_bits)

    adders, bits = Resources(), unit.output_bits
    if unit.folds > 1:
        adders = Resources(lut=min(bits, unit.sum_bits), ff=bits)
    each = adders + Resources(ff=bits) + (_chain_adders(unit) if unit.pack else _dot_lut(unit))
    rows = ceil(unit.pe / max(unit.pack, 1))
    dsp = Resources(dsp=rows * unit.simd if unit.pack else 0)
    return (
        control
        + buffers
        + activations
        + each * (unit.pe * unit.pixels)
        + dsp
        + _weight_memories(unit, shared)
    )


def _stages(unit: Shape) -> list[int]:
    """How many cycles each position lags behind the first."""
    return [k + (k // unit.run if unit.pack else 0) for k in range(unit.positions)]


def _address_hops(unit: Shape, shared: int) -> list[int]:
    """Cycles that the address takes from each weight memory to the next."""
    stages = _stages(unit)[::shared]
    return [after - before for before, after in pairwise(stages)]


def _delays(unit: Shape, shared: int) -> list[tuple[int, int]]:
    """How many bits of weights wait how many cycles where positions share a memory."""
    stages = _stages(unit)
    bits = unit.memory_widths(1)
    # An unpacked weight can wait in the second input register of its DSP block.
    free = 1 if unit.pack == 1 else 0
    waits = [stages[k] - stages[k - k % shared] for k in range(unit.positions)]
    return [(bits[k], max(wait - free, 0)) for k, wait in enumerate(waits)]


def sharing_cost(unit: Shape, shared: int) -> float:
    """In flip-flops, as scarce on the device as they are: a BRAM36 is worth some 400."""
    blocks = sum(block_ram(w, unit.cycles_a_vector).bram36 for w in unit.memory_widths(shared))
    return 400 * blocks + sum(bits * delay for bits, delay in _delays(unit, shared))


def _weight_memories(unit: Shape, shared: int) -> Resources:
    words = unit.cycles_a_vector
    if unit.rom == "block":
        memories = _total(_block_rom(width, words) for width in unit.memory_widths(shared))
    else:
        # Yosys does not move the registers behind these into the DSP blocks. Without DSP blocks the
        # registers are the lanes', and the sum of a pair of weights is a table, too.
        tables = _total(lut_rom(width, words) for width in unit.memory_widths(shared))
        memories = tables if unit.pack else Resources(lut=1.5 * tables.lut)
    delays = _delays(unit, shared)
    short = sum(bits * delay for bits, delay in delays if delay < SHIFT_REGISTER)
    long = sum(bits for bits, delay in delays if delay >= SHIFT_REGISTER)
    return memories + Resources(lut=long, ff=short)


def _block_rom(width: int, words: int) -> Resources:
    """Blocks, and the selection behind those that lie one above the other to save others."""
    fewest = block_ram(width, words)
    one_deep = 36 * 512 // (1 << clog2(max(words, 512)))
    if one_deep and ceil(width / one_deep) / 2 <= fewest.bram36:
        return fewest
    return fewest + Resources(lut=width * ceil((ceil(words / 512) - 1) / 3))


def _chain_adders(unit: Shape) -> Resources:
    """The tree that adds the DSP chains of one neuron."""
    luts = registers = 0
    terms, bits = unit.chains, unit.fields.bits
    while terms > 1:
        luts += terms // 2 * bits
        terms, bits = ceil(terms / 2), bits + 1
        registers += terms * bits
    return Resources(lut=luts, ff=registers)


def _dot_lut(unit: Shape) -> Resources:
    """dot_lut.sv: one neuron without DSP blocks."""
    weight, planes = unit.weight_bits, unit.activation_bits
    sums = [weight + clog2(2 * (k + 1)) for k in range(unit.positions)]
    pairs = unit.simd // 2
    luts = planes * sum(sums) + pairs * (weight + 1)
    registers = planes * sum(sums) + unit.simd * weight + pairs * (weight + 1)
    terms, shift = planes, 1
    while terms > 1:
        luts += terms // 2 * (sums[-1] + shift)
        terms = ceil(terms / 2)
        registers += terms * (sums[-1] + 2 * shift)
        shift *= 2
    return Resources(lut=1.06 * luts, ff=registers)


def _total(parts: Iterable[Resources]) -> Resources:
    return sum(parts, Resources())
