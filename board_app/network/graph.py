"""The integer dataflow graph: what the circuit computes, node by node, in one .npz file.

A graph is a tuple of nodes in topological order. Tensors are images (height, width, channels) of
integers; the first input is called "pixels", the last node gives the logits. Every number in
it is an integer, so every implementation must agree with every other bit for bit.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from board_app.errors import GraphError
from board_app.network.nodes import (
    Add,
    Convolution,
    DataType,
    Node,
    Pool,
    Threshold,
    Windowed,
    output_shape,
)
from board_app.system.files import read_arrays

FORMAT = 1
INPUT = "pixels"


_KINDS = {kind.__name__: kind for kind in (Threshold, Convolution, Add, Pool, *Windowed)}
_ARRAYS = {"thresholds": np.int32, "weights": np.int8}


@dataclass(frozen=True)
class Graph:
    """The nodes in topological order, from uint8 "pixels" of `input_shape` to the logits."""

    nodes: tuple[Node, ...]
    input_shape: tuple[int, int, int]
    input_dtype: DataType

    def __post_init__(self) -> None:
        shapes = {INPUT: self.input_shape}
        for node in self.nodes:
            for name in node.inputs:
                if name not in shapes:
                    raise GraphError(f"{node.name} reads {name!r}, which no node before it gives")
            expected = output_shape(node, [shapes[name] for name in node.inputs])
            if expected != node.shape:
                raise GraphError(f"{node.name} says shape {node.shape}, its inputs give {expected}")
            if node.name in shapes:
                raise GraphError(f"two nodes are called {node.name!r}")
            shapes[node.name] = node.shape
        if not self.nodes:
            raise GraphError("the graph has no nodes")

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read tensor `name`, one entry for each time it is read."""
        return tuple(node for node in self.nodes for read in node.inputs if read == name)

    def dump(self) -> bytes:
        """The graph as .npz bytes: the same graph gives the same bytes."""
        arrays: dict[str, Any] = {}
        nodes = []
        for node in self.nodes:
            row: dict[str, Any] = {"kind": type(node).__name__}
            for field in fields(node):
                value = getattr(node, field.name)
                if field.name in _ARRAYS:
                    arrays[f"{node.name}.{field.name}"] = value.astype(_ARRAYS[field.name])
                else:
                    row[field.name] = _type_row(value) if field.name == "dtype" else value
            nodes.append(row)
        header = {
            "format": FORMAT,
            "input_shape": self.input_shape,
            "input_dtype": _type_row(self.input_dtype),
            "nodes": nodes,
        }
        arrays["graph"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        return content.getvalue()


def load(path: Path) -> Graph:
    """Read and check a graph file; GraphError says what is wrong with it."""
    try:
        arrays = read_arrays(path)
        header = json.loads(arrays.pop("graph").tobytes().decode())
        if header["format"] != FORMAT:
            raise GraphError(
                f"{path} has graph format {header['format']}, this program reads {FORMAT}"
            )
        nodes = tuple(_node(row, arrays) for row in header["nodes"])
        return Graph(nodes, tuple(header["input_shape"]), DataType(**header["input_dtype"]))
    except FileNotFoundError:
        raise GraphError(f"there is no graph {path}") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise GraphError(f"{path} is no readable graph: {error!r}") from error


def _node(row: dict[str, Any], arrays: dict[str, np.ndarray]) -> Node:
    kind = _KINDS[row.pop("kind")]
    row = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    row["dtype"] = DataType(**row["dtype"])
    for field in fields(kind):
        if field.name in _ARRAYS:
            row[field.name] = arrays[f"{row['name']}.{field.name}"]
    return kind(**row)


def _type_row(dtype: DataType) -> dict[str, Any]:
    return {"bits": dtype.bits, "signed": dtype.signed}
