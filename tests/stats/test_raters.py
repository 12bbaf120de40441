"""Krippendorff's alpha against its definition, and where it is undefined."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.stats.raters import agreement
from tests.reference import preference as slow

ROW = st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 6))


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW, max_size=30))
def test_equals_its_definition(rows: list[tuple[int, int]]) -> None:
    answers, items = [row[0] for row in rows], [row[1] for row in rows]
    found = agreement(answers, items, resamples=0)
    expected = slow.alpha(answers, items)
    assert found.alpha == (None if expected is None else pytest.approx(expected))
    twice = {item for item in items if items.count(item) > 1}
    assert (found.n, found.items) == (sum(item in twice for item in items), len(twice))
    assert found.items + found.single == len(set(items))
    assert (found.low, found.high, found.seed) == (None, None, None)


def test_a_known_value() -> None:
    """Krippendorff 2011, example C: four observers, twelve units, values missing."""
    rows = {
        "A": "1 2 3 3 2 1 4 1 2 . . .",
        "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .",
        "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }
    given = [(value, unit) for row in rows.values() for unit, value in enumerate(row.split()) if value != "."]
    found = agreement(*(list(column) for column in zip(*given, strict=True)))
    assert f"{found.alpha:.3f}" == "0.743"
    assert (found.n, found.items, found.single) == (40, 11, 1)
    assert found.low < found.alpha < found.high
    assert (found.resamples, found.left_out, found.seed) == (1000, 0, 0)


@pytest.mark.parametrize(
    ("answers", "items"), [([], []), ([1, 1, 1], [0, 0, 0]), ([1, 0, -1], [0, 1, 2]), ([1, 1, 0], [0, 0, 1])]
)
def test_undefined(answers: list, items: list) -> None:
    """No answers; one value only; one answer an item; the second value has no partner."""
    found = agreement(answers, items)
    assert (found.alpha, found.low, found.high) == (None, None, None)


def test_draws_of_one_value_are_left_out() -> None:
    found = agreement([1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 2, 2])
    assert found.left_out > 0
    assert found.resamples + found.left_out == 1000


def test_bad_questions() -> None:
    with pytest.raises(BadSpec):
        agreement([1, 0], [1])
