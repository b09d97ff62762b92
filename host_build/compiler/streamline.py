"""Stage 2: move every float scale and bias into thresholds; one scale is left, at the output."""

from __future__ import annotations

from finn.builder.custom_step_library.resnet import step_resnet_streamline
from finn.transformation.fpgadataflow.convert_to_hw.global_acc_pool import InferGlobalAccPoolLayer
from finn.transformation.streamline.absorb import (
    AbsorbConsecutiveTransposes,
    AbsorbMulIntoMultiThreshold,
)
from finn.transformation.streamline.collapse_repeated import CollapseRepeatedMul
from finn.transformation.streamline.reorder import (
    MoveScalarLinearPastInvariants,
    MoveScalarMulPastMatMul,
)
from onnx import NodeProto
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from host_build.compiler.model import CompileError, ModelWrapper, apply


def streamline(model: ModelWrapper) -> ModelWrapper:
    """Return the model with integer tensors up to a last Mul by the scale of the logits."""
    model = step_resnet_streamline(model, None)
    # The pool's 1/(height*width) is a scale too: a sum in hardware, the factor past the head.
    model = apply(
        model, InferDataLayouts(), InferGlobalAccPoolLayer(), AbsorbConsecutiveTransposes(),
        InferShapes(), InferDataTypes(), MoveScalarLinearPastInvariants(),
        AbsorbMulIntoMultiThreshold(), MoveScalarMulPastMatMul(), CollapseRepeatedMul(),
        InferShapes(), InferDataTypes(), InferDataLayouts(),
    )  # fmt: skip
    floats = logit_scale(model)
    for node in model.graph.node[: -len(floats)]:
        for tensor in node.output:
            if not model.get_tensor_datatype(tensor).is_integer():
                raise CompileError(
                    f"streamline: node {node.name!r} ({node.op_type}) still gives floats; "
                    "its scale could not be absorbed into a threshold"
                )
    return model


def logit_scale(model: ModelWrapper) -> list[NodeProto]:
    """The last nodes: the Mul by the logits' scale, and the Add of their bias if they have one."""
    last = list(model.graph.node[-2:])
    found = [n for n in last if len(n.input) > 1 and model.get_initializer(n.input[1]) is not None]
    kinds = [node.op_type for node in found]
    if kinds[-2:] == ["Mul", "Add"] and found == last:
        return found
    if kinds[-1:] == ["Mul"] and found[-1] is last[-1]:
        return found[-1:]
    raise CompileError(
        f"streamline: the model ends in {last[-1].op_type} {last[-1].name!r}, not in one scale of "
        "the logits"
    )
