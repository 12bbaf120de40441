"""Intervals of clustered answers: against the solved equations, drawn answers written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec, UnknownName
from core.stats import clustered
from core.stats.bootstrap import t_quantile
from core.stats.clustered import (
    BY_PARTICIPANT,
    CROSSED,
    EXCHANGEABLE,
    INDEPENDENT,
    NET,
    SHARE,
    TWO_WAY,
    bootstrap_preference,
    decided,
    gee_share,
    image_draws,
    participant_draws,
    two_way_share,
)
from tests.reference import preference as slow

ANSWER = st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 7), st.integers(0, 6))


def study(people: int, answers: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), answers)
    logit = 0.3 + draw.normal(0, spread, people)[who]
    return draw.random(len(who)) < 1 / (1 + np.exp(-logit)), who


@pytest.mark.parametrize("seed", range(5))
def test_gee_solves_its_equations(seed: int) -> None:
    right, who = study(12, 15, 0.8, seed)
    kept = np.random.default_rng(seed).random(len(who)) < 0.7  # unequal numbers of answers
    right, who = right[kept], who[kept]
    found = gee_share(right, who * 10 - 3)
    logit, error, correlation = slow.exchangeable(right.astype(float).tolist(), who.tolist())
    half = t_quantile(11) * error
    expected = [1 / (1 + math.exp(-each)) for each in (logit, logit - half, logit + half)]
    assert (found.method, found.n, found.participants) == (EXCHANGEABLE, len(right), 12)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=1e-4)
    assert found.correlation == pytest.approx(correlation, abs=1e-4)


def test_equally_many_answers_give_the_plain_share() -> None:
    right, who = study(9, 6, 0.5, 1)
    found = gee_share(right, who)
    assert found.value == pytest.approx(right.mean())
    assert found.low < found.value < found.high


def test_answers_that_resemble_each_other_count_less() -> None:
    """Everybody gives one answer ten times: the interval is that of one answer each."""
    right = np.random.default_rng(0).random(40) < 0.6
    who = np.arange(40)
    once = gee_share(right, who)
    often = gee_share(np.r_[np.repeat(right, 10), True, False], np.r_[np.repeat(who, 10), 40, 40])
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.05)


@pytest.mark.parametrize(
    ("right", "who"),
    [
        ([True, False, True, True, False, True], range(6)),  # one answer each: no correlation
        ([0, 0, 1, 1], [0, 0, 1, 1]),  # the moment estimate of the correlation is 1.5
    ],
)
def test_gee_falls_back_to_independence_and_says_so(right: list, who: list) -> None:
    found = gee_share(right, list(who))
    assert (found.method, found.correlation, found.problem) == (INDEPENDENT, None, None)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(np.mean(right))


def test_gee_that_does_not_converge_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from statsmodels.genmod.generalized_estimating_equations import GEE, GEEResults

    fit = GEE.fit

    def only_independence(self: GEE, *args: object, **options: object) -> GEEResults:
        found = fit(self, *args, **options)
        found.converged = type(self.cov_struct).__name__ == "Independence"
        return found

    right, who = study(10, 8, 0.5, 2)
    assert gee_share(right, who).method == EXCHANGEABLE
    monkeypatch.setattr(GEE, "fit", only_independence)
    assert gee_share(right, who).method == INDEPENDENT


@pytest.mark.parametrize(
    ("right", "who", "problem"),
    [
        ([], [], "no answers"),
        ([True, False], [3, 3], "one participant"),
        ([True] * 4, [0, 0, 1, 1], "are the same"),
        ([True, False] * 3, [0, 0, 1, 1, 2, 2], "same share"),
    ],
)
def test_gee_without_an_interval(right: list, who: list, problem: str) -> None:
    found = gee_share(right, who)
    assert (found.low, found.high, found.n) == (None, None, len(right))
    assert problem in found.problem
    assert found.value == (np.mean(right) if right else None)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ANSWER, max_size=8) | st.lists(ANSWER, min_size=20, max_size=60),
    statistic=st.sampled_from([SHARE, NET]),
    crossed=st.booleans(),
)
def test_an_interval_is_of_drawn_answers_written_out(
    rows: list[tuple[int, int, int]], statistic: str, crossed: bool
) -> None:
    answers, who, items = ([row[place] for row in rows] for place in range(3))
    found = bootstrap_preference(answers, who, items if crossed else None, statistic)
    value = slow.share if statistic == SHARE else slow.net
    kept = [row for row in rows if statistic == NET or row[0] != 0]
    people, images = (sorted({row[place] for row in kept}) for place in (1, 2))
    assert (found.value, found.n) == (pytest.approx(value(answers)), len(kept))
    assert (found.participants, found.items) == (len(people), len(images) if crossed else None)
    assert found.method == (CROSSED if crossed else BY_PARTICIPANT)
    assert (found.problem is None) == (found.low is not None) == (found.high is not None)
    if found.problem is not None:
        return
    assert found.resamples + found.left_out == 2000
    given, by, about = ([row[place] for row in kept] for place in range(3))
    counts = participant_draws(len(people))
    on = image_draws(len(images)) if crossed else [None] * len(counts)
    expected = [
        value(
            slow.drawn(given, [people.index(each) for each in by], counts[k], on[k], [images.index(i) for i in about])
        )
        for k in range(30)
    ]
    row, column = (np.array([names.index(each) for each in ids]) for names, ids in ((people, by), (images, about)))
    values = np.array(given) > 0 if statistic == SHARE else np.array(given)
    drawn = clustered._drawn_means(values.astype(float), row, column if crossed else None, 0)
    assert drawn[:30].tolist() == pytest.approx([math.nan if x is None else x for x in expected], nan_ok=True)
    assert np.nanmin(drawn) <= found.low <= found.high <= np.nanmax(drawn)


def test_draws_are_those_of_their_seed() -> None:
    right, who = study(15, 4, 0.5, 0)
    answers = np.where(right, 1, -1)
    one, other = bootstrap_preference(answers, who), bootstrap_preference(answers, who, seed=1)
    assert one == bootstrap_preference(answers, who)
    assert (one.low, one.high) != (other.low, other.high)
    assert (one.seed, other.seed) == (0, 1)


def test_percentiles_widen_for_few_participants() -> None:
    tails = [clustered.expanded_tails(n)[0] for n in (5, 10, 40, 100_000)]
    assert tails == sorted(tails)
    assert tails[0] > 0
    assert tails[-1] == pytest.approx(0.025, rel=1e-3)


def test_images_that_differ_widen_the_crossed_interval() -> None:
    who, items = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
    answers = np.where(items < 12, 1, -1)
    answers[who == 0] *= -1
    narrow, wide = bootstrap_preference(answers, who), bootstrap_preference(answers, who, items)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


@pytest.mark.parametrize("seed", range(4))
def test_two_way_errors_equal_their_definition(seed: int) -> None:
    right, who = study(10, 14, 0.8, seed)
    items = np.random.default_rng(seed).integers(0, 9, len(who))
    found = two_way_share(right, who + 5, items * 2)
    logit, variances = slow.logistic_share(right.tolist(), [who.tolist(), items.tolist()])
    variances[2] = variances[0] + variances[1] - variances[2]
    half = t_quantile(8) * math.sqrt(max(variances))
    expected = [1 / (1 + math.exp(-each)) for each in (logit, logit - half, logit + half)]
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=1e-6)
    assert (found.method, found.n, found.participants, found.items) == (TWO_WAY, len(right), 10, 9)


@pytest.mark.parametrize(
    ("right", "who", "items", "problem"),
    [
        ([], [], [], "no answers"),
        ([1, 0], [0, 0], [0, 1], "one participant"),
        ([1, 0], [0, 1], [0, 0], "one image"),
        ([1, 1], [0, 1], [0, 1], "are the same"),
        ([1, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1], "errors are 0"),
    ],
)
def test_two_ways_without_an_interval(right: list, who: list, items: list, problem: str) -> None:
    found = two_way_share(right, who, items)
    assert (found.low, found.high, found.n) == (None, None, len(right))
    assert problem in found.problem


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ANSWER, max_size=25))
def test_any_answers_have_an_interval_or_a_reason(rows: list[tuple[int, int, int]]) -> None:
    right, who, items = ([row[place] for row in rows] for place in range(3))
    right = [answer > 0 for answer in right]
    for found in (gee_share(right, who), two_way_share(right, who, items)):
        assert (found.low is None) == (found.high is None) == (found.problem is not None)
        if found.low is not None:
            assert 0 <= found.low <= found.value <= found.high <= 1


def test_too_few_to_draw_from() -> None:
    found = bootstrap_preference([1, -1, 1, 1], [0, 1, 2, 3])
    assert (found.value, found.low, found.high, found.resamples, found.seed) == (0.75, None, None, 0, None)
    assert "participants are too few" in found.problem
    few_images = bootstrap_preference([1, -1, 1, 1, 1], range(5), [0, 0, 0, 1, 1])
    assert "or images" in few_images.problem


def test_decided_answers_leave_out_ties() -> None:
    right, who = decided([1, 0, -1, 1], [5, 6, 7, 8])
    assert (right.tolist(), who.tolist()) == ([True, False, True], [5, 7, 8])


def test_bad_questions() -> None:
    with pytest.raises(BadSpec):
        gee_share([True], [1, 2])
    with pytest.raises(BadSpec):
        bootstrap_preference([2], [1])
    with pytest.raises(UnknownName):
        bootstrap_preference([1], [1], statistic="odds")
