"""Every network of the project as one row of a table: blocks, channels, strides and bits.

Source of the claimed figures, and of the rows but for those whose title says otherwise: the
original student report this project grew from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from host_build.errors import HostError
from host_build.text.tables import aligned

IMAGE_SIZE = 32
IMAGE_CHANNELS = 3
CLASSES = 10
DESCRIPTION: dict[str, Any] = {"title": "", "claimed_accuracy": None, "claimed_parameters": None}
"""What is only said about a network: others are the same without it."""


class VariantError(HostError):
    """There is no such network, or a file describes none; the message says what is wrong."""


@dataclass(frozen=True)
class Bits:
    """Weight bits (signed, narrow range) and activation bits (unsigned after a ReLU) of a layer."""

    weight: int
    activation: int


@dataclass(frozen=True)
class Group:
    """Residual blocks of equal width; the first one of them applies the stride.

    `add_bits` (signed) is what enters the additions; None for as many as the activations have. One
    more than those holds an activation without rounding it again.
    """

    channels: int
    stride: int
    bits: Bits
    blocks: int = 1
    add_bits: int | None = None

    @property
    def bits_to_add(self) -> int:
        return self.bits.activation if self.add_bits is None else self.add_bits


@dataclass(frozen=True)
class Variant:
    """One network: a 3x3 stem, groups of residual blocks, a global average pool, a linear head.

    `claimed_accuracy` (per cent) and `claimed_parameters` are what the report says, None where it
    is silent; neither is a measurement of this project.
    """

    name: str
    title: str
    stem_channels: int
    stem_bits: Bits
    groups: tuple[Group, ...]
    head_weight_bits: int
    input_bits: int
    claimed_accuracy: float | None = None
    claimed_parameters: int | None = None

    @property
    def parameters(self) -> dict[str, int]:
        """Weights per part (stem, group1 ..., head); BatchNorm is not counted, it folds away."""
        counts = {"stem": IMAGE_CHANNELS * self.stem_channels * 9}
        for index, group in enumerate(self.groups, 1):
            inputs, width = self._inputs(index - 1), group.channels
            counts[f"group{index}"] = (
                9 * inputs * width
                + 9 * width * width * (2 * group.blocks - 1)
                + (inputs * width if self.has_projection(index - 1) else 0)
            )
        counts["head"] = self.groups[-1].channels * CLASSES
        return counts

    @property
    def total_parameters(self) -> int:
        return sum(self.parameters.values())

    @property
    def weight_bits(self) -> str:
        """The bits of the weights anywhere in the network, from few to many: "4/5"."""
        bits = {b.weight for b in (self.stem_bits, *(g.bits for g in self.groups))}
        return "/".join(map(str, sorted(bits | {self.head_weight_bits})))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        size = IMAGE_SIZE
        counts = self.parameters
        total = counts["stem"] * size**2 + counts["head"]
        for index, group in enumerate(self.groups, 1):
            size = -(-size // group.stride)
            total += counts[f"group{index}"] * size**2
        return total

    @property
    def shape(self) -> tuple[int, tuple[tuple[int, int, int], ...]]:
        """All but the bits: the stem's channels, the groups' channels, stride and blocks."""
        return self.stem_channels, tuple((g.channels, g.stride, g.blocks) for g in self.groups)

    def has_projection(self, group: int) -> bool:
        """Whether the first block of the group needs a 1x1 convolution in its shortcut."""
        return self.groups[group].stride != 1 or self._inputs(group) != self.groups[group].channels

    def _inputs(self, group: int) -> int:
        return self.groups[group - 1].channels if group else self.stem_channels


def _resnet(
    name: str,
    title: str,
    bits: int,
    channels: tuple[int, ...],
    *,
    strides: tuple[int, ...] = (1, 2, 2, 2),
    blocks: int = 1,
    stem_channels: int | None = None,
    claimed_accuracy: float | None = None,
    claimed_parameters: int | None = None,
) -> Variant:
    """A network with the same bits everywhere and a stem as wide as its first group."""
    same = Bits(bits, bits)
    return Variant(
        name=name,
        title=title,
        stem_channels=channels[0] if stem_channels is None else stem_channels,
        stem_bits=same,
        groups=tuple(Group(c, s, same, blocks) for c, s in zip(channels, strides, strict=False)),
        head_weight_bits=bits,
        input_bits=bits,
        claimed_accuracy=claimed_accuracy,
        claimed_parameters=claimed_parameters,
    )


def _finer(base: Variant, name: str, title: str) -> Variant:
    """`base` with the pixels in 8 bits, and one bit more than activations have in the additions."""
    return replace(
        base, name=name, title=title, input_bits=8,
        groups=tuple(replace(g, add_bits=g.bits.activation + 1) for g in base.groups),
    )  # fmt: skip


def _wider_bits(base: Variant, name: str, title: str, bits: int, *, edges: bool) -> Variant:
    """`base` with more bits either in its stem and head (`edges`) or in its groups."""
    more = Bits(bits, bits)
    if edges:
        return replace(
            base, name=name, title=title, stem_bits=more, head_weight_bits=bits, input_bits=bits,
            claimed_accuracy=None,
        )  # fmt: skip
    groups = tuple(replace(group, bits=more) for group in base.groups)
    return replace(base, name=name, title=title, groups=groups, claimed_accuracy=None)


EDGES8 = "-edges8"
"""How the names of rows with 8 bits in and out end; the rest is the row that they are made from."""


def _eight_bit_edges(base: Variant) -> Variant:
    """`base` with 8 bits for the pixels and for the weights of stem and head."""
    return replace(
        base, name=f"{base.name}{EDGES8}", title=f"{base.title}, 8 bits in and out",
        stem_bits=Bits(8, base.stem_bits.activation), head_weight_bits=8, input_bits=8,
        claimed_accuracy=None, claimed_parameters=None,
    )  # fmt: skip


_LIGHTWEIGHT = _resnet(
    "lightweight", "lightweight as released, all strides 2", 6, (16, 32, 64),
    strides=(2, 2, 2), claimed_accuracy=84.51,
)  # fmt: skip
_STRIDE1 = _resnet(
    "lightweight-stride1", "lightweight as reported, group 1 at stride 1", 6, (16, 32, 64),
    claimed_accuracy=84.51, claimed_parameters=77_360,
)  # fmt: skip
_MAX_UTILISED = _resnet(
    "maxutilized", "max-utilised, more bits in all layers", 5, (32, 64, 128),
    claimed_accuracy=89.33, claimed_parameters=307_296,
)  # fmt: skip
_MODERATE = _resnet(
    "resnet8-4w4a-32", "moderate", 4, (32, 64, 128),
    claimed_accuracy=87.63, claimed_parameters=307_296,
)  # fmt: skip
_RESNET20 = _resnet("resnet20-5w5a-16", "ResNet20, not in the report", 5, (16, 32, 64), blocks=3)

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        _LIGHTWEIGHT,
        _eight_bit_edges(_LIGHTWEIGHT),
        _STRIDE1,
        _eight_bit_edges(_STRIDE1),
        _MAX_UTILISED,
        _eight_bit_edges(_MAX_UTILISED),
        _MODERATE,
        _wider_bits(
            _MODERATE, "resnet8-4w4a-32-edges5", "moderate, more bits in stem and head", 5,
            edges=True,
        ),
        _wider_bits(
            _MODERATE, "resnet8-4w4a-32-groups5", "moderate, more bits in the groups", 5,
            edges=False,
        ),
        _resnet(
            "resnet8-4w4a-48-first", "moderate, first group 48", 4, (48, 64, 128),
            claimed_accuracy=88.09,
        ),
        _resnet(
            "resnet8-4w4a-32-middle96", "moderate, middle group 96", 4, (32, 96, 128),
            claimed_accuracy=87.85,
        ),
        _resnet(
            "resnet8-4w4a-32-last144", "moderate, last group 144", 4, (32, 64, 144),
            claimed_accuracy=88.50,
        ),
        _resnet(
            "high-accuracy-v1", "high accuracy, all strides 2 (did not fit)", 4, (64, 128, 256),
            strides=(2, 2, 2), claimed_accuracy=90.11,
        ),
        _resnet(
            "resnet8-4w4a-64", "ResNet8", 4, (64, 128, 256),
            claimed_accuracy=89.98, claimed_parameters=1_224_896,
        ),
        _resnet(
            "resnet10-4w4a-64", "ResNet10", 4, (64, 128, 256, 512),
            claimed_accuracy=91.57, claimed_parameters=4_897_472,
        ),
        _resnet(
            "resnet18-4w4a-64", "ResNet18", 4, (64, 128, 256, 512), blocks=2,
            claimed_accuracy=92.54, claimed_parameters=11_164_352,
        ),
        _RESNET20,
        _finer(
            _RESNET20, "resnet20-5w5a-16-fine",
            "ResNet20, not in the report, 8 bits in and 6 in the additions",
        ),
    )
}  # fmt: skip


def find(name: str) -> Variant:
    """Return the row called `name`; VariantError lists the known names."""
    try:
        return VARIANTS[name]
    except KeyError:
        raise VariantError(f"unknown network {name!r}; known: {', '.join(VARIANTS)}") from None


def undescribed(variant: Variant) -> Variant:
    """`variant` without its description, so that equal ones are the same network."""
    return replace(variant, **DESCRIPTION)


def table() -> str:
    """The networks with their parameters per group and in all, as text."""
    parts = ("stem", "group1", "group2", "group3", "group4", "head")
    rows: list[tuple[str, ...]] = [
        ("network", "bits", *parts, "parameters", "MMAC", "claimed", "what it is")
    ]
    for variant in VARIANTS.values():
        counts = variant.parameters
        claimed = variant.claimed_accuracy
        rows.append(
            (
                variant.name,
                variant.weight_bits,
                *(f"{counts.get(part, 0):,}" for part in parts),
                f"{variant.total_parameters:,}",
                f"{variant.macs / 1e6:.1f}",
                "" if claimed is None else f"{claimed:.2f}%",
                variant.title,
            )
        )
    return "\n".join(aligned(rows, left=(0, len(rows[0]) - 1)))
