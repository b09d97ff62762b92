"""No network ends in a segmentation fault of oneDNN; the others are trained channels last."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from host_build.training.onednn import memory_format


@pytest.mark.parametrize(
    ("convolution", "fatal"),
    [
        (nn.Conv2d(4, 8, 1, 2), True),
        (nn.Conv2d(7, 8, 1, (1, 2)), True),
        (nn.Conv2d(8, 8, 1, 2), False),
        (nn.Conv2d(4, 8, 1, 1), False),
        (nn.Conv2d(4, 8, 3, 2), False),
    ],
)
def test_networks_that_would_crash_keep_channels_first(convolution, fatal):
    found = memory_format(nn.Sequential(nn.ReLU(), convolution))
    assert found == (torch.contiguous_format if fatal else torch.channels_last)


def test_a_gradient_on_this_processor():
    """In a process of its own, which a fault would end."""
    script = """
import torch
from torch import nn
from host_build.training.onednn import memory_format
for channels in (2, 4, 6, 7, 8, 12):
    network = nn.Conv2d(channels, 12, 1, 2)
    form = memory_format(network)
    pixels = torch.randn(32, channels, 32, 32).to(memory_format=torch.channels_last)
    network.to(memory_format=form)
    network(pixels.contiguous(memory_format=form).requires_grad_()).sum().backward()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
