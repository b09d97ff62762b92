"""Cells while they are being found: their inputs are told by where in the site they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FromPin:
    """What comes into the site by one of its pins."""

    pin: str


@dataclass(frozen=True, slots=True)
class FromCell:
    """An output of another cell in the site."""

    cell: str
    output: str


@dataclass(frozen=True, slots=True)
class Constant:
    value: int


Source = FromPin | FromCell | Constant


@dataclass
class Draft:
    """A cell by its name within the site."""

    name: str
    kind: str
    parameters: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, Source] = field(default_factory=dict)
    outputs: set[str] = field(default_factory=set)


class Block:
    """A site that is one cell, whose pins are the site's: block RAM, DSP48E1, a clock buffer."""

    def __init__(
        self, name: str, kind: str, parameters: Mapping[str, int], inputs: Mapping[str, str],
        output: Callable[[str], str],
    ) -> None:  # fmt: skip
        """`inputs` are the site's pins by the cell's, `output` the cell's pin of a site's."""
        draft = Draft(name, kind, dict(parameters))
        draft.inputs.update({pin: FromPin(site_pin) for pin, site_pin in inputs.items()})
        self.drafts = {name: draft}
        self._draft, self._output = draft, output

    def output(self, pin: str) -> Source:
        """What drives one of the site's outputs."""
        name = self._output(pin)
        self._draft.outputs.add(name)
        return FromCell(self._draft.name, name)
