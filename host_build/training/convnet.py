"""A network to learn from: wide, and quick to train on a processor for what it reaches.

Nearly all of its work is wide convolutions at a quarter of the pixels and less, and pooling loses
less on the way there than strides would. The shape is that of Keller Jordan, "94% on CIFAR-10 in
3.29 Seconds on a Single GPU" (2024), with a learned first layer and ReLU.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from host_build.networks.variants import CLASSES, IMAGE_CHANNELS
from host_build.training.networks import Convnet
from host_build.training.resnet import Normalise

# The largest of many activations is large from the start, and so would the logits be.
LOGIT_SCALE = 1 / 9


class ConvnetModel(nn.Module):
    """uint8 pixel values (N, 3, 32, 32) as float in, ten logits (N, 10) out."""

    def __init__(self, shape: Convnet) -> None:
        super().__init__()
        self.normalise = Normalise()
        layers = _convolution(IMAGE_CHANNELS, shape.stem_channels)
        for inputs, outputs in pairwise((shape.stem_channels, *shape.channels)):
            layers += _convolution(inputs, outputs, nn.MaxPool2d(2))
            layers += _convolution(outputs, outputs)
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(shape.channels[-1], CLASSES, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        features = self.features(self.normalise(pixels))
        logits: Tensor = self.head(torch.amax(features, (2, 3)))
        return logits * LOGIT_SCALE


def _convolution(inputs: int, outputs: int, *pool: nn.Module) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return [convolution, *pool, nn.BatchNorm2d(outputs), nn.ReLU()]
