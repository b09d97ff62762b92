"""Every committed bitstream is the circuit that its overlay says, read back from the file itself.

Each is decoded to the last bit, and simulated on a few vectors where that takes less than a minute;
the slower ones are too where $READBACK is set. Images by the hundred are for `readback`.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

from board_app.driver import chip as registers
from board_app.network import overlay, vectors
from host_build.configuration import packets
from host_build.configuration.database import Database
from host_build.implementation.mending import PINS
from host_build.readback import chips, circuit, features, simulate
from host_build.readback.features import Features
from host_build.readback.model import Circuit
from host_build.readback.nodes import Nodes
from host_build.simulation.chip import SimulatedChip

pytestmark = [pytest.mark.slow, pytest.mark.rtl]

COMMITTED = [name for name in overlay.names() if (overlay.OVERLAYS / name / f"{name}.bit").exists()]
# Cycles of a picture alone that are simulated in less than a minute.
QUICK = 40_000
VECTORS = 4
NONE_YET = [pytest.param("", marks=pytest.mark.skip("no overlay has a bitstream yet"))]


def quick(name: str) -> bool:
    return bool(overlay.find(name).manifest.circuit["latency_cycles"] < QUICK)


SIMULATED = [name for name in COMMITTED if quick(name) or "READBACK" in os.environ]


@pytest.fixture(scope="module")
def decoded(database: Database) -> dict[str, Features]:
    """The features of each bitstream; an unknown bit or a wrong checksum is an error."""
    return {name: decode(name, database) for name in COMMITTED}


def decode(name: str, database: Database) -> Features:
    content = (overlay.find(name).folder / f"{name}.bit").read_bytes()
    return features.decode(packets.read(content, database.part), database)


@pytest.mark.parametrize("name", COMMITTED or NONE_YET)
def test_constants_of_dsp_blocks_are_tied(name: str, decoded: dict[str, Features]) -> None:
    blocks = 0
    for tile, on in decoded[name].of.items():
        used = {match[1] for f in on if (match := re.match(r"DSP48\.(DSP_[01])\.", f))}
        for block in used:
            blocks += 1
            for bus, bit in PINS:
                pin = f"{block}_{bus}{bit}.DSP_"
                ties = [f for f in on if f.startswith(pin) and f[len(pin) :][:3] in ("GND", "VCC")]
                assert len(ties) == 1, f"{tile}.{pin} {ties}"
    assert blocks > 0


@pytest.mark.parametrize("name", COMMITTED or NONE_YET)
def test_the_manifest_says_on_how_many_images_it_was_equal(name: str) -> None:
    told = overlay.find(name).manifest.circuit["implemented"]["read_back"]
    assert told["images"] >= 100
    assert told["equal"] == told["images"]


@pytest.mark.parametrize("name", SIMULATED or NONE_YET)
def test_it_computes_the_vectors(
    name: str, decoded: dict[str, Features], database: Database, joined: Nodes
) -> None:
    chosen = overlay.find(name)
    golden, made = vectors.load(chosen), circuit.build(decoded[name], database, joined)
    computes(made, chosen.manifest.build_id, int(chosen.manifest.circuit["cycles_per_frame"]),
             golden.images[:VECTORS], golden.logits[:VECTORS])  # fmt: skip


def computes(
    made: Circuit, build_id: str, cycles: int, images: np.ndarray, logits: np.ndarray
) -> None:
    found = simulate.run(made, int(build_id, 16), images, logits.shape[1], cycles)
    assert np.array_equal(found.logits, logits)
    assert found.pace == pytest.approx(cycles, rel=1e-3)
    # One chip alone, as the simulated board has it.
    chip = SimulatedChip(chips.build(made))
    chip.advance(16)
    control = 2 * registers.WINDOW
    assert chip.read_each([control + registers.MAGIC, control + registers.BUILD_ID]) == [
        registers.MAGIC_VALUE, int(build_id, 16),
    ]  # fmt: skip
