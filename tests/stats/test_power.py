"""How many answers a study needs: against exact power, and both directions against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats.power import StudyDesign, detectable, needed
from core.stats.preference import preference
from tests.reference import preference as slow

DESIGNS = st.builds(
    StudyDesign,
    answers_a_person=st.integers(1, 60),
    correlation=st.floats(0, 0.5),
    tie_share=st.floats(0, 0.7),
)


@pytest.mark.parametrize("share", [0.55, 0.6, 0.65, 0.7, 0.35])
def test_independent_answers_have_the_promised_power(share: float) -> None:
    """Exactly, over all outcomes: the normal approximation is within three points of 80 %."""
    n = needed(share).independent
    assert slow.power(n, share, lambda k, n: preference(n - k, k).p < 0.05) == pytest.approx(0.8, abs=0.03)


def test_a_known_number() -> None:
    """60 % against 50 %, two-sided 5 %, power 80 %: 194 answers."""
    found = needed(0.6)
    assert (found.independent, found.decided, found.participants, found.n) == (194, 194, 194, 194)


def test_a_design_effect_of_two_doubles_the_answers() -> None:
    found = needed(0.6, StudyDesign(answers_a_person=11, correlation=0.1))
    assert found.design.design_effect == pytest.approx(2)
    assert 2 * 194 <= found.n == found.decided == 11 * found.participants
    assert found.participants == 38  # 36 by normal quantiles


def test_half_ties_double_the_participants_that_give_one_answer() -> None:
    assert needed(0.6, StudyDesign(tie_share=0.5)).participants == pytest.approx(2 * 194, abs=1)


@settings(max_examples=150, deadline=None)
@given(share=st.floats(0.52, 0.98), design=DESIGNS, power=st.floats(0.5, 0.95))
def test_what_is_needed_for_a_preference_detects_it(share: float, design: StudyDesign, power: float) -> None:
    found = needed(share, design, power)
    assert found.decided <= found.n == found.participants * design.answers_a_person
    enough = detectable(found.participants, design, power)
    assert enough.preference is not None
    assert enough.preference <= share + 1e-5
    if found.participants > 1:
        fewer = detectable(found.participants - 1, design, power).preference
        assert fewer is None or fewer >= share - 1e-5
    assert needed(1 - share, design, power).independent == pytest.approx(found.independent, abs=1)


def test_no_study_is_large_enough_for_an_even_preference() -> None:
    found = needed(0.5)
    assert (found.independent, found.decided, found.participants, found.n) == (None, None, None, None)


def test_three_answers_detect_nothing() -> None:
    assert detectable(3).preference is None
    assert 0.99 < detectable(4).preference <= 1


def test_one_person_alone_detects_nothing() -> None:
    assert detectable(1, StudyDesign(answers_a_person=1000)).preference is None
    assert detectable(2, StudyDesign(answers_a_person=1000)).preference is not None


@pytest.mark.parametrize(("share", "answers", "correlation"), [(0.65, 20, 0.1), (0.7, 10, 0.2)])
def test_a_study_of_the_needed_size_has_the_promised_power(share: float, answers: int, correlation: float) -> None:
    """By Student's t test of the shares of participants, whose true shares follow a beta
    distribution.
    """
    from scipy import stats

    size = needed(share, StudyDesign(answers_a_person=answers, correlation=correlation)).participants
    spread = (1 - correlation) / correlation
    draw = np.random.default_rng(0)
    own = draw.binomial(answers, draw.beta(share * spread, (1 - share) * spread, (4000, size))) / answers
    assert 0.78 < (stats.ttest_1samp(own, 0.5, axis=1).pvalue < 0.05).mean() < 0.86


def test_bad_questions() -> None:
    for share in (-0.1, 1.2):
        with pytest.raises(BadSpec):
            needed(share)
    for power in (0.4, 1.0):
        with pytest.raises(BadSpec):
            detectable(10, power=power)
    for bad in ({"answers_a_person": 0}, {"correlation": 1.5}, {"tie_share": 1.0}):
        with pytest.raises(BadSpec):
            StudyDesign(**bad)
