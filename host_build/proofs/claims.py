"""What is proved: the benches, and the parameters of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from host_build.kernels import base

BENCHES = Path(__file__).with_name("benches")


@dataclass(frozen=True)
class Bench:
    """`NAME_proof.sv`, which holds for each of `cases`: the bench's parameters that are set.

    `mutated` are the kernels' modules that are its own to prove, `modules` the others it is made
    of. Every cover statement is reached within `depth` cycles.
    """

    name: str
    mutated: tuple[str, ...]
    cases: tuple[Mapping[str, int], ...]
    modules: tuple[str, ...] = ()
    refuted: tuple[Mapping[str, int], ...] = ()
    """Parameters for which it must not hold."""
    complete: bool = False
    """It says what every output is whenever one looks at it: two kernels for which it holds are
    the same to all around them."""
    depth: int = 40
    induction: int = 0
    """Cycles of plain induction, for benches that say what it needs; 0 has the invariant found."""

    @property
    def top(self) -> str:
        return f"{self.name}_proof"

    @property
    def sources(self) -> list[Path]:
        helpers = ("proof_reset", "stream_rules", self.top)
        kernels = [base.FOLDER / f"{name}.sv" for name in (*self.mutated, *self.modules)]
        return [*kernels, *(BENCHES / f"{name}.sv" for name in helpers)]


_ALL = (
    Bench("fifo", ("fifo",), (
        {"WIDTH": 2, "DEPTH": 3}, {"WIDTH": 2, "DEPTH": 4}, {"WIDTH": 2, "DEPTH": 8},
    ), complete=True),
    Bench("width_converter", ("width_converter",), (
        {"LANE": 2, "IN_LANES": 1, "OUT_LANES": 2}, {"LANE": 2, "IN_LANES": 1, "OUT_LANES": 3},
        {"LANE": 2, "IN_LANES": 1, "OUT_LANES": 4}, {"LANE": 2, "IN_LANES": 2, "OUT_LANES": 1},
        {"LANE": 2, "IN_LANES": 3, "OUT_LANES": 1}, {"LANE": 2, "IN_LANES": 4, "OUT_LANES": 1},
    ), complete=True),
    Bench("stream_fork", ("stream_fork",), (
        {"WIDTH": 2, "COPIES": 2}, {"WIDTH": 2, "COPIES": 3}, {"WIDTH": 8, "COPIES": 4},
    ), complete=True),
    Bench("add", ("add",), (
        {"LANES": 2, "A_BITS": 3, "A_SIGNED": 1, "B_BITS": 3, "B_SIGNED": 1, "OUT_BITS": 4},
        {"LANES": 1, "A_BITS": 3, "A_SIGNED": 0, "B_BITS": 2, "B_SIGNED": 0, "OUT_BITS": 4},
        {"LANES": 2, "A_BITS": 2, "A_SIGNED": 0, "B_BITS": 3, "B_SIGNED": 1, "OUT_BITS": 5},
    ), complete=True),
    Bench("vector_pair", ("vector_pair",), (
        {"LANES": 1, "BITS": 2, "BEATS": 1}, {"LANES": 2, "BITS": 2, "BEATS": 3},
        {"LANES": 2, "BITS": 1, "BEATS": 4},
    ), complete=True),
    Bench("vector_unpair", ("vector_unpair",), (
        {"WIDTH": 1, "BEATS": 1, "FIRST_DEPTH": 3, "SECOND_DEPTH": 3},
        {"WIDTH": 2, "BEATS": 2, "FIRST_DEPTH": 3, "SECOND_DEPTH": 4},
        {"WIDTH": 1, "BEATS": 3, "FIRST_DEPTH": 3, "SECOND_DEPTH": 3},
    ), modules=("fifo",)),
    Bench("subsample", ("subsample",), (
        {"HEIGHT": 1, "WIDTH": 3, "GROUPS": 1, "BITS": 2},
        {"HEIGHT": 2, "WIDTH": 4, "GROUPS": 2, "BITS": 2},
        {"HEIGHT": 3, "WIDTH": 3, "GROUPS": 2, "BITS": 2},
        {"HEIGHT": 4, "WIDTH": 5, "GROUPS": 1, "BITS": 2, "STRIDE_Y": 3, "STRIDE_X": 3},
        {"HEIGHT": 2, "WIDTH": 5, "GROUPS": 1, "BITS": 2, "STRIDE_Y": 1, "STRIDE_X": 4},
    ), complete=True),
    Bench("pool", ("pool",), (
        {"GROUPS": 1, "PIXELS": 3, "IN_BITS": 2, "IN_SIGNED": 0, "LARGEST": 0, "OUT_BITS": 4},
        {"GROUPS": 2, "PIXELS": 2, "IN_BITS": 2, "IN_SIGNED": 1, "LARGEST": 0, "OUT_BITS": 3},
        {"GROUPS": 2, "PIXELS": 3, "IN_BITS": 2, "IN_SIGNED": 1, "LARGEST": 1, "OUT_BITS": 2},
        {"GROUPS": 3, "PIXELS": 2, "IN_BITS": 2, "IN_SIGNED": 0, "LARGEST": 1, "OUT_BITS": 2},
    ), complete=True),
    Bench("frame_fit", ("frame_fit",), (
        {"WIDTH": 2, "IN_BEATS": 3, "OUT_BEATS": 2}, {"WIDTH": 2, "IN_BEATS": 5, "OUT_BEATS": 1},
        {"WIDTH": 2, "IN_BEATS": 1, "OUT_BEATS": 2}, {"WIDTH": 2, "IN_BEATS": 3, "OUT_BEATS": 4},
    ), complete=True),
    Bench("line_buffer", ("line_buffer",), (
        {"HEIGHT": 2, "WIDTH": 2, "BITS": 2, "STRIDE": 1},
        {"HEIGHT": 3, "WIDTH": 3, "BITS": 1, "STRIDE": 1},
        {"HEIGHT": 3, "WIDTH": 3, "BITS": 1, "STRIDE": 2},
        {"HEIGHT": 4, "WIDTH": 3, "BITS": 1, "STRIDE": 2},
    )),
    Bench("row_window", ("row_window",), (
        {"WIDTH": 2, "BITS": 2, "STRIDE": 1}, {"WIDTH": 4, "BITS": 2, "STRIDE": 1},
        {"WIDTH": 5, "BITS": 1, "STRIDE": 1}, {"WIDTH": 4, "BITS": 2, "STRIDE": 2},
        {"WIDTH": 5, "BITS": 1, "STRIDE": 2},
    )),
    Bench("axi_beats", ("axi_beats",), ({"ADDRESS_BITS": 14},), complete=True),
    Bench("axi_registers", ("axi_registers", "axi_slave"), ({},), ("axi_beats",), induction=4),
    Bench("input_dma", ("input_dma", "dma_bursts"), (
        {"FRAME_BEATS": 3, "OUTSTANDING": 1}, {"FRAME_BEATS": 1, "OUTSTANDING": 2},
        {"FRAME_BEATS": 384, "OUTSTANDING": 2},
    ), ("fifo",), complete=True, induction=3),
    Bench("output_dma", ("output_dma", "dma_bursts"), (
        {"FRAME_BEATS": 3, "OUTSTANDING": 1}, {"FRAME_BEATS": 1, "OUTSTANDING": 2},
        {"FRAME_BEATS": 5, "OUTSTANDING": 2},
    ), ("fifo",), induction=3),
    Bench("skip_pair", (), (
        {"HEIGHT": 3, "WIDTH": 3, "DEPTH": 4}, {"HEIGHT": 2, "WIDTH": 4, "DEPTH": 5},
    ), modules=("stream_fork", "line_buffer", "row_window", "fifo", "add"), refuted=(
        {"HEIGHT": 3, "WIDTH": 3, "DEPTH": 3}, {"HEIGHT": 2, "WIDTH": 4, "DEPTH": 4},
    )),
)  # fmt: skip
BENCHES_BY_NAME = {bench.name: bench for bench in _ALL}
