"""Our quantiser of activations gives Brevitas' values bit for bit, and its gradients."""

from __future__ import annotations

import pytest
import torch
from brevitas import nn as qnn
from brevitas.quant import Int8ActPerTensorFloat, Uint8ActPerTensorFloat

from host_build.training import fake_quant

RELU = (qnn.QuantReLU, Uint8ActPerTensorFloat, fake_quant.Unsigned)
IDENTITY = (qnn.QuantIdentity, Int8ActPerTensorFloat, fake_quant.Signed)
LEARNED_SCALE = 2  # the layer's first calls take statistics


def _trained_once(layer, quantiser, bits, dtype, made=lambda layer: layer):
    """A calibrated layer's output for values of which some are beyond its range, and gradients."""
    random = torch.Generator().manual_seed(bits)
    quantised = layer(act_quant=quantiser, bit_width=bits, collect_stats_steps=LEARNED_SCALE)
    for _ in range(LEARNED_SCALE + 1):
        quantised(torch.randn(8, 6, 5, 4, generator=random))
    x = (2 * torch.randn(8, 6, 5, 4, generator=random)).to(dtype)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(8, 6, 5, 4, generator=random)
    step = made(quantised)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        y = step(x)
    (y.float() * weights).sum().backward()
    (scale,) = quantised.parameters()
    return y, x.grad, scale.grad


@pytest.mark.parametrize("bits", [2, 4, 5, 6, 8])
@pytest.mark.parametrize("kind", [RELU, IDENTITY], ids=["relu", "identity"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_values_and_gradients_are_those_of_brevitas(kind, bits, dtype):
    layer, theirs, ours = kind
    y, of_x, of_scale = _trained_once(layer, ours, bits, dtype)
    wanted, wanted_of_x, wanted_of_scale = _trained_once(layer, theirs, bits, dtype)
    assert y.dtype == dtype and torch.equal(y, wanted)
    assert len(y.unique()) > 2
    if dtype == torch.float32:
        assert torch.allclose(of_x, wanted_of_x, rtol=1e-5)
        assert torch.allclose(of_scale, wanted_of_scale, rtol=1e-3)
    assert 0 < (of_x == 0).sum() < of_x.numel()


def test_the_gradients_go_on_in_the_layout_of_the_values():
    """Otherwise every layer before it copies them."""
    _, of_x, _ = _trained_once(*RELU[::2], 5, torch.float32)
    assert of_x.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", [RELU, IDENTITY], ids=["relu", "identity"])
def test_compiled_it_is_brevitas_own(kind, monkeypatch):
    def compiled(quantised):
        monkeypatch.setattr(fake_quant, "FakeQuantise", None)
        return torch.compile(quantised, backend="aot_eager")

    layer, theirs, ours = kind
    wanted = _trained_once(layer, theirs, 5, torch.float32)
    found = _trained_once(layer, ours, 5, torch.float32, compiled)
    assert all(torch.allclose(a, b, rtol=1e-5) for a, b in zip(found, wanted, strict=True))
