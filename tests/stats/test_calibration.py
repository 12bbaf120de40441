"""The calibration error equals its definition, bin by bin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stats.calibration import calibration_error

answers = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def slow(pairs: list[tuple[float, bool]], bins: int) -> float:
    """Guo et al. 2017, Eq. 3: bins (0, 1/B], (1/B, 2/B], ...; 0 itself lies in the first."""
    total = 0.0
    for number in range(bins):
        inside = [pair for pair in pairs if min(bins - 1, max(0, math.ceil(pair[0] * bins) - 1)) == number]
        if inside:
            confidence, accuracy = (sum(float(pair[part]) for pair in inside) / len(inside) for part in (0, 1))
            total += len(inside) / len(pairs) * abs(accuracy - confidence)
    return total


@given(answers, st.sampled_from([1, 5, 15]))
def test_it_is_that_of_the_definition(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = (np.array(column) for column in zip(*pairs, strict=True))
    found = calibration_error(confidence, right, bins)
    assert found.value == pytest.approx(slow(pairs, bins), abs=1e-9)
    assert found.n == len(pairs)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.high <= 1 + 1e-9


def test_a_network_that_is_always_sure_and_half_right_is_off_by_a_half() -> None:
    assert calibration_error(np.ones(10), np.arange(10) % 2 == 0).value == 0.5


def test_images_without_a_confidence_are_left_out() -> None:
    found = calibration_error(np.array([1.0, np.nan, 1.0]), np.array([True, False, True]))
    assert (found.value, found.n) == (0, 2)
    assert calibration_error(np.array([np.nan]), np.array([False])).value is None
