"""A slower machine gets more seconds, and no more than may be."""

from __future__ import annotations

import pytest

from board_app.pictures import calibration


def test_slowness(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= calibration.slowness() < 4  # where these tests run, at whatever load
    monkeypatch.setattr(calibration, "_REFERENCE", 1000.0)
    assert calibration.slowness() == 1
    monkeypatch.setattr(calibration, "_REFERENCE", 1e-9)
    assert calibration.slowness() == calibration._MOST
