"""Numbers of one bit go through the kernels' two, and no logit changes."""

from __future__ import annotations

import numpy as np
import pytest

from board_app.network.nodes import Convolution, Node, Threshold
from host_build.compiler.pipeline import compile_model
from tests.host.compiler.networks import bipolar, finish, older_sign, start


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(11).integers(0, 256, (4, 32, 32, 3), np.uint8)


def test_signs_of_weights_and_activations_are_exact(tmp_path, pictures):
    network = start()
    bipolar(network)
    compiled = compile_model(finish(network).save(tmp_path / "m.onnx"), tmp_path / "o", pictures)
    assert compiled.rounded == 0
    nodes = compiled.graph.nodes
    weights = [n.weights for n in nodes if isinstance(n, Convolution)][1:3]
    assert all(set(np.unique(found)) == {-1, 1} for found in weights)
    assert len([node for node in nodes if _is_sign(node)]) == 2


def test_a_sign_of_finns_older_dialect_is_exact(tmp_path, pictures):
    network = start()
    older_sign(network)
    compiled = compile_model(finish(network).save(tmp_path / "m.onnx"), tmp_path / "o", pictures)
    assert compiled.rounded == 0
    assert len([node for node in compiled.graph.nodes if _is_sign(node)]) == 1


def _is_sign(node: Node) -> bool:
    """Whether it gives -1 below a threshold and 1 from it on."""
    if not isinstance(node, Threshold) or node.bias != -1 or node.thresholds.shape[1] != 2:
        return False
    return bool((node.thresholds[:, 0] == node.thresholds[:, 1]).all())
