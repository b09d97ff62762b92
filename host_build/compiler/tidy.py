"""Stage 1: bring a quantised model of any dialect into one form with a uint8 input.

Accepts QONNX as Brevitas exports it, and the older dialect of FINN 0.x (opset 9, MultiThreshold
nodes in finn.custom_op.general, weights listed among the inputs, an AveragePool as head).
"""

from __future__ import annotations

import numpy as np
from finn.builder.custom_step_library.resnet import step_resnet_tidy
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.make_input_chanlast import MakeInputChannelsLast
from qonnx.util.cleanup import cleanup_model

from host_build.compiler import clip, rounding
from host_build.compiler.model import CompileError, ModelWrapper, apply
from host_build.compiler.pixels import PixelRange
from host_build.compiler.refusals import output_fault


def tidy(adapted: ModelWrapper, pixels: PixelRange | None = None) -> ModelWrapper:
    """Return `adapted` in one form; with `pixels`, what makes that range of 0..255 comes first.

    The result takes pixels 0..255 (1, height, width, channels), gives float logits (1, classes).
    """
    # Old exporters compute the shape before the last layer; only folding those constants says it.
    model = cleanup_model(apply(adapted, InferShapes()))
    found = tuple(model.get_tensor_shape(model.graph.output[0].name) or ())
    if len(found) != 2 or (fault := output_fault(found)) is not None:
        raise CompileError(fault or f"the model gives shape {found}, but must be (1, classes)")
    if pixels is not None:
        _prepend(model, *pixels.affine())
    model.set_tensor_datatype(model.graph.input[0].name, DataType["UINT8"])
    roundings = rounding.of_activations(model)
    rounding.take_what_finn_lacks(model)
    model = apply(model, ConvertQONNXtoFINN())
    rounding.make_exact(model, roundings)
    clip.fold(model)
    model = apply(
        model, MakeInputChannelsLast(), InferShapes(), InferDataTypes(), InferDataLayouts()
    )
    return step_resnet_tidy(model, None)


def _prepend(model: ModelWrapper, factor: np.ndarray, term: np.ndarray) -> None:
    """Make the input pixels 0..255, times `factor`, plus `term`."""
    source = model.graph.input[0]
    name, shape = source.name, model.get_tensor_shape(source.name)
    consumers = model.find_consumers(name)
    scaled, normalised = f"{name}_scaled", f"{name}_normalised"
    for tensor in (scaled, normalised):
        model.graph.value_info.append(
            helper.make_tensor_value_info(tensor, TensorProto.FLOAT, shape)
        )
    model.set_initializer(f"{name}_scale", factor)
    model.set_initializer(f"{name}_bias", term)
    for consumer in consumers:
        for index, read in enumerate(consumer.input):
            if read == name:
                consumer.input[index] = normalised
    model.graph.node.insert(0, helper.make_node("Mul", [name, f"{name}_scale"], [scaled]))
    model.graph.node.insert(1, helper.make_node("Add", [scaled, f"{name}_bias"], [normalised]))
