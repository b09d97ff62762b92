"""Thresholds that round as the model's Quant nodes do, ties too.

FINN's conversion rounds every half up, whatever a node asks for. A Quant node rounds to the nearest
even, down, up or toward zero; so each threshold is found by asking the node's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto
from qonnx.core.datatype import DataType
from qonnx.custom_op.general.quant import max_int, min_int, quant, resolve_rounding_mode
from qonnx.custom_op.registry import getCustomOp

from host_build.compiler.bipolar import SIGN
from host_build.compiler.edit import store
from host_build.compiler.model import CompileError, ModelWrapper

# FINN makes thresholds of up to this many bits.
_MOST_BITS = 8
# Nearer to zero than this part of a step, a threshold would vanish beside the bias it moves past.
_LEAST_STEP = 2.0**-24
# A scale of so few binary digits was chosen, not learned: one of 4,096 learned ones has as few.
_SHORT = 12
_TO_NEAREST = frozenset({"ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN"})


@dataclass(frozen=True)
class Rounding:
    """How one Quant node rounds: levels are round(x / scale), `scale` a row for each channel.

    With a `zero` point they are round(x / scale + zero) - zero, so that 0 stays the level of 0.
    """

    node: str
    scale: np.ndarray
    bits: int
    signed: bool
    narrow: bool
    mode: str
    zero: int = 0

    @property
    def is_finns(self) -> bool:
        """Whether FINN's thresholds, each half a step below its level, already say the same.

        They do up to float32's own rounding where values meet no ties: where the scale is a learned
        one, not a short number such as a power of two.
        """
        mantissa = np.frexp(self.scale.astype(np.float64))[0] * 2**_SHORT
        usual = self.mode.upper() in _TO_NEAREST and not self.zero
        return usual and bool((mantissa % 1 != 0).all())

    def levels(self, x: np.ndarray) -> np.ndarray:
        """The integers for `x` (channels, n) float32, by QONNX's own rule."""
        if self.mode == SIGN:
            return np.where(x >= 0, 1, -1)
        bits, zero, one = np.float32(self.bits), np.float32(self.zero), np.float32(1)
        scaled = (x / self.scale).astype(np.float32)
        return np.asarray(quant(scaled, one, zero, bits, self.signed, self.narrow, self.mode))

    def thresholds(self) -> np.ndarray:
        """The least x of each level but the first: (channels, levels - 1) float64."""
        least = int(min_int(self.signed, self.narrow, self.bits))
        most = int(max_int(self.signed, self.narrow, self.bits))
        wanted = np.arange(least + 1, most + 1) - self.zero
        # Levels rise with x, and float32 in order are int32 in order: bisect over all of them.
        edge = np.abs(self.scale) * np.float32(2 ** (self.bits + 1))
        low = np.broadcast_to(_ordinal(-edge), (len(edge), len(wanted))).astype(np.int64)
        high = np.broadcast_to(_ordinal(edge), low.shape).astype(np.int64)
        while (high - low > 1).any():
            middle = (low + high) // 2
            reached = self.levels(_float(middle)) >= wanted
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        found = _float(high).astype(np.float64)
        tiny = _LEAST_STEP * self.scale.astype(np.float64)
        found = np.where((found > 0) & (found < tiny), tiny, found)
        return np.where((found < 0) & (found > -tiny), 0.0, found)


def require_known(model: ModelWrapper) -> None:
    """CompileError names the first Quant node whose rounding nobody here can execute."""
    for node in model.get_nodes_by_op_type("Quant"):
        mode = getCustomOp(node).get_nodeattr("rounding_mode")
        try:
            if mode != SIGN:
                resolve_rounding_mode(mode)
        except ValueError:
            raise CompileError(
                f"node {node.name!r} rounds by {mode!r}, which QONNX does not define; it knows "
                "ROUND, HALF_EVEN, HALF_UP, HALF_DOWN, FLOOR, CEIL, UP and DOWN (toward zero)"
            ) from None


def of_activations(model: ModelWrapper) -> dict[str, Rounding]:
    """The rounding of each Quant node that quantises no constant, by the tensor it gives."""
    return {
        node.output[0]: _rounding(model, node)
        for node in model.get_nodes_by_op_type("Quant")
        if model.get_initializer(node.input[0]) is None
    }


