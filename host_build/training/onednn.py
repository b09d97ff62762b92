"""A fault in the oneDNN 3.12 of PyTorch 2.13, and the way around it.

On processors with AVX2 and no AVX-512 the gradient of a strided 1x1 convolution that reads fewer
than 8 channels, channels last, ends in a segmentation fault. (Of one channel nothing helps: it is
first and last.)
"""

from __future__ import annotations

import torch
from torch import nn

_FEWEST_CHANNELS = 8


def memory_format(network: nn.Module) -> torch.memory_format:
    """In which `network` and its pixels are trained: channels last, which is quicker, if it can."""
    fatal = any(_is_fatal(module) for module in network.modules())
    return torch.contiguous_format if fatal else torch.channels_last


def _is_fatal(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and set(module.kernel_size) == {1}
        and max(module.stride) > 1
        and module.in_channels < _FEWEST_CHANNELS
    )
