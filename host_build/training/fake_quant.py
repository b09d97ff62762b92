"""Brevitas' integer quantiser of activations with a gradient of its own, which is faster."""

from __future__ import annotations

from typing import Any

import torch
from brevitas.core.quant import IntQuant
from brevitas.function.ops import max_int, min_int
from brevitas.quant import Int8ActPerTensorFloat, Uint8ActPerTensorFloat
from torch import Tensor


class FakeQuantise(torch.autograd.Function):
    """`x` rounded to whole multiples of `scale`, from `low` to `high` of them.

    The gradient is that of Brevitas' chain of operations: straight through the rounding, nothing to
    `x` beyond the range, and to the scale what a learned step size gets (Esser et al., 2020).
    Automatic differentiation goes over memory for each factor of it, most of them twice.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x, scale)
        ctx.low, ctx.high = low, high
        return (x / scale).round_().clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, scale = ctx.saved_tensors
        steps = x / scale
        within = torch.ops.aten.hardtanh_backward(gradient, steps, ctx.low - 0.5, ctx.high + 0.5)
        nearest = steps.round().clamp_(ctx.low, ctx.high)
        # Within the range the scale sees the error of rounding, beyond it the range's end.
        beyond = (gradient - within).mul_(nearest)
        of_scale = beyond.addcmul_(within, nearest.sub_(steps))
        return within, of_scale.sum().to(scale.dtype), None, None


class ActivationQuant(IntQuant):
    """IntQuant for one scale a tensor, and zero at zero."""

    def __init__(self, narrow_range: bool, signed: bool, input_view_impl: Any, bit_width: int):
        super().__init__(narrow_range, signed, input_view_impl)
        width = torch.tensor(float(bit_width))
        self.range = (
            float(min_int(signed, narrow_range, width)), float(max_int(signed, narrow_range, width))
        )  # fmt: skip

    def forward(self, scale: Tensor, zero_point: Tensor, bit_width: Tensor, x: Tensor) -> Tensor:
        # A compiler fuses Brevitas' operations, and PyTorch 2.11's made zeros of our gradients.
        if torch.compiler.is_compiling():
            return super().forward(scale, zero_point, bit_width, x)
        return FakeQuantise.apply(x, scale, *self.range)


class Signed(Int8ActPerTensorFloat):
    """For QuantIdentity."""

    int_quant = ActivationQuant


class Unsigned(Uint8ActPerTensorFloat):
    """For QuantReLU."""

    int_quant = ActivationQuant
