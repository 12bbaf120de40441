"""Many tables at once are fitted as each of them is alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.bradley_terry import Counts, strengths
from core.stats.strength_draws import drawn_strengths


def tables(seed: int, items: int, most: int, number: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Made tables of wins and ties; one of them has no ties."""
    random = np.random.default_rng(seed)
    wins = random.integers(0, most, (number, items, items)) * (1 - np.eye(items, dtype=np.int64))
    ties = np.triu(random.integers(0, most, (number, items, items)), 1)
    ties[0] = 0
    return wins, ties + ties.transpose(0, 2, 1)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), items=st.integers(2, 4), most=st.integers(2, 30))
def test_every_table_is_fitted_as_alone(seed: int, items: int, most: int) -> None:
    wins, ties = tables(seed, items, most)
    for found, *counts in zip(drawn_strengths(wins, ties), wins, ties, strict=True):
        alone = strengths(Counts(wins=counts[0], ties=counts[1])).strengths
        if alone is None:
            assert np.isnan(found).all()
        else:
            assert found == pytest.approx([each.value for each in alone], abs=1e-5)


def test_no_answers_and_one_winner_have_no_strengths() -> None:
    wins = np.zeros((3, 2, 2), dtype=np.int64)
    wins[1, 0, 1] = 50
    wins[2] = [[0, 3], [1, 0]]
    found = drawn_strengths(wins, np.zeros_like(wins))
    assert np.isnan(found[:2]).all()
    assert found[2] == pytest.approx([np.log(3) / 2, -np.log(3) / 2])


def test_no_tables_give_no_strengths() -> None:
    none = np.zeros((0, 3, 3), dtype=np.int64)
    assert drawn_strengths(none, none).shape == (0, 3)
