"""Measures against preferences: definitions, known effects, and where undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats.bootstrap import t_quantile
from core.stats.correlation import row_correlations, row_spearman
from core.stats.relation import item_shares, odds_ratio, rank_correlation
from tests.reference import correlation as slow_correlation
from tests.reference import preference as slow

NAN = float("nan")
VALUE = st.one_of(st.integers(-4, 4).map(float), st.just(NAN))


def study(people: int, images: int, effect: float, seed: int) -> tuple[np.ndarray, ...]:
    """Answers of everybody to every image; people and images have tastes of their own."""
    draw = np.random.default_rng(seed)
    who, items = (each.ravel() for each in np.mgrid[:people, :images])
    difference = draw.normal(2, 3, images)
    logit = effect * (difference - 2)[items] / 3 + draw.normal(0, 0.3, people)[who] + draw.normal(0, 0.3, images)[items]
    answers = np.where(draw.random(len(who)) < 1 / (1 + np.exp(-logit)), 1, -1) * (draw.random(len(who)) < 0.7)
    return answers, difference[items], who, items


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.tuples(VALUE, VALUE), max_size=20))
def test_the_rank_correlation_equals_its_definition(rows: list[tuple[float, float]]) -> None:
    x, y = [row[0] for row in rows], [row[1] for row in rows]
    found = rank_correlation(x, y).interval
    expected = slow_correlation.correlations(x, y)["spearman"]
    assert found.value == (None if expected is None else pytest.approx(expected, abs=1e-12))
    assert found.n == sum(not math.isnan(a) and not math.isnan(b) for a, b in rows)
    assert (found.low is None) == (found.value is None)
    if found.value is not None:
        assert -1 <= found.low <= found.high <= 1
        assert found.resamples + found.left_out == 2000


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=6, max_size=6), min_size=1))
def test_fast_rank_correlations_equal_the_general_ones(rows: list[list[tuple[int, int]]]) -> None:
    a, b = np.moveaxis(np.array(rows, dtype=np.float64), -1, 0)
    assert row_spearman(a, b) == pytest.approx(row_correlations(a, b)["spearman"], nan_ok=True)
    assert np.isnan(row_spearman(a[:, :2], b[:, :2])).all()


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 5)), max_size=30))
def test_item_shares_equal_their_definition(rows: list[tuple[int, int]]) -> None:
    answers, items = [row[0] for row in rows], [row[1] for row in rows]
    expected = {item: NAN if share is None else share for item, share in slow.item_shares(answers, items).items()}
    assert item_shares(answers, items) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("by_item", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_odds_ratio_equals_its_definition(seed: int, by_item: bool) -> None:
    answers, difference, who, items = study(8, 10, 0.8, seed)
    found = odds_ratio(answers, difference, who, items if by_item else None)
    kept = answers != 0
    x, y = difference[kept], (answers[kept] > 0).astype(float)
    clusters = [who[kept].tolist(), items[kept].tolist()][: 1 + by_item]
    slope, variances = slow.logistic(((x - x.mean()) / x.std(ddof=1)).tolist(), y.tolist(), clusters)
    if by_item:
        variances[2] = variances[0] + variances[1] - variances[2]
    half = t_quantile(7) * math.sqrt(max(variances))
    assert (found.value, found.low, found.high) == pytest.approx(
        (math.exp(slope), math.exp(slope - half), math.exp(slope + half)), rel=1e-4
    )
    assert (found.n, found.participants, found.items) == (kept.sum(), 8, 10 if by_item else None)
    assert (found.mean, found.sd, found.by_item) == (pytest.approx(x.mean()), pytest.approx(x.std(ddof=1)), by_item)
    assert (found.p < 0.05) == (found.low > 1 or found.high < 1)


def test_units_of_the_measure_do_not_matter() -> None:
    answers, difference, who, items = study(10, 12, 1.0, 5)
    one, other = (odds_ratio(answers, each, who, items) for each in (difference, 1000 * difference - 7))
    assert (one.value, one.low, one.high, one.p) == pytest.approx((other.value, other.low, other.high, other.p))
    assert other.sd == pytest.approx(1000 * one.sd)


@pytest.mark.parametrize(
    ("answers", "difference", "who", "problem"),
    [
        ([], [], [], "no answers"),
        ([0, 0], [1, 2], [0, 1], "no answers"),
        ([1, -1, 1], [1, 2, 3], [0, 0, 0], "one participant"),
        ([1, 1, 1], [1, 2, 3], [0, 1, 2], "are the same"),
        ([1, -1, 1], [2, 2, 2], [0, 1, 2], "same everywhere"),
        ([1, 1, -1], [1, 2, 3], [0, 1, 2], "separates"),
        ([1, 1, -1], [1, 2, 2], [0, 1, 2], "separates"),
    ],
)
def test_undefined(answers: list, difference: list, who: list, problem: str) -> None:
    found = odds_ratio(answers, difference, who)
    assert (found.value, found.low, found.high, found.p) == (None, None, None, None)
    assert problem in found.problem


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from([-1, 0, 1]), VALUE, st.integers(0, 3), st.integers(0, 3)), max_size=25))
def test_any_answers_have_an_odds_ratio_or_a_reason(rows: list[tuple[int, float, int, int]]) -> None:
    answers, difference, who, items = ([row[place] for row in rows] for place in range(4))
    for about in (None, items):
        found = odds_ratio(answers, difference, who, about)
        assert (found.value is None) == (found.problem is not None)
        assert found.n + found.left_out == sum(answer != 0 for answer in answers)
        if found.value is not None:
            assert 0 <= found.low <= found.value <= found.high


def test_bad_questions() -> None:
    with pytest.raises(BadSpec):
        odds_ratio([1, -1], [0.5], [0, 1])
    with pytest.raises(BadSpec):
        rank_correlation([1, 2], [1])
