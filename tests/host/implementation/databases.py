"""A device of three tiles, in the files of Project X-Ray's database."""

from __future__ import annotations

import json
from pathlib import Path

from host_build.implementation.mending import PINS

PART = "xc7z020clg400-1"
_SEGBITS = {
    "clbll_l": """
CLBLL_L.SLICEL_X0.AFF.ZINI 00_00
CLBLL_L.SLICEL_X0.ALUT.INIT[00] 01_00
CLBLL_L.SLICEL_X0.ALUT.INIT[01] 01_01
CLBLL_L.SLICEL_X0.ALUT.INIT[02] 01_02
CLBLL_L.SLICEL_X0.CLKINV 00_33
CLBLL_L.SLICEL_X0.NOCLKINV !00_33
""",
    "int_l": """
INT_L.IMUX_L0.LOGIC_OUTS_L0 00_01 01_05
INT_L.IMUX_L0.LOGIC_OUTS_L1 00_02 01_05
""",
    "dsp_l": """
DSP_L.DSP48.DSP_0.ZPREG[0] 00_02
"""
    + "".join(
        f"DSP_L.DSP_0_{bus}{bit}.DSP_GND_L 01_{3 * place:02}\n"
        f"DSP_L.DSP_0_{bus}{bit}.DSP_VCC_L 01_{3 * place + 1:02}\n"
        f"DSP_L.DSP48.DSP_0.ZIS_{bus}_INVERTED[{bit}] 01_{3 * place + 2:02}\n"
        for place, (bus, bit) in enumerate(PINS)
    ),
}


def _tile(kind: str, base: int, offset: int, words: int, site: str) -> dict[str, object]:
    bits = {"baseaddr": f"0x{base:08X}", "frames": 2, "offset": offset, "words": words}
    return {
        "type": kind, "grid_x": 0, "grid_y": offset, "bits": {"CLB_IO_CLK": bits},
        "sites": {f"{site}_X0Y{offset}": site} if site else {},
    }  # fmt: skip


TILES = {
    "CLBLL_L_X0Y0": _tile("CLBLL_L", 0x100, 0, 2, "SLICEL"),
    "INT_L_X0Y0": _tile("INT_L", 0x100, 2, 2, ""),
    "DSP_L_X0Y0": _tile("DSP_L", 0x180, 99, 2, "DSP48E1"),
}


def write_database(family: Path) -> Path:
    """Write it into the folder `family`."""
    (family / "xc7z020").mkdir(parents=True)
    (family / PART).mkdir()
    (family / "xc7z020" / "tilegrid.json").write_text(json.dumps(TILES))
    for name, text in _SEGBITS.items():
        (family / f"segbits_{name}.db").write_text(text)
    (family / "ppips_int_l.db").write_text("INT_L.BYP_L0.BYP_ALT0 always\n")
    columns = {str(k): {"frame_count": 2} for k in range(4)}
    rows = {"0": {"configuration_buses": {"CLB_IO_CLK": {"configuration_columns": columns}}}}
    part = {"idcode": 0x3727093, "global_clock_regions": {"top": {"rows": rows}}}
    (family / PART / "part.json").write_text(json.dumps(part))
    (family / PART / "part.yaml").touch()
    (family / PART / "required_features.fasm").write_text("CLBLL_L_X0Y0.SLICEL_X0.NOCLKINV\n")
    return family
