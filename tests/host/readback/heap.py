"""A heap of cells of every kind, wired at random but for loops; what it computes is of no use."""

from __future__ import annotations

import itertools

import numpy as np

from host_build.readback import instances
from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.readback.ports import CLOCK, RESET

PARITY = 0x6996_9669_9669_6996


class Heap:
    """Cells that take what there is at random, and add to it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.cells: dict[str, Cell] = {}
        self.number = itertools.count()
        pins = [f"MAXIGP0WDATA{k}" for k in range(32)] + [f"SAXIHP0RDATA{k}" for k in range(64)]
        self.add("PS7", "PS7_X0Y0.PS7", {}, {}, (CLOCK, RESET, *pins))
        self.clock = f"PS7_X0Y0.PS7/{CLOCK}"
        self.nets = [f"PS7_X0Y0.PS7/{pin}" for pin in (RESET, *pins)]
        self.unheeded: list[str] = []

    def add(
        self, kind: str, name: str, parameters: dict[str, int], inputs: dict[str, str],
        outputs: tuple[str, ...],
    ) -> None:  # fmt: skip
        site = name.partition(".")[0]
        self.cells[name] = Cell(name, kind, site, "TILE", parameters, inputs, outputs, {})

    def pick(self) -> str:
        """A net, a constant now and then."""
        if self.rng.random() < 0.05:
            return str(self.rng.choice([ZERO, ONE]))
        return str(self.rng.choice(self.nets))

    def seldom(self, often: bool = False) -> str:
        """A net that is 1 in one cycle of eight; or 0 in one of eight."""
        table = 0xFEFE if often else 0x0101
        return self.slice("LUT5", "A5LUT", {"INIT": table * 0x10001}, 3, ("O5",))[0]

    def slice(
        self, kind: str, cell: str, parameters: dict[str, int], addresses: int,
        outputs: tuple[str, ...], **inputs: str,
    ) -> list[str]:  # fmt: skip
        name = f"SLICE_X{next(self.number)}Y0.{cell}"
        inputs |= {f"A{k + 1}": self.pick() for k in range(addresses)}
        self.add(kind, name, parameters, inputs, outputs)
        made = [f"{name}/{output}" for output in outputs]
        self.nets += made
        self.unheeded += made
        return made

    def integer(self, bits: int) -> int:
        return int.from_bytes(self.rng.bytes(bits // 8 + 1), "little") & (1 << bits) - 1

    def slices(self) -> None:
        """One of each kind of cell in slices."""
        for kind, width in (("LUT6", 6), ("LUT5", 5)):
            for _ in range(3):
                table = {"INIT": self.integer(1 << width)}
                self.slice(kind, f"A{width}LUT", table, width, (f"O{width}",))
        self.slice("MUXF7", "F7AMUX", {}, 0, ("O",), **{p: self.pick() for p in ("S", "I0", "I1")})
        first = {"CYINIT": self.pick()} if self.rng.random() < 0.5 else {"CI": self.pick()}
        carries = {f"{pin}{k}": self.pick() for pin in ("S", "DI") for k in range(4)}
        outputs = ("O0", "O1", "O3", "CO1", "CO3")
        self.slice("CARRY4", "CARRY4", {}, 0, outputs, **first, **carries)
        registered = ""
        for kind in ("FDRE", "FDSE", "FDCE", "FDPE"):
            # Between edge and new inputs Verilator sees what is none: only a register may reset.
            reset, enable = registered or self.seldom(), self.seldom(often=True)
            told = {"INIT": 0 if kind == "FDSE" else self.integer(1), "IS_C_INVERTED": 0}
            (output,) = self.slice(
                kind, "AFF", told, 0, ("Q",), D=self.pick(), C=self.clock, CE=enable, SR=reset
            )  # fmt: skip
            registered = output if kind == "FDSE" else registered
        for kind, width in (("RAMD64E", 6), ("RAMD32", 5)):
            told = {"INIT": self.integer(1 << width), "IS_CLK_INVERTED": 0}
            writes = {f"WA{k + 1}": self.pick() for k in range(width)}
            if kind == "RAMD64E":
                told |= {"WA7_IS": 1, "WA8_IS": 0}
                writes |= {"WA7": self.pick(), "WA8": self.pick()}
            self.slice(
                kind, "A6LUT", told, width, ("O6",), WE=self.pick(), DI=self.pick(),
                CLK=self.clock, **writes,
            )  # fmt: skip
        for kind, width in (("SRLC32E", 5), ("SRL16E", 4)):
            told = {"INIT": self.integer(1 << width), "IS_CLK_INVERTED": 0}
            address = {f"A{k}": self.pick() for k in range(width)}
            outputs = ("O6", "MC31") if width == 5 else ("O6",)
            self.slice(
                kind, "A6LUT", told, 0, outputs, D=self.pick(), CE=self.pick(), CLK=self.clock,
                **address,
            )  # fmt: skip

    def buffers(self) -> None:
        """A net that a router led through clock buffers, as nextpnr does with an enable."""
        first, second = (f"{kind}_X0Y{next(self.number)}.{kind}" for kind in ("BUFGCTRL", "BUFHCE"))
        pins = ("CE0", "CE1", "S0", "S1")
        told = {f"IS_{pin}_INVERTED": int(pin.endswith("1")) for pin in pins}
        wires = {"I0": self.pick(), "I1": ONE} | dict.fromkeys(pins, ONE)
        self.add("BUFGCTRL", first, told, wires, ("O",))
        self.add("BUFHCE", second, {"IS_CE_INVERTED": 0}, {"CE": ONE, "I": f"{first}/O"}, ("O",))
        self.nets.append(f"{second}/O")
        self.unheeded.append(f"{second}/O")

    def block_ram(
        self, y: int, widths: tuple[int, int], wide: int, mode: int, odd: bool = False
    ) -> None:
        """`odd` is the lower half of a RAMB36 that is 1 or 9 bits wide, and read only."""
        name = f"RAMB18_X0Y{y}"
        (read, write), bit = widths, lambda: int(self.rng.integers(2))
        told = {
            "READ_WIDTH_A": read, "READ_WIDTH_B": write, "WRITE_WIDTH_A": write,
            "WRITE_WIDTH_B": read, "SDP_READ_36": wide, "SDP_WRITE_36": wide, "WRITE_MODE_A": mode,
            "WRITE_MODE_B": (mode + 1) % 3, "DOA_REG": bit(), "DOB_REG": bit(),
            "RSTREG_PRIORITY_A": bit(), "RSTREG_PRIORITY_B": bit(), "FIFO_MODE": 0, "EN_ECC": 0,
            "RAM_EXTENSION": 0, "INIT": self.integer(16384), "INITP": self.integer(2048),
            "READ_ODD_A": int(odd), "READ_ODD_B": int(odd), "WRITE_ODD_A": 0, "WRITE_ODD_B": 0,
            "IS_ENARDEN_INVERTED": bit(), "IS_RSTRAMB_INVERTED": 0,
        }  # fmt: skip
        told |= {key: self.integer(18) for key in ("INIT_A", "INIT_B", "SRVAL_A", "SRVAL_B")}
        inputs = {}
        for pin, (_, width) in instances.RAM_INPUTS.items():
            for k in range(width):
                full = pin + (str(k) if width > 1 else "")
                inputs[full] = self.seldom() if pin.startswith("RST") else self.pick()
        if odd:
            told |= {"OTHER_INIT": self.integer(16384), "OTHER_INITP": self.integer(2048)}
            inputs |= {f"WEA{k}": ZERO for k in range(4)} | {f"WEBWE{k}": ZERO for k in range(8)}
        elif wide:
            inputs |= {f"WEA{k}": ZERO for k in range(4)}
        else:  # what becomes of a word that both ports write is not defined
            address = self.pick()
            inputs |= {"ADDRARDADDR13": address, "ADDRBWRADDR13": self.inverse(address)}
        inputs |= {"CLKARDCLK": self.clock, "CLKBWRCLK": self.clock}
        self.block("RAMB18E1", name, told, inputs, {
            pin: width for pin, (_, width) in instances.RAM_OUTPUTS.items()
        })  # fmt: skip

    def inverse(self, net: str) -> str:
        name = f"SLICE_X{next(self.number)}Y0.A5LUT"
        self.add("LUT5", name, {"INIT": 0x5555_5555}, {"A1": net}, ("O5",))
        return f"{name}/O5"

    def dsp(self, y: int, below: int | None, depth: int, simd: int, dport: int) -> None:
        """`depth` is the number of registers in most places, `below` the cascades' block."""
        told = dict.fromkeys(instances.DSP_PARAMETERS, depth)
        told |= {
            "AREG": 2 * depth, "BREG": 2 * depth, "ACASCREG": depth, "BCASCREG": 2 * depth,
            "PREG": int(depth or y % 2), "A_CASCADE": int(below is not None), "USE_DPORT": dport,
            "B_CASCADE": int(below is not None and depth), "SIMD": simd,
            "MASK": self.integer(40), "PATTERN": self.integer(48), "IS_ALUMODE_INVERTED": 5,
            "IS_INMODE_INVERTED": 3, "IS_OPMODE_INVERTED": 64, "IS_CARRYIN_INVERTED": 1,
        } | dict.fromkeys(instances._REFUSED["DSP48E1"], 0)  # fmt: skip
        inputs = {}
        for pin, width in instances.DSP_INPUTS.items():
            for k in range(width):
                full = pin + (str(k) if width > 1 else "")
                source = f"DSP48_X0Y{below}/{pin[:-2]}OUT{full[len(pin) :]}"
                if pin in ("ACIN", "BCIN", "PCIN", "CARRYCASCIN"):
                    inputs[full] = ONE if below is None else source
                elif pin.startswith(("RST", "CE")):
                    inputs[full] = self.seldom(often=pin.startswith("CE"))
                else:
                    inputs[full] = self.pick()
        # A carry that is not modelled, and a loop through P, must not be chosen.
        inputs["CARRYINSEL1"] = ZERO
        if not told["PREG"]:
            told["IS_OPMODE_INVERTED"] = 0
            inputs |= {f"OPMODE{k}": str(0b0010101 >> k & 1) for k in range(7)}
            inputs |= {"CARRYINSEL0": ZERO, "CARRYINSEL2": ZERO}
        inputs["CLK"] = self.clock
        self.block("DSP48E1", f"DSP48_X0Y{y}", told, inputs, instances.DSP_OUTPUTS)

    def block(
        self, kind: str, name: str, told: dict[str, int], inputs: dict[str, str],
        widths: dict[str, int],
    ) -> None:  # fmt: skip
        outputs = tuple(
            pin + (str(k) if width > 1 else "") for pin, width in widths.items()
            for k in range(width)
        )  # fmt: skip
        self.add(kind, name, told, inputs, outputs)
        made = [f"{name}/{out}" for out in outputs if not out.startswith(("ACO", "BCO", "PCO"))]
        made.remove(f"{name}/CARRYCASCOUT") if kind == "DSP48E1" else None
        self.nets += made
        self.unheeded += made

    def circuit(self) -> Circuit:
        """Every net's parity with others' goes to one of the outputs."""
        pins = [f"MAXIGP0RDATA{k}" for k in range(32)] + [f"SAXIHP0WDATA{k}" for k in range(64)]
        many = -(-len(self.unheeded) // len(pins))
        groups = [self.unheeded[k * many : (k + 1) * many] for k in range(len(pins))]
        given = {}
        for pin, group in zip(pins, groups, strict=True):
            before = ZERO
            for k in range(0, len(group), 5):
                nets = [before, *group[k : k + 5]]
                name = f"SLICE_X{next(self.number)}Y0.A6LUT"
                inputs = {f"A{place + 1}": net for place, net in enumerate(nets)}
                self.add("LUT6", name, {"INIT": PARITY}, inputs, ("O6",))
                before = f"{name}/O6"
            given[pin] = before
        system = self.cells["PS7_X0Y0.PS7"]
        self.cells[system.name] = Cell(
            system.name, system.kind, system.site, "TILE", {}, given, system.outputs, {}
        )
        return Circuit("part", self.cells, {})


def heap(seed: int = 5) -> Circuit:
    """Twelve of each kind of cell in slices, eight block RAMs and six DSP48E1, each another."""
    made = Heap(seed)
    for k in range(12):
        made.slices()
        made.buffers()
        if k < 6:
            widths = [(18, 9), (9, 4), (1, 18), (2, 1), (18, 18), (4, 2)][k]
            made.block_ram(k, widths, int(k == 4), k % 3)
            made.dsp(k, k - 1 if k % 3 else None, int(k < 3), (1, 1, 4, 1, 1, 2)[k], k % 2)
    for y, widths in ((6, (1, 4)), (8, (4, 1))):
        made.block_ram(y, widths, 0, 1, odd=True)
    return made.circuit()
