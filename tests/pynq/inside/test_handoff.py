"""What unmodified pynq makes of our handoff."""

from __future__ import annotations

from pathlib import Path

import pynq
import pytest
from pynq.pl_server.embedded_device import bit2bin, parse_bit_header

from board_app.driver import chip
from host_build.simulation.board import BoardError, SimulatedBoard
from tests.bit_files import bit_file

from .conftest import BUILD, write_overlay


def test_every_ip_with_its_registers(board: SimulatedBoard, bitstream: Path) -> None:
    overlay = pynq.Overlay(str(bitstream), download=False)
    assert set(overlay.ip_dict) == {*chip.IPS, "zynq_ps"} or set(overlay.ip_dict) == set(chip.IPS)
    for name, (kind, address, registers) in chip.IPS.items():
        row = overlay.ip_dict[name]
        assert (row["type"], row["phys_addr"], row["addr_range"]) == (kind, address, 4096)
        found = {key: (r["address_offset"], r["access"]) for key, r in row["registers"].items()}
        assert found == {r.name: (r.offset, r.access) for r in registers}
    fields = overlay.ip_dict["idma0"]["registers"]["CTRL"]["fields"]
    assert {key: row["bit_offset"] for key, row in fields.items()} == {
        "AP_START": 0, "AP_DONE": 1, "AP_IDLE": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mhz", "first", "second"), [(100, 5, 2), (142.857, 7, 1), (125, 4, 2), (50, 5, 4)]
)
def test_the_clock(
    board: SimulatedBoard, tmp_path: Path, mhz: float, first: int, second: int
) -> None:
    overlay = pynq.Overlay(str(write_overlay(tmp_path / "chip.bit", mhz=mhz)))
    assert overlay.clock_dict[0] == {"enable": 1, "divisor0": first, "divisor1": second}
    assert not any(overlay.clock_dict[clock]["enable"] for clock in (1, 2, 3))
    assert pynq.Clocks.fclk0_mhz == pytest.approx(1000 / (first * second), abs=1e-6)
    assert board.fclk0_mhz == pytest.approx(pynq.Clocks.fclk0_mhz, abs=1e-6)


def test_registers_by_name(board: SimulatedBoard, bitstream: Path) -> None:
    overlay = pynq.Overlay(str(bitstream))
    assert overlay.is_loaded()
    assert int(overlay.control0.register_map.build_id) == BUILD
    assert int(overlay.control0.register_map.magic) == chip.MAGIC_VALUE
    overlay.idma0.register_map.numReps = 17
    assert overlay.idma0.read(chip.REPETITIONS) == 17
    assert overlay.idma0.register_map.CTRL.AP_IDLE == 1


def test_buffers_have_a_cache_only_where_asked_for(board: SimulatedBoard, bitstream: Path) -> None:
    pynq.Overlay(str(bitstream))
    cached = pynq.allocate((4, 8), "u1", cacheable=True)
    plain = pynq.allocate((4, 8), "u1")
    start = board.chip.ddr_base
    memory = [board.chip.ddr[b.device_address - start :][:32] for b in (cached, plain)]
    cached[:], plain[:] = 7, 8
    assert not (memory[0] == 7).any() and (memory[1] == 8).all()
    cached[1].flush()
    assert (memory[0] == 7).nonzero()[0].tolist() == list(range(8, 16)), "one row only"
    memory[0][:] = 9
    assert (cached == 7).all()
    cached.invalidate()
    assert (cached == 9).all()


def test_memory_is_given_back(board: SimulatedBoard, bitstream: Path) -> None:
    pynq.Overlay(str(bitstream))
    for _ in range(5):
        buffer = pynq.allocate(5 << 20, "u1", cacheable=True)
        with pytest.raises(RuntimeError, match="Allocate failed"):
            pynq.allocate(5 << 20, "u1")
        buffer.freebuffer()
        buffer.freebuffer()


def test_the_board_refuses_what_a_real_one_would_not_survive(
    board: SimulatedBoard, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="not downloaded"):
        board.allocate(4)
    with pytest.raises(BoardError, match="nothing is at address 0x43c00000"):
        pynq.MMIO(0x43C0_0000).read(0)
    with pytest.raises(BoardError, match="no simulated chip of build 00000007"):
        pynq.Overlay(str(write_overlay(tmp_path / "chip.bit", bit=7)))


def test_a_real_bitstream_is_not_simulated(
    board: SimulatedBoard, bitstream: Path, original: Path
) -> None:
    bitstream.write_bytes((original / "resizer.bit").read_bytes())
    with pytest.raises(BoardError, match="for a real FPGA"):
        pynq.Overlay(str(bitstream))


@pytest.mark.parametrize(
    ("design", "part"),
    [
        ("chip_top;UserID=0X0123ABCD;Version=2022.1", "7z020clg400"),  # Vivado's header
        ("chip.frames;Generator=xc7frames2bit", "xc7z020clg400-1"),  # Project X-Ray's
    ],
)
def test_bitstreams_of_both_tools_are_read(design: str, part: str) -> None:
    content = bit_file(design, part)
    found = parse_bit_header(content)
    assert (found["design"], found["part"]) == (design.split(";")[0], part)
    assert content.endswith(found["data"]) and int(found["length"]) == len(found["data"])
    # The configuration port of the processing system wants every word the other way round.
    assert bit2bin(content)[32:36] == bytes.fromhex("665599aa")
