"""Stage 3: FINN's hardware layers, integers from pixels to logits."""

from __future__ import annotations

import numpy as np
from finn.transformation.fpgadataflow.convert_to_hw.conv_inp_gen import InferConvInpGen
from finn.transformation.fpgadataflow.convert_to_hw.duplicate_streams import (
    InferDuplicateStreamsLayer,
)
from finn.transformation.fpgadataflow.convert_to_hw.elementwise_binary_operation import (
    InferElementwiseBinaryOperation,
)
from finn.transformation.fpgadataflow.convert_to_hw.quantized_matrix_vector_activation import (
    InferQuantizedMatrixVectorActivation,
)
from finn.transformation.fpgadataflow.convert_to_hw.thresholding import InferThresholdingLayer
from finn.transformation.fpgadataflow.convert_to_hw.vector_vector_activation import (
    InferVectorVectorActivation,
)
from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
from onnx import NodeProto
from qonnx.core.datatype import DataType
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from host_build.compiler.edit import behind
from host_build.compiler.head_bias import reach
from host_build.compiler.model import CompileError, ModelWrapper, apply
from host_build.compiler.streamline import logit_scale

_LARGEST_WEIGHT = 127


def dataflow(model: ModelWrapper) -> ModelWrapper:
    """Make hardware layers of the streamlined `model` without its logits' scale."""
    return apply(
        model, InferShapes(), InferDataTypes(),
        InferThresholdingLayer(), InferVectorVectorActivation(),
        InferQuantizedMatrixVectorActivation(), InferConvInpGen(),
        InferElementwiseBinaryOperation(), InferDuplicateStreamsLayer(),
        MinimizeWeightBitWidth(), MinimizeAccumulatorWidth(),
        InferDataTypes(), GiveUniqueNodeNames(), GiveReadableTensorNames(),
        InferShapes(), InferDataTypes(), InferDataLayouts(),
    )  # fmt: skip


def take_logit_scale(model: ModelWrapper) -> tuple[float, np.ndarray]:
    """Remove the last Mul: argmax does not need it, and the host applies it to show logits.

    A bias behind it becomes one of integers. Returns the scale, and (1 or classes,) float64: what
    the logits have more than the network's own, since their bias is rounded to their steps.
    """
    last, *bias = logit_scale(model)
    scale = model.get_initializer(last.input[1])
    if scale.size != 1 or scale.item() <= 0:
        raise CompileError("dataflow: the logits have no single positive scale")
    producer = model.find_producer(last.input[0])
    model.graph.node.remove(last)
    producer.output[0] = bias[0].input[0] if bias else model.graph.output[0].name
    return _in_steps(model, bias[0], scale.item()) if bias else (scale.item(), np.zeros(1))


def _in_steps(model: ModelWrapper, bias: NodeProto, scale: float) -> tuple[float, np.ndarray]:
    """Round the bias to steps of the logits, as fine as weights and kernels allow.

    Returns the scale of those steps, and the rounding of each class.
    """
    head = behind(model, bias.input[0])
    weights = None if head is None else model.get_initializer(head.input[1])
    if head is None or head.op_type != "MatMul" or weights is None:
        raise CompileError(f"dataflow: the bias {bias.name!r} is not that of a matrix product")
    # One for all classes, or one for each.
    terms = np.broadcast_to(model.get_initializer(bias.input[1]), (1, weights.shape[1]))
    steps = terms.astype(np.float64) / scale
    finer = _LARGEST_WEIGHT // int(np.abs(weights).max())
    windows = model.find_producer(head.input[0])
    pixels = head.input[0] if windows is None or windows.op_type != "Im2Col" else windows.input[0]
    most = reach(model.get_tensor_shape(pixels)[-1])
    while finer > 1 and np.abs(steps).max() * finer > most:
        finer -= 1
    model.set_initializer(head.input[1], weights * finer)
    model.set_tensor_datatype(head.input[1], DataType["INT8"])
    rounded = np.round(steps * finer).astype(np.float32).reshape(1, -1)
    model.set_initializer(bias.input[1], rounded)
    model.set_tensor_datatype(bias.input[1], DataType["INT32"])
    for tensor in (bias.input[0], bias.output[0]):
        model.set_tensor_datatype(tensor, DataType["INT32"])
    return scale / finer, (np.round(steps * finer) / finer - steps).reshape(-1) * scale
