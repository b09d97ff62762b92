"""The matrix-vector unit against numpy, in every style of arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from host_build.kernels.dsp_fields import Fields, less_borrow
from host_build.kernels.matrix_vector import MatrixVector
from host_build.simulation.verilator import LintError, build, lint, pack, unpack

pytestmark = pytest.mark.rtl

VECTORS = 12


def unit(mh: int, mw: int, kind: str = "random", **options: Any) -> MatrixVector:
    """A unit with weights of the given kind; its parameters do not depend on the kind."""
    bits = options.setdefault("weight_bits", 6)
    highest = (1 << (bits - 1)) - 1
    lowest = -highest - (options.get("style") in ("LUT", "DSP1"))
    rng = np.random.default_rng(7)
    weights = {
        "random": rng.integers(lowest, highest + 1, (mh, mw)),
        "highest": np.full((mh, mw), highest),
        "lowest": np.full((mh, mw), lowest),
        # A sum at one end of a DSP field with its neighbours at the other end, both ways.
        "apart": np.where(np.indices((mh, mw))[0] % 2, highest, lowest),
        "signs": rng.choice([lowest, highest], (mh, mw)),
    }[kind]
    options.setdefault("activation_bits", bits)
    activations = options["activation_bits"]
    options["accumulator_bits"] = bits + activations + mw.bit_length()
    return MatrixVector(weights, **options)


def activations(of: MatrixVector) -> NDArray[np.int64]:
    low, high = of.activation_range
    vectors = np.random.default_rng(8).integers(low, high + 1, (VECTORS, of.mw))
    vectors[1:3], vectors[3:5] = high, low
    return vectors


def pairs(of: MatrixVector, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Beats of vectors: each element of a vector beside that of the next, for two at once."""
    beats = vectors.reshape(-1, of.pixels, of.folds, of.simd).transpose(0, 2, 3, 1)
    return beats.reshape(-1, of.simd * of.pixels)


