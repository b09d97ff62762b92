"""What comes after the logits and is the host's work, or changes no class and no probability."""

from __future__ import annotations

import onnx
from onnx import NodeProto

from host_build.compiler.edit import drop, forget, stored
from host_build.compiler.model import ModelWrapper

_LEFT_OUT = {
    "ArgMax": "the board gives the logits, and the host the largest",
    "TopK": "the board gives the logits, and the host the largest",
    "Softmax": "the board gives the logits, and the host their probabilities",
    "LogSoftmax": "the board gives the logits, and the host their probabilities",
    "Sigmoid": "the board gives the logits, and the largest stays the largest",
}


def leave_out(model: ModelWrapper) -> list[str]:
    """Remove what only says which logit is the largest, or its share; notes that say so."""
    notes: list[str] = []
    while True:
        producers = {id(p): p for o in model.graph.output if (p := model.find_producer(o.name))}
        last: NodeProto | None = next(iter(producers.values()), None)
        if len(producers) != 1 or last is None or model.find_producer(last.input[0]) is None:
            return notes
        if last.op_type == "Identity":
            drop(model, last)
            continue
        if last.op_type not in _LEFT_OUT:
            return notes
        notes.append(
            f"{last.op_type} {last.name!r} at the end is left out: {_LEFT_OUT[last.op_type]}"
        )
        del model.graph.output[1:]
        logits = onnx.ValueInfoProto(name=last.input[0])
        logits.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        for known in list(model.graph.value_info):
            if known.name == logits.name:
                logits.CopyFrom(known)
        model.graph.output[0].CopyFrom(logits)
        forget(model.graph, logits.name)
        model.graph.node.remove(last)


def leave_out_offsets(model: ModelWrapper) -> list[str]:
    """Remove what adds one number to all logits, as Brevitas' TensorNorm does; notes that say so.

    In steps of the logits it would have to be rounded.
    """
    notes: list[str] = []
    node = model.find_producer(model.graph.output[0].name)
    while node is not None and node.op_type in ("Add", "Sub", "Mul", "Div"):
        number = stored(model, node, 1)
        if number is None or number.size != 1 or number.ndim > 2:
            return notes
        before = model.find_producer(node.input[0])
        if node.op_type in ("Add", "Sub"):
            notes.append(
                f"{node.op_type} {node.name!r} at the end is left out: it adds the same to all "
                "logits, which changes no class and no probability"
            )
            drop(model, node)
        node = before
    return notes
