"""A list of amounts as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.engine.amounts import MOST, USUAL, prunings, sparsity_of_ratio, usual
from core.models.zoo import MODELS
from core.specs import PruningSpec

CARD = MODELS["thesis-cnn"].value
ONE_SHOT, LEVEL = PruningSpec.one_shot(0.0, criterion="random"), PruningSpec.at_level(0)


def test_percent_with_and_without_the_sign() -> None:
    assert [p.sparsity for p in prunings("30, 50 %;97.5%", CARD, ONE_SHOT)] == [0.3, 0.5, 0.975]
    assert {p.criterion for p in prunings("30, 50", CARD, ONE_SHOT)} == {"random"}


def test_doubles_are_left_out_and_the_order_stays() -> None:
    assert [p.sparsity for p in prunings("50, 30, 50.0", CARD, ONE_SHOT)] == [0.5, 0.3]


def test_a_ratio_counts_all_parameters() -> None:
    (pruning,) = prunings("4x", CARD, ONE_SHOT)
    left = (1 - pruning.sparsity) * 2324 + 22
    assert 2346 / left == pytest.approx(4, abs=1e-3)


@given(st.floats(1, 100))
def test_the_ratio_is_met_as_far_as_biases_allow(ratio: float) -> None:
    sparsity = sparsity_of_ratio(CARD, ratio)
    assert 0 <= sparsity <= 1
    assert 2346 / ((1 - sparsity) * 2324 + 22) == pytest.approx(min(ratio, 2346 / 22))


def test_levels_of_a_trained_series() -> None:
    assert prunings("0, 25", CARD, LEVEL) == (PruningSpec.at_level(0), PruningSpec.at_level(25))


@pytest.mark.parametrize(
    "text", ["", " , ", "x", "-1", "101", "nan", "0.5x", "50 percent", "1e2", ",".join(map(str, range(MOST + 1)))]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadSpec):
        prunings(text, CARD, ONE_SHOT)


@pytest.mark.parametrize("text", ["26", "1.5", "50 %", "2x", "²"])
def test_there_is_no_such_level(text: str) -> None:
    with pytest.raises(BadSpec, match="no level"):
        prunings(text, CARD, LEVEL)


@pytest.mark.parametrize(("family", "count"), [(ONE_SHOT, 6), (LEVEL, 5)])
def test_what_is_usual_can_be_read(family: PruningSpec, count: int) -> None:
    asked = prunings(usual(CARD, family), CARD, family)
    assert len(asked) == count
    assert all(pruning.level != 0 for pruning in asked)  # the dense network is shown anyway
    assert len(prunings(USUAL["photos"], CARD, ONE_SHOT)) == 6
