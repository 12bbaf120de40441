"""Bounds of paired differences: equal to their definition, and right as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.base.errors import BadSpec
from core.stats.noninferiority import mean_bound, share_bound
from tests.reference import noninferiority as reference


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 60))
def test_the_bound_of_shares_is_tangos(gained: int, lost: int, same: int) -> None:
    total = gained + lost + same
    if total:
        found = share_bound(gained, lost, total)
        assert found == pytest.approx(reference.share_bound(gained, lost, total), abs=2e-4)
        assert -1 <= found <= (gained - lost) / total


def test_no_change_in_few_images_proves_little() -> None:
    assert share_bound(0, 0, 5) < -0.3
    assert share_bound(0, 0, 1000) == pytest.approx(-0.0027, abs=2e-4)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=50), st.sampled_from([0.9, 0.95, 0.999]))
def test_the_bound_of_means_is_students(values: list[float], confidence: float) -> None:
    x = np.array(values)
    expected = x.mean() - stats.t.ppf(confidence, len(x) - 1) * stats.sem(x)
    assert mean_bound([*values, float("nan")], confidence) == pytest.approx(expected, abs=1e-9)


def test_too_little_to_say() -> None:
    assert mean_bound([]) is None
    assert mean_bound([0.5, float("nan")]) is None
    for counts in ((2, 2, 3), (-1, 0, 3), (0, 0, 0)):
        with pytest.raises(BadSpec):
            share_bound(*counts)


def test_a_true_difference_at_the_bound_is_passed_in_one_of_twenty() -> None:
    """2,000 simulated data sets of 200 images whose true difference is the tolerance exactly."""
    random = np.random.default_rng(0)
    counts = random.multinomial(200, (0.03, 0.05, 0.92), size=2000)
    passed = np.mean([share_bound(gained, lost, 200) > -0.02 for gained, lost, _ in counts])
    assert passed < 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5
    means = random.normal(-0.02, 0.2, (2000, 100))
    passed = np.mean([(mean_bound(row) or -1) > -0.02 for row in means])
    assert 0.03 < passed < 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5
