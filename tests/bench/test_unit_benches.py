"""Benches of units: small cases give the numbers of the peer."""

from __future__ import annotations

from bench.units import ablation, exemplars, mis
from core.engine.engine import Engine


def test_exemplars_are_timed_beside_the_bare_passes(engine: Engine) -> None:
    row = exemplars(engine, 1, images=24)
    assert row["images"] >= 20
    assert row["overhead"] > 0
    assert row["kept_bytes"] > 0


def test_scores_equal_those_of_a_loop(engine: Engine) -> None:
    row = mis(engine, 1, images=40, units=2)
    assert row["units"] == 2 * 26
    assert row["largest_difference"] < 1e-5


def test_ablation_equals_whole_passes(engine: Engine) -> None:
    row = ablation(engine, 1, images=4, units=3)
    assert row["units"] == 3
    assert row["largest_difference"] < 1e-6
