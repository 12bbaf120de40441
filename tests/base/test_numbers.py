"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.numbers import change, duration, percent, probability, score, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (75, "75 seconds"),
        (1380, "23 minutes"),
        (5401, "1.5 hours"),
        (172_800, "2.0 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_with_their_units() -> None:
    assert [size(count) for count in (999, 2_459, 18_803_656, 4_000_000_000)] == [
        "999 bytes",
        "2.5 kB",
        "18.8 MB",
        "4.0 GB",
    ]
    assert [percent(share) for share in (0.0, 0.3, 0.9999, 0.99999, 1.0)] == [
        "0.0 %",
        "30.0 %",
        "99.99 %",
        "above 99.99 %",
        "100.0 %",
    ]
    assert [score(value) for value in (None, math.nan, -0.001, 0.5, -0.5)] == ["–", "–", "0.00", "0.50", "−0.50"]
    assert [probability(value) for value in (0.0, 0.001, 0.005, 0.5, 1.0)] == ["0.00", "<0.01", "0.01", "0.50", "1.00"]
    assert [change(value) for value in (0.001, -0.001, 0.25, -0.25)] == ["0", "0", "+0.25", "−0.25"]
    assert change(-19.81, 1) == "−19.8"


@given(st.floats(-1, 1), st.floats(0, 1))
def test_a_number_never_says_more_than_it_is(value: float, share: float) -> None:
    assert abs(float(score(value).replace("−", "-")) - value) <= 0.0051
    assert "-" not in score(value)
    assert score(value) != "−0.00"
    assert (percent(share) == "100.0 %") == (share == 1)
    assert (probability(share) == "0.00") == (share == 0)
