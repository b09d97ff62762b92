"""Stage 3: FINN's hardware layers, integers from pixels to logits."""

from __future__ import annotations

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
from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from host_build.compiler.model import CompileError, ModelWrapper, apply


def dataflow(model: ModelWrapper) -> tuple[ModelWrapper, float]:
    """Return the model of hardware layers and the scale that turns its logits into floats."""
    scale = _take_output_scale(model)
    model = apply(
        model, InferShapes(), InferDataTypes(),
        InferThresholdingLayer(), InferQuantizedMatrixVectorActivation(), InferConvInpGen(),
        InferElementwiseBinaryOperation(), InferDuplicateStreamsLayer(),
        MinimizeWeightBitWidth(), MinimizeAccumulatorWidth(),
        InferDataTypes(), GiveUniqueNodeNames(), GiveReadableTensorNames(),
        InferShapes(), InferDataTypes(), InferDataLayouts(),
    )  # fmt: skip
    return model, scale


def _take_output_scale(model: ModelWrapper) -> float:
    """Remove the last Mul: argmax does not need it, and the host applies it to show logits."""
    last = model.graph.node[-1]
    scale = model.get_initializer(last.input[1])
    if scale.size != 1 or float(scale) <= 0:
        raise CompileError("dataflow: the logits have no single positive scale")
    producer = model.find_producer(last.input[0])
    model.graph.node.remove(last)
    producer.output[0] = model.graph.output[0].name
    return float(scale)
