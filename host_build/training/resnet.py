"""The one Brevitas model that every row of `variants` is an instance of."""

from __future__ import annotations

import torch
from brevitas import nn as qnn
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from torch import Tensor, nn

from host_build.networks.variants import CLASSES, IMAGE_CHANNELS, Bits, Group, Variant
from host_build.training import fake_quant

# Statistics of the CIFAR-10 training images, as fractions of full scale (red, green, blue).
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)
# Batches that set the activations' first scales; from then on the scales are learned.
CALIBRATION_STEPS = 16


class Normalise(nn.Module):
    """Pixels 0..255 to zero mean and unit variance; the compiler folds it into the thresholds."""

    scale: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        std, mean = torch.tensor(STD), torch.tensor(MEAN)
        self.register_buffer("scale", (1 / (255 * std)).reshape(1, -1, 1, 1))
        self.register_buffer("bias", (-mean / std).reshape(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels * self.scale + self.bias


class Layers:
    """Makes the layers: Brevitas' with narrow-range weights, or plain float ones of equal names."""

    def __init__(self, quantised: bool) -> None:
        self.quantised = quantised

    def convolution(
        self, inputs: int, outputs: int, kernel: int, stride: int, bits: Bits
    ) -> nn.Sequential:
        """Convolution without bias, then BatchNorm; per-channel scales fold into thresholds."""
        shape = dict(kernel_size=kernel, stride=stride, padding=kernel // 2, bias=False)
        conv: nn.Module
        if self.quantised:
            conv = qnn.QuantConv2d(
                inputs, outputs, **shape,
                weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bits.weight,
            )  # fmt: skip
        else:
            conv = nn.Conv2d(inputs, outputs, **shape)  # type: ignore[arg-type]
        return nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def relu(self, bits: int) -> nn.Module:
        if not self.quantised:
            return nn.ReLU()
        return qnn.QuantReLU(
            act_quant=fake_quant.Unsigned, bit_width=bits,
            collect_stats_steps=CALIBRATION_STEPS,
        )  # fmt: skip

    def identity(self, bits: int) -> nn.Module:
        if not self.quantised:
            return nn.Identity()
        return qnn.QuantIdentity(
            act_quant=fake_quant.Signed, bit_width=bits,
            collect_stats_steps=CALIBRATION_STEPS,
        )  # fmt: skip

    def linear(self, inputs: int, outputs: int, weight_bits: int) -> nn.Module:
        """One scale for the whole matrix, so that one scale turns integers into logits."""
        if not self.quantised:
            return nn.Linear(inputs, outputs, bias=False)
        return qnn.QuantLinear(
            inputs, outputs, bias=False,
            weight_quant=Int8WeightPerTensorFloat, weight_bit_width=weight_bits,
        )  # fmt: skip


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; one quantiser serves both inputs of the add."""

    def __init__(
        self, layers: Layers, inputs: int, group: Group, stride: int, projection: bool
    ) -> None:
        super().__init__()
        outputs, bits = group.channels, group.bits
        self.conv1 = layers.convolution(inputs, outputs, 3, stride, bits)
        self.relu1 = layers.relu(bits.activation)
        self.conv2 = layers.convolution(outputs, outputs, 3, 1, bits)
        self.shortcut = (
            layers.convolution(inputs, outputs, 1, stride, bits) if projection else nn.Identity()
        )
        self.join = layers.identity(group.bits_to_add)
        self.relu2 = layers.relu(bits.activation)

    def forward(self, x: Tensor) -> Tensor:
        main = self.join(self.conv2(self.relu1(self.conv1(x))))
        return self.relu2(main + self.join(self.shortcut(x)))


class ResNet(nn.Module):
    """uint8 pixel values (N, 3, 32, 32) as float in, ten logits (N, 10) out."""

    def __init__(self, variant: Variant, *, quantised: bool = True) -> None:
        super().__init__()
        layers = Layers(quantised)
        self.normalise = Normalise()
        self.input = layers.identity(variant.input_bits)
        self.stem = layers.convolution(
            IMAGE_CHANNELS, variant.stem_channels, 3, 1, variant.stem_bits
        )
        self.stem_relu = layers.relu(variant.stem_bits.activation)
        blocks = []
        width = variant.stem_channels
        for index, group in enumerate(variant.groups):
            for block in range(group.blocks):
                first = block == 0
                blocks.append(
                    ResidualBlock(
                        layers, width, group, group.stride if first else 1,
                        projection=first and variant.has_projection(index),
                    )
                )  # fmt: skip
                width = group.channels
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = layers.linear(width, CLASSES, variant.head_weight_bits)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.stem_relu(self.stem(self.input(self.normalise(pixels))))
        x = self.pool(self.blocks(x))
        return self.head(torch.flatten(x, 1))
