"""Wilson's interval against its definition, and at its edges."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats import wilson
from core.stats.intervals import chance_probability
from tests.reference import intervals as slow


@settings(max_examples=60, deadline=None)
@given(total=st.integers(1, 5000), share=st.floats(0, 1), confidence=st.floats(0.05, 0.999))
def test_equals_its_definition(total: int, share: float, confidence: float) -> None:
    correct = round(share * total)
    low, high = wilson(correct, total, confidence)
    assert (low, high) == pytest.approx(slow.wilson(correct, total, confidence), abs=1e-9)
    assert 0 <= low <= correct / total <= high <= 1


def test_known_value() -> None:
    """Newcombe 1998, Table I: 81 of 263."""
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize("total", [1, 7, 5000])
def test_ends_are_exact(total: int) -> None:
    assert wilson(0, total)[0] == 0.0
    assert wilson(total, total)[1] == 1.0


@pytest.mark.parametrize("bad", [(0, 0), (-1, 5), (6, 5), (1.5, 5), (1, 5, 0.0), (1, 5, 1.0), (1, 5, float("nan"))])
def test_says_what_cannot_be_asked(bad: tuple) -> None:
    with pytest.raises(BadSpec):
        wilson(*bad)


@given(st.integers(1, 300), st.floats(0, 1), st.integers(1, 1000))
def test_the_luck_of_guessing_is_a_binomial_tail(total: int, share: float, classes: int) -> None:
    correct = round(share * total)
    expected = sum(
        math.comb(total, right) * Fraction(1, classes) ** right * Fraction(classes - 1, classes) ** (total - right)
        for right in range(correct, total + 1)
    )
    assert chance_probability(correct, total, classes) == pytest.approx(float(expected), rel=1e-9, abs=1e-300)
