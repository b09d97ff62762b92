"""The circuit that was read, as SystemVerilog."""

from __future__ import annotations

from host_build.readback.verilog import _guarded


def test_an_enable_of_thousands_does_not_make_one_line() -> None:
    """Verilator refuses lines of more than 40,000 tokens."""
    changes = [f"q{k}|0|d{k}" for k in range(20_000)]
    body = _guarded("reset", "enable", changes)
    assert all(f"q{k} <= d{k};" in body for k in (0, 19_999))
    assert max(map(len, body.splitlines())) < 200