def make_exact(model: ModelWrapper, roundings: dict[str, Rounding]) -> None:
    """Give each MultiThreshold that FINN made of a Quant node and would round otherwise its own."""
    for tensor, rounding in roundings.items():
        if rounding.is_finns:
            continue
        node = model.find_producer(tensor)
        while node is not None and node.op_type in ("Add", "Mul"):
            node = model.find_producer(node.input[0])
        if node is None or node.op_type != "MultiThreshold":
            raise CompileError(f"tidy: node {rounding.node!r} did not become thresholds")
        thresholds = rounding.thresholds()
        made = model.get_initializer(node.input[1])
        if made.shape != thresholds.shape:
            raise CompileError(
                f"tidy: node {rounding.node!r} became {made.shape[1]} thresholds, not "
                f"{thresholds.shape[1]}"
            )
        model.set_initializer(node.input[1], thresholds)
        if rounding.zero:
            _lower_by(node, rounding.zero, thresholds.shape[1])


def take_what_finn_lacks(model: ModelWrapper) -> None:
    """Let no quantiser of activations have a zero point or give signs: `make_exact` knows them."""
    for node in model.get_nodes_by_op_type("Quant"):
        if model.get_initializer(node.input[0]) is None:
            zero = model.get_initializer(node.input[2])
            node.input[2] = store(model, node.input[2], np.zeros_like(zero))
            if getCustomOp(node).get_nodeattr("rounding_mode") == SIGN:
                getCustomOp(node).set_nodeattr("rounding_mode", "ROUND")


def _lower_by(node: NodeProto, zero: int, steps: int) -> None:
    """Let the MultiThreshold count from -zero on."""
    operation = getCustomOp(node)
    least = int(operation.get_nodeattr("out_bias")) - zero
    kind = DataType.get_smallest_possible(min(least, -(least + steps) - 1))
    operation.set_nodeattr("out_bias", float(least))
    operation.set_nodeattr("out_dtype", kind.name)


def _rounding(model: ModelWrapper, node: NodeProto) -> Rounding:
    scale, zero, bits = (model.get_initializer(name) for name in node.input[1:4])
    if scale is None or zero is None or bits is None:
        raise CompileError(f"node {node.name!r} computes its scale, zero point or bits")
    if (scale <= 0).any():
        raise CompileError(f"node {node.name!r} has a scale that is not above 0")
    if bits.size != 1 or bits % 1 or not 1 < int(bits.item()) <= _MOST_BITS:
        raise CompileError(
            f"node {node.name!r} gives activations of {bits.tolist()} bits; 2 to {_MOST_BITS} "
            "have a kernel"
        )
    attribute = getCustomOp(node).get_nodeattr
    signed, narrow, width = bool(attribute("signed")), bool(attribute("narrow")), int(bits.item())
    levels = (int(min_int(signed, narrow, width)), int(max_int(signed, narrow, width)))
    return Rounding(
        node.name, scale.astype(np.float32).reshape(-1, 1), width, signed, narrow,
        attribute("rounding_mode"), _zero_point(model, node, zero, levels),
    )  # fmt: skip


def _zero_point(
    model: ModelWrapper, node: NodeProto, zero: np.ndarray, levels: tuple[int, int]
) -> int:
    least, most = levels
    if zero.size != 1 or zero.item() % 1 or not least <= zero.item() <= most:
        raise CompileError(
            f"node {node.name!r} has the zero point {zero.reshape(-1)[:3].tolist()}; one that is "
            f"among its levels, {least} to {most}, has a kernel"
        )
    before = model.find_producer(node.input[0])
    if zero.item() and before is not None and before.op_type == "Relu":
        raise CompileError(
            f"node {node.name!r} has a zero point behind a Relu; quantise it from 0 on, as no "
            "number is below"
        )
    return int(zero.item())


def _ordinal(x: np.ndarray) -> np.ndarray:
    """The place of each float32 among all of them, in order: int64."""
    bits = x.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _float(ordinal: np.ndarray) -> np.ndarray:
    """The float32 at each place."""
    magnitude = np.abs(ordinal).astype(np.int32).view(np.float32)
    return np.where(ordinal < 0, -magnitude, magnitude).astype(np.float32)
