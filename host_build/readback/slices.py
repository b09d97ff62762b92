"""What is in a slice: look-up tables, multiplexers, carry, flip-flops, small memories.

The letters A to D are the four rows of a slice. See UG474 for its diagram; feature names are those
of Project X-Ray.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from host_build.configuration.errors import ReadbackError
from host_build.readback.draft import Constant, Draft, FromCell, FromPin, Source

ROWS = "ABCD"
_INIT = re.compile(r"([ABCD])LUT\.INIT\[(\d+)\]")
_ALL = (1 << 64) - 1
# Bit k of _HIGH[i] says that input i + 1 is 1 at place k of a table.
_HIGH = [sum(1 << k for k in range(64) if k >> i & 1) for i in range(6)]


class Slice:
    """One slice; its cells are made as their outputs are asked for, with what they depend on."""

    def __init__(self, name: str, features: Collection[str]) -> None:
        """`features` without the prefix of the slice."""
        self.name = name
        self.drafts: dict[str, Draft] = {}
        self._on = features
        self._init = dict.fromkeys(ROWS, 0)
        self._choices: dict[str, list[str]] = {}
        for feature in features:
            if match := _INIT.fullmatch(feature):
                self._init[match[1]] |= 1 << int(match[2])
            else:
                what, _, choice = feature.partition(".")
                self._choices.setdefault(what, []).append(choice)

    def flip_flops(self) -> list[str]:
        """Flip-flops that are configured, whether or not something heeds them."""
        names = [f"{row}{five}FF" for row in ROWS for five in ("", "5")]
        return [name for name in names if name in self._choices]

    def output(self, pin: str) -> Source:
        """What drives one of the slice's outputs: A, AMUX, AQ, COUT ..."""
        row = pin[0]
        if pin == "COUT":
            return self._carry(3, "CO")
        if pin == row:
            return self.table(row, 6)
        if pin == f"{row}Q":
            return self.flip_flop(f"{row}FF")
        chosen = self._chosen(f"{row}OUTMUX")
        if chosen is None:
            raise ReadbackError(f"{self.name}: {pin} is used, but its multiplexer selects nothing")
        return self.flip_flop(f"{row}5FF") if chosen == f"{row}5Q" else self._inner(row, chosen)

    def flip_flop(self, name: str) -> Source:
        """The output of one, AFF or A5FF."""
        if name not in self.drafts:
            row, small = name[0], name[1] == "5"
            latch = "LATCH" in self._on and not small
            sync = "FFSYNC" in self._on
            cleared = f"{name}.ZRST" in self._on
            kind = {
                (False, True, True): "FDRE", (False, True, False): "FDSE",
                (False, False, True): "FDCE", (False, False, False): "FDPE",
                (True, False, True): "LDCE", (True, False, False): "LDPE",
                (True, True, True): "LDCE", (True, True, False): "LDPE",
            }[latch, sync, cleared]  # fmt: skip
            draft = self._draft(name, kind)
            draft.parameters.update(
                INIT=int(f"{name}.ZINI" not in self._on), IS_C_INVERTED=int("CLKINV" in self._on)
            )
            draft.inputs.update(
                C=FromPin("CLK"),
                CE=FromPin("CE") if "CEUSEDMUX" in self._on else Constant(1),
                SR=FromPin("SR") if "SRUSEDMUX" in self._on else Constant(0),
                D=self._data(row, small),
            )
            draft.outputs.add("Q")
        return FromCell(name, "Q")

    def table(self, row: str, output: int) -> Source:
        """O6 or O5 of a row's table, memory or shift register."""
        name, pin = f"{row}{output}LUT", f"O{output}"
        if name not in self.drafts:
            if f"{row}LUT.RAM" in self._on:
                self._memory(row, output)
            elif f"{row}LUT.SRL" in self._on:
                self._shift(row, output)
            else:
                self._logic(row, output)
        self.drafts[name].outputs.add(pin)
        return FromCell(name, pin)

    def _draft(self, name: str, kind: str) -> Draft:
        self.drafts[name] = Draft(name, kind)
        return self.drafts[name]

    def _chosen(self, multiplexer: str) -> str | None:
        found = self._choices.get(multiplexer, [])
        if len(found) > 1:
            raise ReadbackError(f"{self.name}.{multiplexer} selects {' and '.join(sorted(found))}")
        return found[0] if found else None

    def _inner(self, row: str, chosen: str) -> Source:
        """One of the things that a row's two multiplexers, to AMUX and to AFF, select from."""
        if chosen in ("O5", "O6"):
            return self.table(row, int(chosen[1]))
        if chosen == "CY":
            return self._carry(ROWS.index(row), "CO")
        if chosen == "XOR":
            return self._carry(ROWS.index(row), "O")
        if chosen in ("F7", "F8"):
            return self._wide("F8MUX" if chosen == "F8" else f"F7{'A' if row == 'A' else 'B'}MUX")
        if chosen == "MC31":
            return self._shifted_out(row)
        return FromPin(chosen)  # AX

    def _data(self, row: str, small: bool) -> Source:
        chosen = self._chosen(f"{row}5FFMUX" if small else f"{row}FFMUX")
        if chosen is None:
            raise ReadbackError(f"{self.name}.{row}{'5' * small}FF is used, but has no data input")
        if small:
            return self.table(row, 5) if chosen == "IN_A" else FromPin(f"{row}X")
        return self._inner(row, chosen)

    def _wide(self, name: str) -> Source:
        if name not in self.drafts:
            draft = self._draft(name, "MUXF8" if name == "F8MUX" else "MUXF7")
            if name == "F8MUX":
                low, high, select = self._wide("F7BMUX"), self._wide("F7AMUX"), "BX"
            else:
                rows = "BA" if name == "F7AMUX" else "DC"
                low, high, select = self.table(rows[0], 6), self.table(rows[1], 6), f"{rows[1]}X"
            draft.inputs.update(I0=low, I1=high, S=FromPin(select))
            draft.outputs.add("O")
        return FromCell(name, "O")

    def _carry(self, bit: int, output: str) -> Source:
        draft = self.drafts.get("CARRY4")
        if draft is None:
            draft = self._draft("CARRY4", "CARRY4")
            chosen = self._chosen("PRECYINIT")
            if chosen == "CIN":
                draft.inputs["CI"] = FromPin("CIN")
            elif chosen == "AX":
                draft.inputs["CYINIT"] = FromPin("AX")
            else:
                draft.inputs["CYINIT"] = Constant(int(chosen == "C1"))
        for k in range(bit + 1):
            if f"S{k}" not in draft.inputs:
                draft.inputs[f"S{k}"] = self.table(ROWS[k], 6)
            if f"DI{k}" not in draft.inputs and (k < bit or output == "CO"):
                five = f"CARRY4.{ROWS[k]}CY0" in self._on
                draft.inputs[f"DI{k}"] = self.table(ROWS[k], 5) if five else FromPin(f"{ROWS[k]}X")
        draft.outputs.add(f"{output}{bit}")
        return FromCell("CARRY4", f"{output}{bit}")

    def _logic(self, row: str, output: int) -> None:
        draft = self._draft(f"{row}{output}LUT", f"LUT{output}")
        table = self._init[row]
        if output == 5:
            table &= (1 << 32) - 1
            whole = table | table << 32
        else:
            whole = table
        draft.parameters["INIT"] = table
        for k in range(output):
            high = _HIGH[k]
            if (whole & high) >> (1 << k) != whole & ~high & _ALL:
                draft.inputs[f"A{k + 1}"] = FromPin(f"{row}{k + 1}")

    def _memory(self, row: str, output: int) -> None:
        small = f"{row}LUT.SMALL" in self._on
        draft = self._draft(f"{row}{output}LUT", "RAMD32" if small else "RAMD64E")
        table, width = self._init[row], 5 if small else 6
        if small:
            table = table >> 32 if output == 6 else table & (1 << 32) - 1
        elif output == 5:
            raise ReadbackError(f"{self.name}.{row}LUT: O5 of a memory of 64 bits is used")
        draft.parameters.update(INIT=table, IS_CLK_INVERTED=int("CLKINV" in self._on))
        for k in range(1, width + 1):
            draft.inputs[f"A{k}"] = FromPin(f"{row}{k}")
            draft.inputs[f"WA{k}"] = FromPin(f"D{k}")
        draft.inputs["DI"] = FromPin(f"{row}X") if small and output == 6 else self._first(row)
        draft.inputs["CLK"] = FromPin("CLK")
        draft.inputs["WE"] = self._write_enable()
        # The rows of a deep memory are told apart by the two addresses above.
        for pin, from_pin, feature, high in (
            ("WA7", "CX", "WA7USED", row in "AC"), ("WA8", "BX", "WA8USED", row in "AB"),
        ):  # fmt: skip
            if feature in self._on:
                draft.inputs[pin] = FromPin(from_pin)
                draft.parameters[f"{pin}_IS"] = int(high)

    def _shift(self, row: str, output: int) -> None:
        small = f"{row}LUT.SMALL" in self._on
        draft = self._draft(f"{row}{output}LUT", "SRL16E" if small else "SRLC32E")
        low, length = (32 if small and output == 6 else 0), 16 if small else 32
        # Every bit stands twice in the table; the upper one is what an address with A1 = 1 reads.
        bits = [self._init[row] >> low + 2 * k + 1 & 1 for k in range(length)]
        draft.parameters.update(
            INIT=sum(bit << k for k, bit in enumerate(bits)),
            IS_CLK_INVERTED=int("CLKINV" in self._on),
        )
        for k in range(4 if small else 5):
            draft.inputs[f"A{k}"] = FromPin(f"{row}{k + 2}")
        draft.inputs["D"] = FromPin(f"{row}X") if small and output == 6 else self._first(row)
        draft.inputs["CLK"] = FromPin("CLK")
        draft.inputs["CE"] = self._write_enable()

    def _write_enable(self) -> Source:
        return FromPin("CE" if "WEMUX.CE" in self._on else "WE")

    def _first(self, row: str) -> Source:
        """The first data input, by its multiplexer: the row's own pin, or that of a row below."""
        if row == "D" or f"{row}LUT.DI1MUX.{row}I" in self._on:
            return FromPin(f"{row}I")
        below = {"A": "B", "B": "D", "C": "D"}[row]
        if f"{row}LUT.SRL" in self._on:
            return self._shifted_out(chr(ord(row) + 1))
        return self._first(below)

    def _shifted_out(self, row: str) -> Source:
        self.table(row, 6)
        draft = self.drafts[f"{row}6LUT"]
        draft.outputs.add("MC31")
        return FromCell(draft.name, "MC31")
