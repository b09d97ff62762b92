"""The temperature is the most likely one, and the calibration error is what its definition says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from host_build.assemble.calibration import calibration_error, fit_temperature


def _overconfident(factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from true logits, and the logits a network sure of itself would give."""
    random = np.random.default_rng(4)
    logits = random.normal(0, 2, (20_000, 10))
    labels = np.array([random.choice(10, p=row) for row in softmax(logits, axis=1)])
    return labels, factor * logits


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_temperature_undoes_a_network_too_sure_of_itself(factor):
    labels, given = _overconfident(factor)
    temperature = fit_temperature(given, labels)
    assert temperature == pytest.approx(factor, rel=0.03)
    before = calibration_error(softmax(given, axis=1), labels)
    after = calibration_error(softmax(given / temperature, axis=1), labels)
    assert after < 0.01
    assert factor == 1 or after < before


def test_calibration_error_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.41, 0.59]])
    labels = np.array([0, 1, 1, 1])
    # The first two share a bin (gap 0.4 each), the others another one, or neighbours (0.4, 0.41).
    assert calibration_error(probabilities, labels) == pytest.approx((0.8 + 0.81) / 4)


def test_fully_sure_and_always_right_is_perfect():
    assert calibration_error(np.eye(10), np.arange(10)) == 0
