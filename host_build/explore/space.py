"""The networks that are searched: channels, depth, strides and bits, as parameters of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from optuna import Trial

from host_build.networks.variants import Bits, Group, Variant

Parameters = Mapping[str, int]
_TITLE = "found by explore"


@dataclass(frozen=True)
class Space:
    """Ranges, ends included; a channel range is (least, most, step).

    Group 1 has stride 1 or 2, later groups 2. All groups share their bits and how many blocks they
    have; stem and head share their bits. `add_more` is how many bits the additions have more than
    the activations, which therefore end at 7: the kernels take 8.
    """

    stem: tuple[int, int, int] = (8, 64, 8)
    groups: tuple[tuple[int, int, int], ...] = (
        (8, 64, 8), (16, 128, 16), (16, 256, 16), (32, 256, 32),
    )  # fmt: skip
    least_groups: int = 2
    weight_bits: tuple[int, int] = (3, 8)
    activation_bits: tuple[int, int] = (3, 7)
    edge_bits: tuple[int, int] = (3, 8)
    input_bits: tuple[int, int] = (3, 8)
    blocks: tuple[int, int] = (1, 3)
    add_more: tuple[int, int] = (0, 1)

    def suggest(self, trial: Trial) -> dict[str, int]:
        """The parameters of one candidate, chosen by the trial's sampler."""
        count = trial.suggest_int("groups", self.least_groups, len(self.groups))
        return {
            "groups": count,
            **{
                name: trial.suggest_int(name, least, most, step=step)
                for name, (least, most, step) in self._ranges(count).items()
            },
        }

    def variant(self, parameters: Parameters) -> Variant:
        """The network of these parameters, named after them."""
        count = parameters["groups"]
        channels = [parameters[f"channels{index}"] for index in range(1, count + 1)]
        bits = Bits(parameters["weight_bits"], parameters["activation_bits"])
        edge, pixels = parameters["edge_bits"], parameters["input_bits"]
        stride, blocks, more = (parameters[name] for name in ("stride1", "blocks", "add_more"))
        widths = "-".join(map(str, (parameters["stem"], *channels)))
        name = f"net-{widths}-b{blocks}-w{bits.weight}a{bits.activation}"
        name += f"e{edge}i{pixels}p{more}-s{stride}"
        add_bits = bits.activation + more if more else None
        return Variant(
            name=name, title=_TITLE, stem_channels=parameters["stem"], stem_bits=Bits(edge, edge),
            groups=tuple(
                Group(width, stride if index == 0 else 2, bits, blocks, add_bits)
                for index, width in enumerate(channels)
            ),
            head_weight_bits=edge, input_bits=pixels,
        )  # fmt: skip

    def parameters(self, variant: Variant) -> dict[str, int] | None:
        """The parameters that give `variant`, None where it is outside the space."""
        first = variant.groups[0]
        found = {
            "groups": len(variant.groups),
            "stem": variant.stem_channels,
            **{f"channels{i}": group.channels for i, group in enumerate(variant.groups, 1)},
            "stride1": first.stride,
            "weight_bits": first.bits.weight,
            "activation_bits": first.bits.activation,
            "edge_bits": variant.head_weight_bits,
            "input_bits": variant.input_bits,
            "blocks": first.blocks,
            "add_more": first.bits_to_add - first.bits.activation,
        }
        if not self.least_groups <= len(variant.groups) <= len(self.groups):
            return None
        ranges = self._ranges(len(variant.groups))
        if any(found[n] not in range(a, b + 1, step) for n, (a, b, step) in ranges.items()):
            return None
        same = self.variant(found)
        named = replace(
            variant, name=same.name, title=same.title, claimed_accuracy=None,
            claimed_parameters=None,
        )  # fmt: skip
        return found if named == same else None

    def _ranges(self, groups: int) -> dict[str, tuple[int, int, int]]:
        widths = {f"channels{index + 1}": self.groups[index] for index in range(groups)}
        return {
            "stem": self.stem,
            **widths,
            "stride1": (1, 2, 1),
            "weight_bits": (*self.weight_bits, 1),
            "activation_bits": (*self.activation_bits, 1),
            "edge_bits": (*self.edge_bits, 1),
            "input_bits": (*self.input_bits, 1),
            "blocks": (*self.blocks, 1),
            "add_more": (*self.add_more, 1),
        }
