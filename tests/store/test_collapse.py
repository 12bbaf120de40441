"""Whether a network is collapsed is looked at as seldom as nesting masks allow, and always answered
right.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.engine import Engine
from core.models.zoo import named
from core.pruning.mask import is_collapsed
from core.specs import PruningSpec, VariantSpec
from core.store import counts
from core.store.collapse import Collapses

shares = st.integers(0, 100).map(lambda percent: percent / 100)


@given(st.lists(st.tuples(st.sampled_from("ab"), shares), max_size=40), shares, shares)
def test_any_order_of_questions_is_answered_as_by_looking(
    asked: list[tuple[str, float]], border_a: float, border_b: float
) -> None:
    borders, known = {"a": border_a, "b": border_b}, Collapses()
    for ranking, sparsity in asked:
        expected = sparsity > borders[ranking]
        assert known.ask(ranking, sparsity, lambda expected=expected: expected) is expected


def test_what_follows_is_not_looked_at() -> None:
    known = Collapses()
    assert not known.ask("a", 0.7, lambda: False)
    assert known.ask("a", 0.9, lambda: True)
    for sparsity, collapsed in ((0.0, False), (0.7, False), (0.9, True), (1.0, True)):
        assert known.ask("a", sparsity, lambda: pytest.fail("looked")) is collapsed
    assert known.ask("b", 0.7, lambda: True)  # another ranking


def test_reports_are_those_of_the_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, looked, found = Engine("cpu", tmp_path), [], named("thesis-cnn")
    monkeypatch.setattr(counts, "is_collapsed", lambda *question: looked.append(1) or is_collapsed(*question))
    variants = [
        VariantSpec(pruning=PruningSpec.one_shot(sparsity, excluded=excluded))
        for excluded in ((), ("conv1.weight",))
        for sparsity in (0.9, 0.99, 0.999, 0.998, 0.95, 0.97, 1.0, 0.9995, 0.98)
    ]
    for variant in variants:
        assert engine.report(variant).collapsed == is_collapsed(
            found.skeleton, engine.store.mask(variant), found.input_shape
        ), variant.key
    assert 0 < len(looked) < len(variants)
