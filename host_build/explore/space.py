"""The networks that are searched: channels, bits, strides and depth, as parameters of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from optuna import Trial

from host_build.variants import Bits, Group, Variant

Parameters = Mapping[str, int]
_TITLE = "found by explore"


@dataclass(frozen=True)
class Space:
    """Ranges, ends included; a channel range is (least, most, step).

    Group 1 has stride 1 or 2, later groups 2. All groups share their bits; stem, head and input
    share theirs, as in the report's rows.
    """

    stem: tuple[int, int, int] = (8, 64, 8)
    groups: tuple[tuple[int, int, int], ...] = (
        (8, 64, 8), (16, 128, 16), (16, 256, 16), (32, 256, 32),
    )  # fmt: skip
    least_groups: int = 2
    weight_bits: tuple[int, int] = (3, 8)
    activation_bits: tuple[int, int] = (3, 8)
    edge_bits: tuple[int, int] = (3, 8)

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
        edge, stride = parameters["edge_bits"], parameters["stride1"]
        widths = "-".join(map(str, (parameters["stem"], *channels)))
        name = f"net-{widths}-w{bits.weight}a{bits.activation}e{edge}-s{stride}"
        return Variant(
            name=name, title=_TITLE, stem_channels=parameters["stem"], stem_bits=Bits(edge, edge),
            groups=tuple(
                Group(width, stride if index == 0 else 2, bits)
                for index, width in enumerate(channels)
            ),
            head_weight_bits=edge, input_bits=edge,
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
            "edge_bits": variant.input_bits,
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
        }
