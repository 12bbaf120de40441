"""Lesson 5: every number it prints is worked out again from the included tables, read as plain
Parquet.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import CamSpec, Engine, ImageRef
from core.base.numbers import percent
from core.stats.noninferiority import share_bound
from tests.pages.lessons import steps
from tests.pages.lessons.answers import gain, said, squeezenet, trained, verdict
from tests.pages.lessons.steps import SEEDS, Claim, check, ink, iou, shown_pictures
from tests.reference.intervals import wilson

LEVELS = range(1, 26)


@pytest.mark.parametrize(("digit", "level"), [(9, 3), (2, 10), (0, 1)])
def test_one_picture(engine: Engine, digit: int, level: int) -> None:
    before, after = trained(333, 0), trained(333, level)
    image = before.index[before.label == digit][0]
    values = [rows["soft-iou"][image] for rows in (before, after)]
    gap = values[1] - values[0]
    alike = "Alike (soft IoU within 0.005)"
    claim = Claim(
        choice=alike if abs(gap) <= 0.005 else f"That of level {level}" if gap > 0 else "The dense network's",
        text=(f"level **{level}** of this network, {percent(after.sparsity.iloc[0])} are gone",),
        why=(f"from {values[0]:.3f} to **{values[1]:.3f}**",),
    )
    app = check(5, 1, claim, example=str(digit), rise=str(level))
    # The pictures are of these networks, and score what the tables say.
    cam = CamSpec(method="grad-cam++", layer="conv2", target="own")
    networks = (steps.dense(), steps.trained(level))
    sides = [engine.heatmap(one, ImageRef(name=str(image), noise=0.2), cam) for one in networks]
    assert shown_pictures(app) == [steps.overlay(engine, side) for side in sides]
    assert [iou(side.map, ink(engine, side)) for side in sides] == pytest.approx(values, abs=1e-3)


@pytest.mark.parametrize("level", [3, 10, 24])
def test_two_hundred_pictures(level: int) -> None:
    before, after = trained(333, 0), trained(333, level)
    found = gain(after, before)
    risen = int((after["soft-iou"] > before["soft-iou"]).sum())
    claim = Claim(choice=verdict(found), why=(said(found, 200), f"{risen} of 200 digits rise"))
    app = check(5, 2, claim, rise=str(level))
    (chart,) = app.get("plotly_chart")
    assert f"level {level} (n = 200)" in chart.proto.spec


@pytest.mark.parametrize("looks", [25, 1, 8])
def test_many_looks(looks: int) -> None:
    chance = 1 - 0.95**looks
    dense = trained(334, 0)
    clear = [
        sum(gain(trained(334, level), dense, together)[1] > 0 for level in range(1, looks + 1))
        for together in (1, looks)
    ]
    claim = Claim(
        choice="At most 10 %" if chance <= 0.1 else "10 to 50 %" if chance <= 0.5 else "More than 50 %",
        why=(f"**{percent(chance)}**", f"{clear[0]} are clearly higher by 95 % intervals, and **{clear[1]}** by"),
    )
    check(5, 3, claim, looks=str(looks))
    if looks == 25:
        assert clear == [4, 1]  # what the step is about: the correction takes most of them away


def test_the_chance_of_a_false_finding_is_that_of_independent_tests() -> None:
    random = np.random.default_rng(0)
    missed = (random.random((20_000, 25)) < 0.05).any(axis=1).mean()
    assert missed == pytest.approx(1 - 0.95**25, abs=0.01)


@pytest.mark.parametrize("level", [10, 8, 2])
def test_other_seeds(level: int) -> None:
    dense = {seed: trained(seed, 0) for seed in SEEDS}
    found = {seed: gain(trained(seed, level), dense[seed], 25) for seed in SEEDS}
    higher = sum(verdict(found[seed]) == "Clearly higher" for seed in SEEDS[1:])
    means = [rows["soft-iou"].mean() for rows in dense.values()]
    claim = Claim(
        choice=("For neither", "For one", "For both")[higher],
        text=(said(found[333], 200),),
        why=(
            f"Seed 334: {said(found[334], 200)}; seed 335: {said(found[335], 200)}",
            f"differ by up to {max(means) - min(means):.3f}",
        ),
    )
    check(5, 4, claim, peak=str(level))
    if level == 10:  # the step's point: what one seed shows, another one contradicts
        assert [verdict(found[seed]) for seed in SEEDS] == ["Clearly higher", "Clearly lower", "Clearly higher"]


@pytest.mark.parametrize(
    ("name", "level", "together"), [("squeezenet", 1, 6), ("seed-333", 3, 25), ("seed-334", 3, 25)]
)
def test_the_claim(name: str, level: int, together: int) -> None:
    networks = squeezenet if name == "squeezenet" else lambda each: trained(int(name[-3:]), each)
    before, after = networks(0), networks(level)
    n, confidence = len(before), 1 - 0.025 / together
    gained, lost = int((after.right & ~before.right).sum()), int((before.right & ~after.right).sum())
    low, high = share_bound(gained, lost, n, confidence), -share_bound(lost, gained, n, confidence)
    overlap = gain(after, before, together)
    assert low < 0 < high  # accuracy is not clear
    assert overlap[1] < 0 < overlap[2]  # nor is soft IoU
    ends = [f"{100 * each:+.1f}".replace("-", "−") for each in (low, high)]
    claim = Claim(
        choice="Neither",
        text=(f"{percent(after.sparsity.iloc[0])} sparsity, nearest to half", f"all {together} sparsities together"),
        why=(
            f"(95 % interval {ends[0]} to {ends[1]}, n = {n})",
            f"Soft IoU: {said(overlap, n)}",
            "2,160 instead of 2,146 of 2,500 pictures correctly (+0.6 points, 95 % interval −1.4 to +2.5)",
            "818 to 715 times",
        ),
    )
    app = check(5, 5, claim, claimed=name)
    told = steps.said(app)
    if name == "seed-334":  # the exception is told, and what it is worth
        clear = gain(trained(334, 2), before, 25)
        assert clear[1] > 0 > gain(trained(334, 2), before, 75)[1]
        assert f"clearly higher: {said(clear, n)}; over all 75 tests of the three seeds together, that is not" in told
    else:
        assert "soft IoU is clearly higher" not in told


def test_the_claim_without_retraining() -> None:
    app = check(5, 5, Claim(choice="Neither", text=("This network was not retrained.",)), claimed="lite0")
    assert "Of the 10 sparsities up to half, none is clear." in steps.said(app)


@pytest.mark.parametrize("rate", [64, 2, 8])
def test_a_better_score_of_a_worse_network(rate: int) -> None:
    level = int(np.log2(rate))
    before, after = squeezenet(0), squeezenet(level)
    right, n = int(after.right.sum()), len(after)
    low, high = wilson(right, n, 0.95)
    share = right / n
    found = gain(after, before, 6)
    claim = Claim(
        choice="More than 80 %" if share > 0.8 else "50 to 80 %" if share >= 0.5 else "Less than 50 %",
        text=(f"changes by {said(found, n)}", f"classifies {percent(before.right.mean())} of the 500"),
        why=(f"**{percent(share)}** (95 % interval {100 * low:.1f} to {100 * high:.1f} %, n = {n})",),
    )
    app = check(5, 6, claim, rate=str(rate))
    misleads = found[1] > 0 and share < before.right.mean() - 0.02
    assert ("a measure alone misleads" in steps.said(app)) == misleads
    assert misleads == (rate > 2)


@pytest.mark.parametrize("measure", ["energy-inside", "pointing-game", "box-iou", "map-mean"])
def test_broader_maps(measure: str) -> None:
    before, after = squeezenet(0), squeezenet(6)
    found = gain(after, before, 6, measure)
    assert verdict(found) == ("Clearly higher" if measure == "map-mean" else "Clearly lower")
    claim = Claim(
        choice=verdict(found),
        text=(f"rise by {gain(after, before)[0]:+.3f}",),
        why=(said(found, 500), f"from {before['map-mean'].mean():.2f} to **{after['map-mean'].mean():.2f}**"),
    )
    check(5, 7, claim, scored=measure)
