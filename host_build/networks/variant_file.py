"""A network of one's own: a row like those of `variants`, as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from board_app.system.files import write_json
from host_build.networks import variants
from host_build.networks.variants import Bits, Group, Variant, VariantError, undescribed

SUFFIX = ".json"
MOST_BITS = 8
LEAST_BITS = 2
# It becomes a folder, a file and part of a SystemVerilog identifier.
_NAME = re.compile("[a-z0-9][a-z0-9_-]*")


def find(name: str) -> Variant:
    """The row of the table called `name`, or the network in the file NAME.json.

    VariantError lists the known names, or says what is wrong in the file.
    """
    return read(Path(name)) if name.endswith(SUFFIX) else variants.find(name)


def write(path: Path, variant: Variant) -> None:
    write_json(path, asdict(variant))


def read(path: Path) -> Variant:
    """Read what `write` wrote, or what somebody wrote by hand."""
    try:
        return parse(json.loads(path.read_text()))
    except FileNotFoundError:
        raise VariantError(f"there is no network {path}") from None
    except (OSError, ValueError) as error:
        raise VariantError(f"{path} describes no network: {error!r}") from error
    except VariantError as error:
        raise VariantError(f"{path} describes no network: {error}") from error


def parse(row: Any) -> Variant:
    """The network that `dataclasses.asdict` made `row` of; VariantError says what is wrong."""
    try:
        groups = tuple(Group(**{**g, "bits": Bits(**g["bits"])}) for g in row["groups"])
        variant = Variant(**{**row, "stem_bits": Bits(**row["stem_bits"]), "groups": groups})
    except (TypeError, KeyError, AttributeError) as error:
        raise VariantError(repr(error)) from error
    for what, value, good in _checks(variant):
        if not good:
            raise VariantError(f"{what} is {value!r}")
    return variant


def is_name(text: str) -> bool:
    """Whether a network can be called so: lower-case letters, digits, '-' and '_'."""
    return bool(_NAME.fullmatch(text))


def _checks(variant: Variant) -> list[tuple[str, Any, bool]]:
    """What, its value, and whether a network can have it."""
    name = variant.name
    good = isinstance(name, str) and is_name(name)
    row = variants.VARIANTS.get(name, variant) if good else variant
    checks = [
        ("name", name, good),
        ("name", name, undescribed(row) == undescribed(variant)),
        ("title", variant.title, isinstance(variant.title, str)),
        ("groups", variant.groups, len(variant.groups) > 0),
        ("stem_channels", variant.stem_channels, _whole(variant.stem_channels, 1)),
    ]
    widths = {
        "head_weight_bits": variant.head_weight_bits, "input_bits": variant.input_bits,
        "stem_bits": variant.stem_bits,
    }  # fmt: skip
    for index, group in enumerate(variant.groups, 1):
        widths[f"bits of group {index}"] = group.bits
        widths[f"add_bits of group {index}"] = group.bits_to_add
        for what in ("channels", "stride", "blocks"):
            value = getattr(group, what)
            checks.append((f"{what} of group {index}", value, _whole(value, 1)))
    for what, bits in widths.items():
        values = (bits.weight, bits.activation) if isinstance(bits, Bits) else (bits,)
        checks.append((what, bits, all(_whole(v, LEAST_BITS, MOST_BITS) for v in values)))
    return checks


def _whole(value: object, least: int, most: int | None = None) -> bool:
    return type(value) is int and least <= value and (most is None or value <= most)
