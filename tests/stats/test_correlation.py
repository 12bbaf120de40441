"""Correlations of level means against their definitions, against scipy, and where they are
undefined.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec, UnknownName
from core.stats.correlation import CORRELATIONS, correlation, correlations, normality, row_correlations
from tests.reference import correlation as slow

NAN = float("nan")
# Eighths tie often; thousandths seldom; some points are undefined.
POINT = st.one_of(st.integers(0, 8).map(lambda n: n / 8), st.integers(0, 1000).map(lambda n: n / 1000), st.just(NAN))
SERIES = st.integers(1, 26).flatmap(lambda n: st.tuples(*[st.lists(POINT, min_size=n, max_size=n)] * 2))
ACCURACY = np.linspace(0.98, 0.1, 26)
SOFT_IOU = np.array([0.21, 0.22, 0.24, *np.linspace(0.23, 0.02, 18), 0, 0, 0, 0, 0])


@settings(max_examples=150, deadline=None)
@given(series=SERIES)
def test_equals_its_definition(series: tuple[list[float], list[float]]) -> None:
    a, b = series
    expected = slow.correlations(a, b)
    rows = row_correlations(np.array([a, b]), np.array([b, a]))
    n = sum(not np.isnan(x + y) for x, y in zip(a, b, strict=True))
    for name, found in zip(CORRELATIONS, correlations(a, b), strict=True):
        assert (found.name, found.n, found.df) == (name, n, n - 2)
        if expected[name] is None:
            assert found.value is None
            assert found.p is None
            assert np.isnan(rows[name]).all()
        else:
            assert found.value == pytest.approx(expected[name], abs=1e-9)
            assert rows[name].tolist() == pytest.approx([expected[name]] * 2, abs=1e-9)
            assert 0 <= found.p <= 1


def test_26_levels_have_24_degrees_of_freedom() -> None:
    """The thesis prints 25. Pearson's p is that of t over 24."""
    from scipy import stats

    assert [found.df for found in correlations(ACCURACY, SOFT_IOU)] == [24, 24, 24]
    found = correlation("pearson", ACCURACY, SOFT_IOU)
    t = found.value * (24 / (1 - found.value**2)) ** 0.5
    assert found.p == pytest.approx(2 * stats.t.sf(t, 24), rel=1e-6, abs=0)
    assert found.p != pytest.approx(2 * stats.t.sf(t, 25), rel=1e-2, abs=0)


def test_known_values() -> None:
    """Five points by hand: one swap of neighbours of ten pairs; Spearman 1 - 6 x 2 / (5 x 24)."""
    a, b = [1, 2, 3, 4, 5], [1, 3, 2, 4, 5]
    assert [found.value for found in correlations(a, b)] == pytest.approx([0.9, 0.9, 0.8])
    assert correlation("kendall", a, b).p == pytest.approx(10 / 120)  # 1 + 4 orders of 120 are as near, on either side
    assert [found.value for found in correlations(a, a[::-1])] == pytest.approx([-1, -1, -1])


@pytest.mark.parametrize(
    ("a", "b", "n"),
    [
        ([], [], 0),
        ([1], [2], 1),
        ([1, 2], [1, 2], 2),
        ([1, 1, 1, 1], [1, 2, 3, 4], 4),
        ([1, 2, 3, 4], [0, 0, 0, 0], 4),
        ([0.1 + 0.2, 0.3, 0.3], [1, 2, 3], 3),  # constant but for rounding
        ([1, 2, None, NAN], [1, 2, 3, 4], 2),
    ],
)
def test_undefined(a: list, b: list, n: int) -> None:
    for found in correlations(a, b):
        assert (found.value, found.p, found.n, found.df) == (None, None, n, n - 2)


def test_undefined_points_are_left_out() -> None:
    with_holes = correlations([1, None, 2, 3, 5], [2, 7, NAN, 1, 4])
    assert with_holes == correlations([1, 3, 5], [2, 1, 4])


def test_rows_may_have_more_dimensions_or_too_few_points() -> None:
    a, b = np.random.default_rng(0).random((2, 4, 3, 26))
    found = row_correlations(a, b)
    assert {values.shape for values in found.values()} == {(4, 3)}
    assert found["kendall"][2, 1] == pytest.approx(correlation("kendall", a[2, 1], b[2, 1]).value)
    for few in (0, 2):
        assert all(np.isnan(values).all() for values in row_correlations(a[..., :few], b[..., :few]).values())


def test_tiny_values_do_not_vanish() -> None:
    tiny = np.array([[1.0, 3.0, 2.0, 5.0]]) * 1e-200
    assert row_correlations(tiny, tiny)["pearson"].tolist() == pytest.approx([1.0])


def test_bad_questions() -> None:
    with pytest.raises(BadSpec):
        correlation("pearson", [1, 2, 3], [1, 2])
    with pytest.raises(UnknownName, match="pearson"):
        correlation("person", [1, 2, 3], [1, 2, 3])


def test_normality_equals_scipy() -> None:
    from scipy import stats

    found, theirs = normality([*SOFT_IOU, None]), stats.shapiro(SOFT_IOU)
    assert (found.statistic, found.p, found.n) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue), 26)


def test_normality_tells_normal_from_not() -> None:
    even = (np.arange(26) + 0.5) / 26
    assert normality(np.log(even / (1 - even))).p > 0.5  # logistic, nearly normal
    assert normality([0.98] * 20 + [0.1] * 6).p < 0.001


@pytest.mark.parametrize("series", [[], [1, 2], [1, 2, NAN], [0.5] * 26])
def test_normality_undefined(series: list) -> None:
    found = normality(series)
    assert (found.statistic, found.p) == (None, None)
    assert found.n == sum(value == value for value in series)
