"""Graphs survive their file; inconsistent and damaged ones are refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from board_app.errors import GraphError
from board_app.network.graph import INPUT, Graph, load
from board_app.network.nodes import Add, Convolution, DataType, Pool, Threshold
from board_app.system.files import read_arrays

from ..networks import Builder, residual

BYTE = DataType(8, False)
SHAPE = (4, 4, 3)


def threshold(name: str, source: str = INPUT, rows: int = 1) -> Threshold:
    return Threshold(name, (source,), SHAPE, BYTE, np.zeros((rows, 3), np.int32), 0)


def windowed() -> Graph:
    """Each kind of node that reads windows of each channel by itself."""
    build = Builder(np.random.default_rng(1), SHAPE)
    largest = build.max_pool(INPUT, (2, 2), (1, 1), (0, 0, 1, 1))
    build.sum_pool(build.depthwise(largest, (3, 1), (1, 1), (1, 0, 1, 0)), (2, 2), (2, 2), (0,) * 4)
    return build.graph()


@pytest.mark.parametrize("graph", [residual(7), windowed()], ids=["residual", "windowed"])
def test_round_trip(tmp_path: Path, graph: Graph) -> None:
    path = tmp_path / "graph.npz"
    path.write_bytes(graph.dump())
    found = load(path)
    assert (found.input_shape, found.input_dtype) == (graph.input_shape, graph.input_dtype)
    assert len(found.nodes) == len(graph.nodes)
    for index, node in enumerate(found.nodes):
        other = graph.nodes[index]
        assert type(node) is type(other)
        for field in fields(node):
            np.testing.assert_array_equal(getattr(node, field.name), getattr(other, field.name))
    assert found.dump() == graph.dump()


def test_equal_graphs_give_equal_bytes() -> None:
    assert residual(3).dump() == residual(3).dump()
    assert residual(3).dump() != residual(4).dump()


def test_consumers_and_output() -> None:
    graph = residual(1)
    fork = graph.nodes[1].name
    assert [node.name for node in graph.consumers(fork)] == ["node2", "node4"]
    assert graph.output is graph.nodes[-1]
    twice = Graph((threshold("a"), Add("b", ("a", "a"), SHAPE, BYTE)), SHAPE, BYTE)
    assert len(twice.consumers("a")) == 2


@pytest.mark.parametrize(
    "bits, signed, minimum, maximum, text",
    [(1, False, 0, 1, "uint1"), (6, True, -32, 31, "int6"), (8, False, 0, 255, "uint8")],
)
def test_data_type(bits: int, signed: bool, minimum: int, maximum: int, text: str) -> None:
    kind = DataType(bits, signed)
    assert (kind.minimum, kind.maximum, str(kind)) == (minimum, maximum, text)


def convolution(**changes: Any) -> Any:
    return replace(residual(1, SHAPE).nodes[0], **changes)


@pytest.mark.parametrize(
    "nodes, message",
    [
        ((), "no nodes"),
        ((threshold("a", "b"),), "a reads 'b', which no node before it gives"),
        ((threshold("a"), threshold("a")), "two nodes are called 'a'"),
        ((threshold(INPUT),), "two nodes are called 'pixels'"),
        ((threshold("a", rows=2),), "a has 2 rows for 3 channels"),
        (
            (Pool("p", (INPUT,), (1, 1, 4), BYTE),),
            r"p says shape \(1, 1, 4\), its inputs give \(1, 1, 3\)",
        ),
        ((Pool("p", (INPUT, INPUT), (1, 1, 3), BYTE),), "p reads 2 tensors, its kind reads 1"),
        ((Add("s", (INPUT,), SHAPE, BYTE),), "s reads 1 tensors, its kind reads 2"),
        (
            (Pool("p", (INPUT,), (1, 1, 3), BYTE), Add("s", (INPUT, "p"), SHAPE, BYTE)),
            r"s adds shapes \(4, 4, 3\) and \(1, 1, 3\)",
        ),
        (
            (convolution(weights=np.zeros((4, 3, 3, 5), np.int8)),),
            "node0 has weights for 5 channels, not 3",
        ),
        ((convolution(stride=1),), "node0 says shape"),
        ((replace(windowed().nodes[0], padding=(0,) * 4),), "node0 says shape"),
        (
            (replace(windowed().nodes[1], inputs=(INPUT,), kernel=(3, 3)),),
            r"node1 has weights \(3, 3, 1\) for 3 channels, \(3, 3\)",
        ),
    ],
)
def test_inconsistent_graphs(nodes: Any, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        Graph(nodes, SHAPE, BYTE)


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the header of a graph file."""
    arrays = read_arrays(path)
    header = json.loads(arrays["graph"].tobytes().decode())
    change(header)
    arrays["graph"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda h: h.update(format=2), "has graph format 2, this program reads 1"),
        (lambda h: h.pop("nodes"), "nodes"),
        (lambda h: h["nodes"][0].update(kind="Softmax"), "Softmax"),
        (lambda h: h["nodes"][0].update(name="other"), "other.weights"),
        (lambda h: h["nodes"][0].update(colour="red"), "colour"),
        (lambda h: h["nodes"][0].pop("stride"), "stride"),
        (lambda h: h["nodes"][0].update(stride=0), "node0 has stride 0"),
        (lambda h: h["nodes"][0].update(stride=[1, 2, 1]), "node0 has stride"),
        (lambda h: h["nodes"][0].update(padding=[1, 1]), "node0 has padding"),
        (lambda h: h["nodes"][0].update(padding=[1, 1, -1, 1]), "node0 has padding"),
        (lambda h: h["nodes"][0].update(padding="wide"), "no readable graph"),
        (lambda h: h["nodes"].clear(), "no nodes"),
        (lambda h: h.update(nodes=3), "no readable graph"),
        (lambda h: h.update(nodes=[3]), "no readable graph"),
        (lambda h: h.update(input_dtype={"bits": 8}), "signed"),
    ],
)
def test_wrong_files(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = tmp_path / "graph.npz"
    path.write_bytes(residual(1).dump())
    edit(path, change)
    with pytest.raises(GraphError, match=message):
        load(path)


def test_one_number_says_what_is_equal_on_all_sides() -> None:
    """As files had it before there were others: their bytes stay the same."""
    made = convolution((2, 2), (1, 1, 1, 1))
    assert (made.stride, made.padding) == (2, 1)
    assert (made.strides, made.pads, made.kernel) == ((2, 2), (1, 1, 1, 1), (3, 2))
    assert Graph((made,), SHAPE, BYTE).dump() == Graph((convolution(2, 1),), SHAPE, BYTE).dump()


def test_sides_that_differ_survive_the_file(tmp_path: Path) -> None:
    graph = Graph((convolution((2, 1), (0, 1, 2, 0)),), SHAPE, BYTE)
    path = tmp_path / "graph.npz"
    path.write_bytes(graph.dump())
    (found,) = load(path).nodes
    assert isinstance(found, Convolution)
    assert (found.strides, found.pads) == ((2, 1), (0, 1, 2, 0))
    assert load(path).dump() == graph.dump()


def convolution(stride: Any, padding: Any) -> Convolution:
    shape = (2, 4 if stride == (2, 1) else 3, 2)
    weights = np.zeros((2, 3, 2, 3), np.int8)
    return Convolution("a", (INPUT,), shape, BYTE, weights, stride, padding)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="there is no graph"):
        load(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half a header"])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "graph.npz"
    path.write_bytes(content)
    with pytest.raises(GraphError, match="no readable graph"):
        load(path)


def test_an_array_instead_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(GraphError, match="no readable graph"):
        load(path)


def test_truncated_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    content = residual(1).dump()
    for size in range(0, len(content), 97):
        path.write_bytes(content[:size])
        with pytest.raises(GraphError, match=r"graph.npz"):
            load(path)
