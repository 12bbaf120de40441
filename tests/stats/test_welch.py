"""Welch's t test equals SciPy's, Holm's adjustment a slow twin; degenerate groups are undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.stats.multiple import holm
from core.stats.welch import difference

VALUES = st.lists(st.integers(-20, 20).map(lambda value: value / 7), min_size=2, max_size=12)


@given(VALUES, VALUES)
def test_it_equals_scipy(first: list[float], second: list[float]) -> None:
    found = difference(first, second)
    assert found.value == pytest.approx(np.mean(first) - np.mean(second))
    if len(set(first)) == len(set(second)) == 1:
        assert found.p is None
        return
    twin = stats.ttest_ind(first, second, equal_var=False)
    bounds = twin.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=1e-9)
    assert found.p == pytest.approx(twin.pvalue, abs=1e-12)


def test_undefined_values_are_left_out() -> None:
    found = difference([1.0, math.nan, 2.0], [math.nan, 4.0])
    assert (found.n_first, found.n_second, found.value) == (2, 1, -2.5)
    assert found.low is found.high is found.p is None  # one value has no spread
    assert difference([], [1.0]).value is None
    assert difference([1.0, 1.0], [2.0, 2.0]).p is None


def test_tiny_variances_do_not_vanish() -> None:
    found = difference([1e-200, 2e-200, 3e-200], [1e-200, 1.5e-200])
    assert found.p is None or 0 < found.p <= 1


@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_holm_equals_its_definition(p_values: list[float | None]) -> None:
    found = holm(p_values)
    tested = [p for p in p_values if p is not None]
    for p, adjusted in zip(p_values, found, strict=True):
        if p is None:
            assert adjusted is None
            continue
        lower = [other for other in sorted(tested) if other <= p]
        stages = [(len(tested) - rank) * other for rank, other in enumerate(lower)]
        assert adjusted == pytest.approx(min(1.0, max(stages)))
        assert adjusted >= p
