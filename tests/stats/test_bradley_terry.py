"""Strengths with ties: against a search for the maximum, closed forms, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats.bradley_terry import Counts, count_pairs, strengths
from core.stats.preference import Z
from tests.reference import preference as slow

ANSWER = st.tuples(st.integers(0, 2), st.integers(1, 2), st.sampled_from([-1, 0, 1]))


def counted(rows: list[tuple[int, int, int]], items: int = 3) -> Counts:
    """From rows of first item, distance to the second, answer."""
    first, apart, answers = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return count_pairs(first, (first + apart) % items, answers, items)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ANSWER, min_size=20, max_size=60), start=st.tuples(*[st.floats(-2, 2)] * 3))
def test_no_search_finds_a_larger_likelihood(rows: list[tuple[int, int, int]], start: tuple[float, ...]) -> None:
    counts = counted(rows)
    found = strengths(counts)
    assume(found.problem is None and found.tie is not None)
    wins, ties = counts.wins.tolist(), counts.ties.tolist()
    values, tie = [each.value for each in found.strengths], math.log(found.tie.value)
    at, log_tie = slow.davidson(wins, ties, start)
    assert found.log_likelihood == pytest.approx(slow.log_likelihood(values, tie, wins, ties))
    assert found.log_likelihood >= slow.log_likelihood(at, log_tie, wins, ties) - 1e-9
    assert sum(values) == pytest.approx(0, abs=1e-9)
    assert (*values, tie) == pytest.approx((*at, log_tie), abs=1e-3)


def test_errors_are_those_of_the_curvature() -> None:
    wins = np.array([[0, 71, 114], [81, 0, 108], [102, 87, 0]])
    ties = np.array([[0, 96, 32], [96, 0, 54], [32, 54, 0]])
    found = strengths(Counts(wins=wins, ties=ties))
    values, log_tie = [each.value for each in found.strengths], math.log(found.tie.value)
    *expected, of_tie = slow.davidson_errors(values, log_tie, wins.tolist(), ties.tolist())
    for each, error in zip(found.strengths, expected, strict=False):
        assert (each.low, each.high) == pytest.approx((each.value - Z * error, each.value + Z * error), abs=1e-5)
    assert (found.tie.low, found.tie.high) == pytest.approx(
        (math.exp(log_tie - Z * of_tie), math.exp(log_tie + Z * of_tie)), abs=1e-5
    )
    assert (found.n, found.pairs, found.items, found.groups) == (wins.sum() + ties.sum() // 2, 3, 3, ((0, 1, 2),))


@settings(max_examples=40, deadline=None)
@given(less=st.integers(1, 90), more=st.integers(1, 90), equal=st.integers(0, 90))
def test_two_items_have_a_closed_form(less: int, more: int, equal: int) -> None:
    found = strengths(_pair(less, more, equal))
    first, second = found.strengths
    assert first.value == pytest.approx(math.log(less / more) / 2, abs=1e-5)
    assert second.value == pytest.approx(-first.value)
    assert (found.tie is None) == (equal == 0)
    if equal:
        assert found.tie.value == pytest.approx(equal / math.sqrt(less * more), rel=1e-4)
    else:  # the variance of a log odds
        assert first.high - first.low == pytest.approx(Z * math.sqrt(1 / less + 1 / more), rel=1e-4)


def _pair(less: int, more: int, equal: int) -> Counts:
    answers = [-1] * less + [1] * more + [0] * equal
    return count_pairs([0] * len(answers), [1] * len(answers), answers, 2)


def test_it_recovers_the_strengths_of_a_simulation() -> None:
    draw, true, tie = np.random.default_rng(0), np.array([0.6, 0.1, -0.2, -0.5]), 0.7
    first = draw.integers(0, 4, 40_000)
    second = (first + draw.integers(1, 4, len(first))) % 4
    weights = np.stack([np.exp(true[first]), np.exp(true[second]), tie * np.exp((true[first] + true[second]) / 2)])
    chosen = (draw.random(len(first)) > np.cumsum(weights / weights.sum(0), axis=0)[:2]).sum(0)
    found = strengths(count_pairs(first, second, np.array([-1, 1, 0])[chosen], 4))
    assert [each.value for each in found.strengths] == pytest.approx(true, abs=0.04)
    assert found.tie.value == pytest.approx(tie, abs=0.03)
    assert all(each.low < value < each.high for each, value in zip(found.strengths, true, strict=True))


def test_the_order_of_the_two_sides_does_not_matter() -> None:
    rows = [(0, 1, -1), (1, 1, 1), (2, 1, 0), (0, 2, 1), (1, 2, -1), (0, 1, 1)]
    first, apart, answers = np.array(rows).T
    second = (first + apart) % 3
    one, other = count_pairs(first, second, answers, 3), count_pairs(second, first, -answers, 3)
    assert (one.wins == other.wins).all()
    assert (one.ties == other.ties).all()


@pytest.mark.parametrize(
    ("wins", "ties", "groups", "problem"),
    [
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]], 2, "no answers"),
        ([[0, 5], [0, 0]], [[0, 0], [0, 0]], 1, "without end"),
        ([[0, 5], [0, 0]], [[0, 2], [2, 0]], 1, "without end"),
        ([[0, 0], [0, 0]], [[0, 2], [2, 0]], 1, "ties"),
        ([[0, 2, 0], [3, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]], 2, "2 groups"),
        # Ties link all items, and yet the likelihood grows: 0 beats 2, both tie with 1.
        ([[0, 0, 3], [0, 0, 0], [0, 0, 0]], [[0, 1, 0], [1, 0, 1], [0, 1, 0]], 1, "without end"),
    ],
)
def test_where_there_is_no_maximum(wins: list, ties: list, groups: int, problem: str) -> None:
    found = strengths(Counts(wins=np.array(wins), ties=np.array(ties)))
    assert (found.strengths, found.tie, found.log_likelihood) == (None, None, None)
    assert problem in found.problem
    assert len(found.groups) == groups


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ANSWER, max_size=12))
def test_numbers_are_finite_or_absent(rows: list[tuple[int, int, int]]) -> None:
    """A problem is stated exactly where a direction makes what was observed ever more probable."""
    counts = counted(rows)
    found = strengths(counts)
    assert (found.strengths is None) == (found.problem is not None)
    assert found.n == len(rows)
    if found.strengths is not None:
        numbers = [x for each in found.strengths for x in (each.value, each.low, each.high)]
        assert max(map(abs, numbers)) < 100
    if len(found.groups) == 1 and counts.ties.any() and counts.wins.any():
        grows = slow.grows_somewhere(counts.wins.tolist(), counts.ties.tolist())
        assert (found.problem is not None) == grows


def test_bad_questions() -> None:
    two = np.zeros((2, 2), dtype=np.int64)
    for wins, ties in ((np.eye(2), two), (-np.ones((2, 2)), two), (np.zeros((2, 3)), two), (two, np.triu(two + 1, 1))):
        with pytest.raises(BadSpec):
            strengths(Counts(wins=wins, ties=ties))
    with pytest.raises(BadSpec):
        count_pairs([0], [2], [1], 2)
    with pytest.raises(BadSpec):
        count_pairs([0], [1], [3], 2)
