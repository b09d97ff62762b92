"""A small MobileNetV2 for CIFAR-10 in Brevitas: trained, then exported for `compile`.

    python docs/examples/mobilenet.py --cifar10 FOLDER --out mobilenet.onnx

It needs the host's environment (requirements/host.txt). What a network of yours must keep to is
what is marked with (*): docs/compiler.md has the whole list.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import torch
from brevitas import nn as qnn
from brevitas.export import export_qonnx
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from torch import Tensor, nn

from board_app.pictures import cifar10
from host_build.training import fake_quant  # Brevitas' quantisers of activations, but faster

WEIGHT_BITS = 5
ACTIVATION_BITS = 5
JOIN_BITS = 6
# Batches that set the first scales; from then on they are learned.
STATISTICS = 40
# Channels, blocks and stride of each group; a block is this many times as wide inside.
GROUPS = ((24, 2, 1), (40, 3, 2))
EXPANSION = 3
STEM, LAST = 16, 128


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int, groups: int, quantised: bool
) -> nn.Sequential:
    shape = dict(stride=stride, padding=kernel // 2, groups=groups, bias=False)
    conv: nn.Module = nn.Conv2d(inputs, outputs, kernel, **shape)
    if quantised:
        # (*) Signed weights; a scale for each channel is free.
        conv = qnn.QuantConv2d(
            inputs, outputs, kernel, **shape,
            weight_quant=Int8WeightPerChannelFloat, weight_bit_width=WEIGHT_BITS,
        )  # fmt: skip
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


def signed(bits: int, quantised: bool) -> nn.Module:
    if not quantised:
        return nn.Identity()
    return qnn.QuantIdentity(
        act_quant=fake_quant.Signed, bit_width=bits, collect_stats_steps=STATISTICS
    )


def relu6(quantised: bool) -> nn.Module:
    # (*) What a convolution reads is quantised; the clip becomes part of the quantiser.
    quantiser = qnn.QuantIdentity(
        act_quant=fake_quant.Unsigned, bit_width=ACTIVATION_BITS, collect_stats_steps=STATISTICS
    )
    return nn.Sequential(nn.ReLU6(), quantiser if quantised else nn.Identity())


class InvertedResidual(nn.Module):
    """Wider by a 1x1 convolution, a depthwise 3x3 one, narrower by another; added if it can be."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, join: nn.Module, quantised: bool
    ) -> None:
        super().__init__()
        wide = EXPANSION * inputs
        self.body = nn.Sequential(
            convolution(inputs, wide, 1, 1, 1, quantised), relu6(quantised),
            convolution(wide, wide, 3, stride, wide, quantised), relu6(quantised),
            convolution(wide, outputs, 1, 1, 1, quantised),
        )  # fmt: skip
        # (*) Both sides of an addition have one scale: one quantiser for the whole group.
        self.join = join
        self.adds = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.join(self.body(x))
        return x + made if self.adds else made


class MobileNet(nn.Module):
    """Pixels 0..255 as floats (N, 3, 32, 32) in, ten logits (N, 10) out."""

    def __init__(self, quantised: bool) -> None:
        super().__init__()
        self.input = signed(8, quantised)
        self.stem = nn.Sequential(convolution(3, STEM, 3, 2, 1, quantised), relu6(quantised))
        blocks: list[nn.Module] = []
        width = STEM
        for channels, count, first in GROUPS:
            join = signed(JOIN_BITS, quantised)
            for index in range(count):
                stride = first if index == 0 else 1
                blocks.append(InvertedResidual(width, channels, stride, join, quantised))
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(convolution(width, LAST, 1, 1, 1, quantised), relu6(quantised))
        self.pool = nn.AdaptiveAvgPool2d(1)
        # (*) One scale for all classes.
        self.head: nn.Module = nn.Linear(LAST, 10, bias=False)
        if quantised:
            self.head = qnn.QuantLinear(
                LAST, 10, bias=False, weight_quant=Int8WeightPerTensorFloat, weight_bit_width=8
            )

    def forward(self, pixels: Tensor) -> Tensor:
        # (*) Any scale and offset of the pixels goes into the first thresholds.
        x = self.last(self.blocks(self.stem(self.input((pixels - 121.0) / 64.0))))
        return self.head(torch.flatten(self.pool(x), 1))


def train(
    model: nn.Module, data: cifar10.Dataset, epochs: float, rate: float, floats: bool
) -> None:
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(data.labels).long()
    batch = 128
    optimiser = torch.optim.SGD(
        model.parameters(), rate, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    steps = round(epochs * (len(labels) // batch))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.2
    )
    for epoch in range(-(-steps // (len(labels) // batch))):
        began, total = time.process_time(), 0.0
        model.train()
        order = torch.randperm(len(labels))
        left = steps - epoch * (len(labels) // batch)
        for start in range(0, min(len(labels) // batch, left) * batch, batch):
            chosen = order[start : start + batch]
            dy, dx = (int(shift) for shift in torch.randint(0, 9, (2,)))
            x = nn.functional.pad(pixels[chosen].float() - 121.0, (4, 4, 4, 4)) + 121.0
            x = x[:, :, dy : dy + 32, dx : dx + 32]
            x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
            x = x.contiguous(memory_format=torch.channels_last)
            # Quantisers want float32.
            with torch.autocast("cpu", torch.bfloat16, enabled=floats):
                loss = nn.functional.cross_entropy(model(x).float(), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        done = start // batch + 1
        seconds = time.process_time() - began
        print(f"epoch {epoch + 1}: loss {total / done:.3f}, {seconds:.0f} s CPU",
              flush=True)  # fmt: skip


@torch.no_grad()
def accuracy(model: nn.Module, data: cifar10.Dataset) -> float:
    model.eval()
    right = 0
    for start in range(0, len(data), 500):
        x = torch.from_numpy(data.images[start : start + 500]).permute(0, 3, 1, 2).float()
        right += int((model(x).argmax(1).numpy() == data.labels[start : start + 500]).sum())
    return right / len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cifar10", type=Path, required=True, help="folder of the binary files")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--epochs", type=int, default=5, help="in float")
    parser.add_argument("--quantised-epochs", type=float, default=1)
    parser.add_argument("--start", type=Path, help="float weights of an earlier run")
    options = parser.parse_args()
    torch.manual_seed(0)
    data, test = (cifar10.load(options.cifar10, split) for split in ("train", "test"))
    floats = MobileNet(quantised=False).to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in floats.parameters()):,} parameters")
    if options.start is None:
        train(floats, data, options.epochs, 0.2, floats=True)
        torch.save(floats.state_dict(), options.out.with_suffix(".float.pt"))
    else:
        floats.load_state_dict(torch.load(options.start))
    print(f"float: {accuracy(floats, test):.2%} of {len(test):,} test images", flush=True)
    model = MobileNet(quantised=True)
    model.load_state_dict(floats.state_dict(), strict=False)
    train(model, data, options.quantised_epochs, 0.02, floats=False)
    print(f"quantised: {accuracy(model, test):.2%} of {len(test):,} test images")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export_qonnx(model, args=torch.zeros(1, 3, 32, 32), export_path=str(options.out),
                     dynamo=False, opset_version=13)  # fmt: skip


if __name__ == "__main__":
    main()
