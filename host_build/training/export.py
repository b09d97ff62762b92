"""Trained network to QONNX, the exchange format of quantised models."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from brevitas.export import export_qonnx
from torch import nn

from host_build.networks.variants import IMAGE_CHANNELS, IMAGE_SIZE

_OPSET = 13


def export(model: nn.Module, path: Path) -> None:
    """Write `model` for one image of float pixel values; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    image = torch.zeros(1, IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE)
    with warnings.catch_warnings():
        # FINN reads the operators of the TorchScript exporter; torch announces a successor whose
        # decompositions it does not.
        warnings.simplefilter("ignore")
        export_qonnx(
            model.cpu().eval(), args=image, export_path=str(partial), dynamo=False,
            opset_version=_OPSET,
        )  # fmt: skip
    partial.replace(path)


@torch.no_grad()
def logits(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The network's own float logits of `images` (N, 32, 32, 3) uint8, to check the export by."""
    found: torch.Tensor = model.cpu().eval()(images.permute(0, 3, 1, 2).float())
    return found
