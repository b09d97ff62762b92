"""The torch module of any network that can be trained."""

from __future__ import annotations

from torch import nn

from host_build.networks.variants import VariantError
from host_build.training.convnet import ConvnetModel
from host_build.training.networks import Convnet, Network
from host_build.training.recipes import Recipe
from host_build.training.resnet import ResNet


def build(network: Network, *, quantised: bool) -> nn.Module:
    """Its module, with random weights; a `Convnet` has float ones only."""
    if isinstance(network, Convnet):
        return ConvnetModel(network)
    return ResNet(network, quantised=quantised)


def require_trainable(network: Network, recipe: Recipe) -> None:
    """Refuse recipes that quantise what has float weights only; VariantError."""
    if isinstance(network, Convnet) and recipe.quantises:
        raise VariantError(
            f"{network.name} is only to learn from and is not quantised, which recipe "
            f"{recipe.name} does; train it with --recipe teacher"
        )