def sums(of: MatrixVector, output: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The results, (vectors, MH), of the beats that came out."""
    found = unpack(output, of.output_bits, of.pe * of.pixels, signed=True)
    beats = found.reshape(-1, of.repeats, of.pixels, of.pe).transpose(0, 2, 1, 3)
    return beats.reshape(-1, of.mh)


UNITS = {
    "dsp2": unit(8, 36, simd=6, pe=4, cascade=4),
    "dsp2-signed-odd": unit(9, 9, simd=9, pe=3, activation_signed=True, rom="distributed"),
    "dsp2-whole": unit(4, 24, simd=24, pe=4, weight_bits=5, cascade=10, rom_positions=5),
    "dsp3": unit(10, 28, simd=14, pe=5, style="DSP3", weight_bits=4),
    "dsp3-one": unit(3, 4, simd=1, pe=3, style="DSP3", weight_bits=3, activation_bits=5),
    "dsp1-one": unit(3, 6, simd=1, pe=1, style="DSP1", weight_bits=8),
    "dsp1-signed": unit(4, 10, simd=5, pe=2, style="DSP1", activation_bits=10,
                        activation_signed=True, chain=2),
    # The sums of an 8 x 8 pool of 6-bit levels, and the widest there are.
    "dsp2-pooled": unit(10, 16, simd=4, pe=2, activation_bits=12),
    "dsp1-widest": unit(2, 4, simd=2, pe=1, style="DSP1", weight_bits=5, activation_bits=16),
    "dsp4": unit(6, 20, simd=10, pe=3, style="DSP4", weight_bits=4, vectors=2),
    "dsp4-wide": unit(4, 12, simd=6, pe=2, style="DSP4", weight_bits=5, vectors=2),
    "dsp4-long": unit(4, 32, simd=32, pe=4, style="DSP4", weight_bits=2, activation_bits=3,
                      vectors=2, cascade=3, rom="distributed"),
    "dsp4-one": unit(1, 5, simd=1, pe=1, style="DSP4", weight_bits=4, vectors=2),
    "lut-pooled": unit(5, 8, simd=4, pe=1, style="LUT", activation_bits=12),
    "lut": unit(6, 27, simd=9, pe=3, style="LUT", weight_bits=4),
    "lut-signed": unit(4, 12, simd=6, pe=2, style="LUT", weight_bits=3, activation_bits=5,
                       activation_signed=True, rom="distributed"),
    "lut-one": unit(2, 3, simd=1, pe=1, style="LUT", weight_bits=2, activation_bits=1),
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_equals_numpy_in_the_promised_cycles(name: str) -> None:
    base = UNITS[name]
    options = {key: getattr(base, key) for key in base.__dataclass_fields__ if key != "weights"}
    for kind in ("random", "highest", "lowest", "apart", "signs"):
        one = unit(base.mh, base.mw, kind, **options)
        circuit = build(one.module, one.sources(), one.parameters(), one.inputs, one.outputs,
                        images=one.images())  # fmt: skip
        vectors = activations(one)
        beats = pack(pairs(one, vectors), one.activation_bits)
        count = VECTORS // one.pixels * one.repeats
        for stall_in, stall_out in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.6)):
            result = circuit.run({"in": beats}, {"out": count},
                                 stall_in=stall_in, stall_out=stall_out, limit=50_000)  # fmt: skip
            assert (sums(one, result.outputs["out"]) == one.golden(vectors)).all(), (kind, stall_in)
            if not stall_in and not stall_out:
                taken = result.cycles["in"].astype(int)
                given = result.cycles["out"].astype(int)
                assert given[0] - taken[one.folds - 1] == one.latency
                # Not one idle cycle between the first result and the last.
                assert (np.diff(given) == one.folds).all()
                assert given[-1] - given[one.repeats - 1] == (
                    (VECTORS // one.pixels - 1) * one.cycles_a_vector
                )


def test_results_wait_without_stopping_those_behind() -> None:
    """A unit that refuses one beat for long still gives all of them, in order."""
    one = UNITS["dsp2"]
    circuit = build(one.module, one.sources(), one.parameters(), one.inputs, one.outputs,
                    images=one.images())  # fmt: skip
    vectors = activations(one)
    beats = pack(pairs(one, vectors), one.activation_bits)
    result = circuit.run({"in": beats}, {"out": VECTORS * one.repeats}, stall_out=0.97)
    assert (sums(one, result.outputs["out"]) == one.golden(vectors)).all()


@pytest.mark.parametrize("name", UNITS)
def test_lint(name: str) -> None:
    lint("matrix_vector", MatrixVector.sources(), UNITS[name].parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SIMD": 5}, "SIMD must divide MW"),
        ({"PE": 3}, "PE must divide MH"),
        ({"A_BITS": 17}, "A_BITS must be"),
        ({"W_BITS": 9}, "W_BITS must be"),
        ({"FIELD": 20}, "FIELD does not fit"),
        ({"CASCADE": 11}, "CASCADE must be"),
        ({"DEPTH": 48}, "DEPTH must be"),
        ({"DEPTH": 4}, "DEPTH must be"),
        ({"PIXELS": 3}, "PIXELS must be"),
        ({"PIXELS": 2, "A_SIGNED": 1}, "two PIXELS need"),
    ],
)
def test_module_refuses(change: dict[str, int], message: str) -> None:
    with pytest.raises(LintError, match=message):
        lint("matrix_vector", MatrixVector.sources(), {**UNITS["dsp2"].parameters(), **change})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simd": 5}, "conv1: simd is 5, but must be 1 or 2 or 3 or 4 or 6"),
        ({"pe": 3}, "conv1: pe is 3"),
        ({"style": "DSP5"}, "conv1: style is DSP5"),
        ({"style": "DSP4"}, "conv1: vectors is 1, but must be even for style DSP4"),
        ({"style": "DSP4", "vectors": 4}, "conv1: style is DSP4, but must be one whose sums fit 9"),
        ({"style": "DSP4", "activation_signed": True}, "conv1: activation_signed is True"),
        ({"activation_bits": 17}, r"conv1: activation_bits is 17, but must be 1\.\.16"),
        ({"activation_bits": 1, "activation_signed": True}, r"must be 2\.\.16"),
        ({"weight_bits": 9}, r"conv1: weight_bits is 9, but must be 2\.\.8"),
        ({"weight_bits": 5}, r"conv1: weights is -31\.\.31, but must be -15\.\.15"),
        ({"cascade": 11}, r"conv1: cascade is 11, but must be 1\.\.10"),
        ({"accumulator_bits": 12}, "conv1: accumulator_bits is 12"),
        ({"style": "DSP3"}, "conv1: style is DSP3, but must be one whose sums fit 9 bits"),
        ({"rom": "ultra"}, "conv1: rom is ultra"),
        ({"style": "DSP1", "activation_bits": 1}, "a product has 8 bits only"),
        ({"name": "a b"}, "a b: name is 'a b'"),
    ],
)
def test_twin_refuses(options: dict[str, Any], message: str) -> None:
    legal = replace(unit(8, 36, "signs", simd=6, pe=4, name="conv1"), accumulator_bits=None)
    with pytest.raises(ValueError, match=message):
        replace(legal, **options)


def test_narrow_weights_only_where_they_are_packed() -> None:
    weights = np.full((2, 2), -8)
    with pytest.raises(ValueError, match=r"must be -7\.\.7 for style DSP2"):
        MatrixVector(weights, simd=2, pe=2, style="DSP2", weight_bits=4)
    MatrixVector(weights, simd=2, pe=2, style="DSP1", weight_bits=4)
    MatrixVector(weights, simd=2, pe=2, style="LUT", weight_bits=4)


def test_chain_may_be_longer_where_the_weights_are_small() -> None:
    full = np.full((3, 12), 7)
    small = np.ones((3, 12), dtype=int)
    assert MatrixVector(full, 12, 3, "DSP3", 4, weight_bits=4).fields == Fields(3, 10, 4)
    with pytest.raises(ValueError, match="chain is 6"):
        MatrixVector(full, 12, 3, "DSP3", 4, weight_bits=4, chain=6)
    assert MatrixVector(small, 12, 3, "DSP3", 4, weight_bits=4, chain=12).chains == 1


@pytest.mark.parametrize(
    ("pack_count", "pixels", "bits", "field"),
    [(2, 1, 6, 19), (2, 1, 5, 20), (3, 1, 4, 10), (2, 2, 4, 10)],
)
def test_sign_extended_fields_are_the_packed_weights(
    pack_count: int, pixels: int, bits: int, field: int
) -> None:
    """Every combination of narrow weights, exactly."""
    highest = (1 << (bits - 1)) - 1
    values = np.arange(-highest, highest + 1)
    grid = np.stack(np.meshgrid(*[values] * pack_count), axis=-1).reshape(-1, pack_count)
    assert Fields.widest(pack_count, bits, bits, pixels) == field
    field *= pixels  # two pixels lie between one weight and the next
    stored = less_borrow(grid, pack_count)
    assert (stored >= -highest - 1).all()
    wired = stored[:, -1] << (field * (pack_count - 1))
    for f in range(pack_count - 1):
        wired |= (stored[:, f] & ((1 << field) - 1)) << (field * f)
    assert (wired == (grid << (field * np.arange(pack_count))).sum(axis=1)).all()
    assert np.abs(wired).max() < 1 << 24
