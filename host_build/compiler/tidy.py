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
from qonnx.transformation.general import RemoveStaticGraphInputs
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.make_input_chanlast import MakeInputChannelsLast
from qonnx.util.cleanup import cleanup_model

from host_build.compiler import rounding
from host_build.compiler.model import CompileError, ModelWrapper, apply
from host_build.networks.variants import CLASSES
from host_build.training.resnet import MEAN, STD

# FINN's RemoveStaticGraphInputs and TopK-era transformations want at least this ONNX version.
_OPSET = 11
_OUTPUT = (1, CLASSES)


def tidy(given: ModelWrapper, *, normalise: bool = False) -> ModelWrapper:
    """Return `given` in one form; with `normalise`, CIFAR-10's normalisation is before its input.

    The result takes pixels 0..255 (1, 32, 32, 3) and gives float logits (1, 10).
    """
    model = apply(given, RemoveStaticGraphInputs())
    for opset in model.model.opset_import:
        if opset.domain in ("", "ai.onnx"):
            opset.version = max(opset.version, _OPSET)
    _drop_idle_pads(model)
    model = apply(model, InferShapes())
    _pool_globally(model)
    _spell_out_windows(model)
    # Old exporters compute the shape before the last layer; only folding those constants says it.
    model = cleanup_model(model)
    found = tuple(model.get_tensor_shape(model.graph.output[0].name) or ())
    if found != _OUTPUT:
        raise CompileError(f"the model gives shape {found}, but must be {_OUTPUT}")
    if normalise:
        _prepend_normalisation(model)
    model.set_tensor_datatype(model.graph.input[0].name, DataType["UINT8"])
    roundings = rounding.of_activations(model)
    model = apply(model, ConvertQONNXtoFINN())
    rounding.make_exact(model, roundings)
    model = apply(
        model, MakeInputChannelsLast(), InferShapes(), InferDataTypes(), InferDataLayouts()
    )
    return step_resnet_tidy(model, None)


def _drop_idle_pads(model: ModelWrapper) -> None:
    """Remove Pad nodes that pad nothing, which old exporters leave before a pool."""
    for node in model.get_nodes_by_op_type("Pad"):
        pads = next((list(a.ints) for a in node.attribute if a.name == "pads"), None)
        if pads is None or any(pads):
            raise CompileError(f"node {node.name!r} is a Pad that pads; use the convolution's own")
        for consumer in model.find_consumers(node.output[0]):
            for index, name in enumerate(consumer.input):
                if name == node.output[0]:
                    consumer.input[index] = node.input[0]
        model.graph.node.remove(node)


def _pool_globally(model: ModelWrapper) -> None:
    """Turn an average pool over the whole image into a GlobalAveragePool."""
    for node in model.get_nodes_by_op_type("AveragePool"):
        kernel = next(list(a.ints) for a in node.attribute if a.name == "kernel_shape")
        shape = model.get_tensor_shape(node.input[0])
        padded = any(any(a.ints) for a in node.attribute if a.name == "pads")
        if list(shape[2:]) != kernel or padded:
            how = "with padding" if padded else "not the whole"
            raise CompileError(f"node {node.name!r} pools {kernel} of {shape[2:]}, {how}")
        node.op_type = "GlobalAveragePool"
        del node.attribute[:]


def _spell_out_windows(model: ModelWrapper) -> None:
    """Write down what ONNX lets a convolution leave out; qonnx reads it without asking."""
    for node in model.get_nodes_by_op_type("Conv"):
        written = {attribute.name for attribute in node.attribute}
        default = {
            "kernel_shape": model.get_tensor_shape(node.input[1])[2:],
            "strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1], "group": 1,
        }  # fmt: skip
        for name, value in default.items():
            if name not in written:
                node.attribute.append(helper.make_attribute(name, value))


def _prepend_normalisation(model: ModelWrapper) -> None:
    """Make the input pixels 0..255: y = x / (255 std) - mean / std, per channel."""
    source = model.graph.input[0]
    name, shape = source.name, model.get_tensor_shape(source.name)
    consumers = model.find_consumers(name)
    std = np.asarray(STD, np.float32).reshape(1, -1, 1, 1)
    mean = np.asarray(MEAN, np.float32).reshape(1, -1, 1, 1)
    scaled, normalised = f"{name}_scaled", f"{name}_normalised"
    for tensor in (scaled, normalised):
        model.graph.value_info.append(
            helper.make_tensor_value_info(tensor, TensorProto.FLOAT, shape)
        )
    model.set_initializer(f"{name}_scale", 1 / (255 * std))
    model.set_initializer(f"{name}_bias", -mean / std)
    for consumer in consumers:
        for index, read in enumerate(consumer.input):
            if read == name:
                consumer.input[index] = normalised
    model.graph.node.insert(0, helper.make_node("Mul", [name, f"{name}_scale"], [scaled]))
    model.graph.node.insert(1, helper.make_node("Add", [scaled, f"{name}_bias"], [normalised]))
