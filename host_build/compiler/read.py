"""Before the first stage: the file as it was given, and what is refused at first sight."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto
from qonnx.transformation.fold_constants import FoldConstantsFiltered
from qonnx.transformation.infer_shapes import InferShapes

from host_build.compiler import after_logits
from host_build.compiler.edit import forget, store_constants
from host_build.compiler.foreign import foreign
from host_build.compiler.given import Given
from host_build.compiler.model import CompileError, ModelWrapper, apply
from host_build.compiler.whole import require_whole
from host_build.kernels import limits

# The device's block RAM holds 0.6 MB of weights.
_MOST_BYTES = 256 << 20
# A ResNet-110 has some 700, and QONNX's time rises with their square: a minute for 1,000.
_MOST_NODES = 1_000
_OPSETS = range(9, onnx.defs.onnx_opset_version() + 1)
_OF_CONSTANTS = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal"}
    | {"Shape", "Gather", "Slice", "Concat", "Cast", "Squeeze", "Unsqueeze"}
)


def read(path: Path) -> Given:
    """The model in `path`: its own nodes and numbers, with the shapes that ONNX infers.

    What it computes is the truth that every stage is compared with. CompileError says why the file
    cannot be read, or is no classifier of images.
    """
    proto = _load(path)
    with foreign(f"{path}"):
        store_constants(proto.graph)
        _name_nodes(proto.graph)
        if (count := len(proto.graph.node)) > _MOST_NODES:
            raise CompileError(
                f"{path} has {count:,} nodes; no network that fits the board has more than "
                f"{_MOST_NODES:,}"
            )
        source = _require_input(proto.graph, path)
        require_whole(proto.graph, path)
        for value in [value for value in proto.graph.input if value.name != source]:
            proto.graph.input.remove(value)  # it is stored
        for output in proto.graph.output:
            forget(proto.graph, output.name)
        model = ModelWrapper(proto)
        notes = [*_one_image(model, source), *after_logits.leave_out(model)]
        _require_output(model, path)
        model = apply(model, InferShapes(), FoldConstantsFiltered(_may_be_constant))
        _require_sizes(model, path)
        notes += after_logits.leave_out_offsets(model)
    return Given(model, source, tuple(notes))


def _load(path: Path) -> ModelProto:
    if not path.is_file():
        raise CompileError(f"there is no file {path}")
    _require_small(path, path.stat().st_size)
    try:
        proto = onnx.load(path, load_external_data=False)
        outside = {
            entry.value
            for tensor in _tensors(proto) if tensor.data_location == TensorProto.EXTERNAL
            for entry in tensor.external_data if entry.key == "location"
        }  # fmt: skip
        for name in sorted(outside):
            data = path.parent / name
            if not data.is_file():
                raise CompileError(
                    f"{path} keeps its numbers in {name!r}, which is not beside it; copy that file "
                    "too, or save the model with its data inside"
                )
            _require_small(path, path.stat().st_size + data.stat().st_size)
        onnx.load_external_data_for_model(proto, str(path.parent))
    except (
        DecodeError, OSError, ValueError, RuntimeError, onnx.checker.ValidationError,
    ) as error:  # fmt: skip
        raise CompileError(f"{path} is no readable ONNX model: {error}") from error
    if not proto.graph.node:
        raise CompileError(f"{path} has no nodes: it is empty or no ONNX model")
    version = next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), 0)
    if version not in _OPSETS:
        raise CompileError(
            f"{path} is of ONNX opset {version}; read are {_OPSETS.start} to {_OPSETS.stop - 1}"
        )
    return proto


def _require_small(path: Path, size: int) -> None:
    if size > _MOST_BYTES:
        raise CompileError(
            f"{path} has {size / 1e6:,.0f} MB of data; no network that fits the board has more "
            f"than {_MOST_BYTES / 1e6:,.0f}"
        )


def _tensors(proto: ModelProto) -> list[TensorProto]:
    attributes = [a for node in proto.graph.node for a in node.attribute]
    return [*proto.graph.initializer, *(a.t for a in attributes if a.HasField("t"))]


def _name_nodes(graph: GraphProto) -> None:
    """Give each node without a name, or with another's, one to be called by in messages."""
    taken: set[str] = set()
    for index, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}#{index}"
        taken.add(node.name)


def _require_input(graph: GraphProto, path: Path) -> str:
    # Older exporters list the weights among the inputs.
    stored = {tensor.name for tensor in graph.initializer}
    images = [value for value in graph.input if value.name not in stored]
    if len(images) != 1:
        names = ", ".join(repr(value.name) for value in images) or "none"
        raise CompileError(f"{path} takes {len(images)} inputs ({names}); one is read, the image")
    shape = _shape(images[0])
    sizes = [size for size in shape[1:] if isinstance(size, int)]
    if len(shape) != 4 or len(sizes) != 3 or (isinstance(shape[0], int) and shape[0] != 1):
        raise CompileError(
            f"{path} takes shape ({', '.join(map(str, shape))}), but must take one image, (1, "
            "channels, height, width); only the first number may be left open"
        )
    channels, height, width = sizes
    if (fault := limits.picture_fault(height, width, channels)) is not None:
        raise CompileError(f"{path} {fault}")
    if images[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        kind = TensorProto.DataType.Name(images[0].type.tensor_type.elem_type)
        raise CompileError(f"{path} takes numbers of type {kind}; read are those of type FLOAT")
    return str(images[0].name)


def _shape(value: onnx.ValueInfoProto) -> list[int | str]:
    """Each dimension's number, or its name where it is open."""
    dimensions = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in dimensions]


def _one_image(model: ModelWrapper, source: str) -> list[str]:
    """Fix an open number of images to one."""
    (images,) = (value for value in model.graph.input if value.name == source)
    first = images.type.tensor_type.shape.dim[0]
    if first.HasField("dim_value"):
        return []
    name = first.dim_param
    # They were inferred for any number.
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if not dimension.HasField("dim_value") and dimension.dim_param == name:
                dimension.dim_value = 1
    return [f"the number of images is open ({name or '?'}); taken is one at a time"]


def _may_be_constant(_: ModelWrapper, node: NodeProto) -> bool:
    """What exporters compute of constants: a BatchNorm taken apart, the shape of one image."""
    return node.op_type in _OF_CONSTANTS


def _require_output(model: ModelWrapper, path: Path) -> None:
    if len(model.graph.output) != 1:
        names = ", ".join(repr(output.name) for output in model.graph.output)
        raise CompileError(
            f"{path} gives {len(model.graph.output)} outputs ({names}); export it with the logits "
            "alone"
        )


def _require_sizes(model: ModelWrapper, path: Path) -> None:
    for value in (*model.graph.value_info, *model.graph.output):
        if 0 in (shape := _shape(value)):
            raise CompileError(
                f"{path}: {value.name!r} has shape ({', '.join(map(str, shape))}), no numbers"
            )
