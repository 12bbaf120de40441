"""Lesson 4: every number it prints is worked out again from the included tables, read as plain
Parquet.
"""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest
from scipy import stats

from core.base.numbers import score
from core.base.settings import shipped_folder
from pages.parts.common.story import percent
from tests.pages.lessons.steps import Claim, check, open_step, press, said, shown_pictures

UNITS = shipped_folder() / "units" / "digits-2000-s0" / "thesis-cnn"
SEEDS = (333, 334, 335)


def place(seed: int, level: int) -> Path:
    pruning = "dense" if level == 0 else f"iterative-reset/level-{level:02d}"
    return UNITS / "mnist-55000" / f"seed-{seed}" / pruning / "units.parquet"


def of_layer(path: Path, layer: str = "conv2") -> dict:
    """The row of a layer; "" for the network."""
    facts = pandas.read_parquet(path).attrs
    return next(row for row in facts["summaries"] if row["layer"] == layer) | {
        name: facts[name] for name in ("right", "n", "sparsity")
    }


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("unit", [3, 5])
def test_what_excites_a_unit(unit: int) -> None:
    app = open_step(4, 1, one=str(unit))
    assert len(shown_pictures(app)) == 4
    told = said(app)
    right = press(app, "A")
    assert f"unit {unit} of the eight" in told
    verdict = (*right.success, *right.info)[0].value
    assert ("**A**" in verdict) == bool(right.success)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_score(seed: int) -> None:
    row = of_layer(place(seed, 0))
    claim = Claim(
        choice="About 0.5",
        text=(f"score {score(row['mis-efficientnet-lite1'])} on average",),
        why=(f"**{score(row['shuffled-efficientnet-lite1'])}**",),
    )
    check(4, 2, claim, who=str(seed))


@pytest.mark.parametrize("judge", ["efficientnet-lite1", "pixels"])
def test_an_untrained_network(judge: str) -> None:
    trained = mean([of_layer(place(seed, 0))[f"mis-{judge}"] for seed in SEEDS])
    random = of_layer(UNITS / "random" / "seed-0" / "dense" / "units.parquet")[f"mis-{judge}"]
    choice = "About as high" if abs(trained - random) < 0.05 else "Clearly lower, but above chance"
    check(
        4,
        3,
        Claim(choice=choice, text=(f"score {score(trained)} on average",), why=(f"**{score(random)}**",)),
        judging=judge,
    )


@pytest.mark.parametrize("level", [20, 5, 24])
def test_pruning(level: int) -> None:
    here, dense = ([of_layer(place(seed, at)) for seed in SEEDS] for at in (level, 0))
    after, before = (
        mean([row["mis-efficientnet-lite1"] for row in rows if row["dead"] < row["units"]]) for rows in (here, dense)
    )
    share, change = mean([row["right"] / row["n"] for row in here]), after - before
    choice = "Clearly lower" if change < 0 else "Clearly higher"
    claim = Claim(
        choice="About the same (within 0.05)" if abs(change) <= 0.05 else choice,
        text=(f"the share of right answers is {percent(share)}",),
        why=(f"**{score(after)}**",),
    )
    check(4, 4, claim, left=str(level))


@pytest.mark.parametrize(("unit", "level"), [(3, 20), (5, 5), (0, 25)])
def test_what_is_left(unit: int, level: int) -> None:
    table = pandas.read_parquet(place(333, level))
    own = table[(table.layer == 1) & (table.unit == unit)].iloc[0]
    kept = round(float(own.overlap) * 20)
    choice = "15 or more" if kept >= 15 else "5 to 14" if kept >= 5 else "Fewer than 5"
    check(4, 5, Claim(choice=choice, why=(f"**{kept} of 20**",)), one=str(unit), left=str(level))


@pytest.mark.parametrize("judge", ["efficientnet-lite1", "pixels"])
def test_who_judges(judge: str) -> None:
    rows = [of_layer(place(seed, level), "") for seed in SEEDS for level in range(26)]
    rows = [row for row in rows if row["dead"] < row["units"]]
    r = stats.spearmanr([row[f"mis-{judge}"] for row in rows], [row["right"] / row["n"] for row in rows]).statistic
    choice = "Surely below 0" if judge == "efficientnet-lite1" else "Not surely different from 0"
    check(4, 6, Claim(choice=choice, text=(f"Over all {len(rows)} networks",), why=(f"**{score(r)}**",)), judging=judge)
