"""Right against wrong predictions: against definitions, against scipy, and where a group is
missing.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats.paired import correct_against_wrong, paired_by_class, signed_rank_p
from tests.reference import correlation as slow

NAN = float("nan")
ROW = st.tuples(st.one_of(st.integers(0, 16).map(lambda n: n / 16), st.just(NAN)), st.booleans(), st.integers(0, 3))


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=40), least=st.integers(1, 4))
def test_paired_equals_its_definition(rows: list[tuple[float, bool, int]], least: int) -> None:
    score, correct, label = (list(column) for column in zip(*rows, strict=True))
    expected = slow.paired_by_class(score, correct, label, least)
    found = paired_by_class(score, correct, label, least)
    assert {each.label: each.difference for each in found.by_class} == pytest.approx(expected)
    values = [each.difference for each in found.by_class]
    assert (found.classes, found.least) == (len(expected), least)
    assert (found.higher, found.lower, found.equal) == tuple(sum(np.sign(values) == side) for side in (1, -1, 0))
    assert found.images == sum(label[i] in expected and not np.isnan(score[i]) for i in range(len(rows)))
    assert found.difference == (pytest.approx(np.mean(values)) if values else None)
    assert (found.low is None) == (found.high is None) == (len(values) < 2)


@pytest.mark.filterwarnings("ignore:Precision loss")  # scipy's, where groups are nearly constant
@settings(max_examples=100, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=40))
def test_unpaired_equals_scipy(rows: list[tuple[float, bool, int]]) -> None:
    from scipy import stats

    score, correct, _ = (np.array(column) for column in zip(*rows, strict=True))
    found = correct_against_wrong(score, correct)
    a, b = (score[~np.isnan(score) & (correct == side)] for side in (True, False))
    assert (found.n_correct, found.n_wrong, found.left_out) == (len(a), len(b), np.isnan(score).sum())
    assert found.difference == (pytest.approx(a.mean() - b.mean()) if len(a) and len(b) else None)
    assert found.mean_correct == (pytest.approx(a.mean()) if len(a) else None)
    assert found.mean_wrong == (pytest.approx(b.mean()) if len(b) else None)
    if min(len(a), len(b)) < 2:
        assert (found.low, found.high) == (None, None)
    elif a.var() + b.var() == 0:
        assert found.low == found.high == found.difference
    else:
        theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
        assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-9), pytest.approx(theirs.high, abs=1e-9))


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(-6, 6), max_size=8))
def test_signed_ranks_equal_their_definition_with_ties_and_zeros(values: list[int]) -> None:
    expected = slow.signed_rank_p([float(value) for value in values])
    assert signed_rank_p(values) == (None if expected is None else pytest.approx(expected))


def test_signed_ranks_known_value() -> None:
    """Ten classes that all point one way: 2 of 1,024 ways are as far out."""
    assert signed_rank_p(np.arange(1, 11)) == pytest.approx(2 / 1024)


def test_pairing_by_class_undoes_a_mixture() -> None:
    """Ones have thin ink and low scores but are mostly right: within each class right predictions
    score 0.1 higher, over all lower.
    """
    label = np.repeat([0, 1], 100)
    correct = np.concatenate([np.arange(100) < 10, np.arange(100) < 90])
    score = np.where(label == 0, 0.6, 0.1) + 0.1 * correct
    assert correct_against_wrong(score, correct).difference < -0.2
    found = paired_by_class(score, correct, label)
    assert found.difference == pytest.approx(0.1)
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert (found.classes, found.images, found.higher, found.lower) == (2, 200, 2, 0)


def test_the_interval_is_over_classes() -> None:
    from scipy import stats

    generator = np.random.default_rng(3)
    label, correct, score = generator.integers(0, 10, 2000), generator.random(2000) < 0.7, generator.random(2000)
    found = paired_by_class(score, correct, label)
    values = [each.difference for each in found.by_class]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert found.p == pytest.approx(slow.signed_rank_p(values))
    assert [each.label for each in found.by_class] == list(range(10))
    assert found.by_class[4].n_correct == ((label == 4) & correct).sum()


@pytest.mark.parametrize("side", [True, False])
def test_all_right_or_all_wrong(side: bool) -> None:
    correct, score = np.full(20, side), np.linspace(0, 1, 20)
    group, paired = correct_against_wrong(score, correct), paired_by_class(score, correct, np.arange(20) % 2)
    assert (group.difference, group.low, group.high) == (None, None, None)
    assert {group.n_correct, group.n_wrong} == {0, 20}
    assert (paired.difference, paired.low, paired.high, paired.p, paired.classes, paired.images) == (
        None,
        None,
        None,
        None,
        0,
        0,
    )


def test_no_images_and_no_scores() -> None:
    for score in ([], [NAN, NAN]):
        right = [True, False][: len(score)]
        assert correct_against_wrong(score, right).difference is None
        assert paired_by_class(score, right, [0, 0][: len(score)]).difference is None


def test_too_few_of_a_class_do_not_count() -> None:
    correct = np.array([True] * 6 + [False] * 4)
    assert paired_by_class(np.ones(10), correct, np.zeros(10)).classes == 0
    assert paired_by_class(np.ones(10), correct, np.zeros(10), least=4).classes == 1


def test_bad_questions() -> None:
    with pytest.raises(BadSpec):
        correct_against_wrong([0.1, 0.2], [True])
    with pytest.raises(BadSpec):
        paired_by_class([0.1], [True], [0, 1])
    with pytest.raises(BadSpec):
        paired_by_class([0.1], [True], [0], least=0)
