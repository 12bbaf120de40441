"""Relations of the score: those of scipy, with intervals, and what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
from pandas import DataFrame
from scipy import stats

from core.units.relation import near_chance_text, relations


def networks(count: int = 30, slope: float = 0.0, seed: int = 0) -> DataFrame:
    generator = np.random.default_rng(seed)
    sparsity = np.linspace(0, 1, count)
    rows = DataFrame(
        {
            "weights": "trained",
            "schedule": ["none", *["one-shot"] * (count - 1)],
            "sparsity": sparsity,
            "n": 100,
            "right": np.round(95 - 88 * sparsity).astype(int),
            "units": 10,
            "dead": 0,
            "mis-pixels": 0.7 + slope * sparsity + generator.normal(0, 0.02, count),
        }
    )
    rows.loc[len(rows)] = ["random", "none", 0.0, 100, 10, 10, 0, 0.75]
    rows.loc[len(rows)] = ["trained", "one-shot", 1.0, 100, 10, 10, 10, np.nan]  # all units are dead
    return rows


def test_they_are_scipys_over_trained_networks_with_living_units() -> None:
    rows = networks(slope=0.2)
    found = {(each.of, each.name, each.near_chance): each for each in relations(rows, "pixels", 10)}
    used = rows[:30]
    share = used.right / used.n
    pairs = {"sparsity": used.sparsity, "right": share}
    for of, other in pairs.items():
        for name, peer in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
            each = found[of, name, True]
            assert each.n == 30
            assert each.value == pytest.approx(peer(used["mis-pixels"], other).statistic)
            assert each.low is not None
            assert each.high is not None
            assert each.low < each.value < each.high
            assert each.is_clear
    some = share >= 0.2
    assert found["sparsity", "pearson", False].n == int(some.sum()) < 30


def test_without_a_relation_the_interval_includes_0() -> None:
    unclear = sum(not relations(networks(seed=seed), "pixels", 10)[0].is_clear for seed in range(40))
    assert unclear >= 34  # 95 % of 40, within sampling


def test_too_few_networks_have_no_relation() -> None:
    for each in relations(networks()[:2], "pixels", 10):
        assert each.value is None
        assert not each.is_clear


def test_networks_near_chance_are_counted() -> None:
    text = near_chance_text(networks(), "pixels", 10)
    assert "5 of 30 networks give fewer than 20.0 % right answers" in text
    assert "untrained 0.750" in text
    assert "No network gives fewer than" in near_chance_text(networks()[:10], "pixels", 10)
