"""Lesson 2: what it claims about answers, heatmaps and accuracies is counted again here."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from core import CamSpec, DataSpec, Engine, VariantSpec
from core.protocols.lukkien.protocol import WEIGHTS_LEFT
from tests.pages.lessons.steps import (
    AFTER_RELU,
    BEFORE_RELU,
    Claim,
    cells,
    check,
    dense,
    first_of,
    iou,
    one_shot,
    overlay,
    said,
    shown_pictures,
    trained,
)
from tests.reference.intervals import wilson

GRID = [step / 20 for step in range(21)]
NOISY = DataSpec(noise=0.2)
THIRDS = ("Less than a third", "Between one and two thirds", "More than two thirds")


@cache
def right(engine: Engine, variant: VariantSpec) -> int:
    """Correctly classified digits of 5,000, counted now."""
    return engine.evaluate_accuracy(variant, NOISY).correct


def percent(part: int, whole: int = 5000) -> str:
    """One digit; two where a hundred is near, so that less than all is never "100 %"."""
    return f"{part / whole * 100:.{2 if 0.99 < part / whole < 1 else 1}f} %"


def counted(correct: int) -> str:
    low, high = wilson(correct, 5000, 0.95)
    return f"**{percent(correct)}** ({correct:,} of 5,000; 95 % interval {low * 100:.1f} to {high * 100:.1f} %)"


@cache
def walk(engine: Engine, digit: int, seed: int = 333, cam: CamSpec = AFTER_RELU) -> list[tuple[int, float]]:
    """The answer, and soft IoU of the heatmap with the dense network's, at every sparsity of the
    grid.
    """
    image = first_of(engine, digit)
    full = engine.heatmap(dense(seed), image, cam)
    sides = [
        engine.heatmap(one_shot(share, seed=seed), image, replace(cam, target=full.prediction.top)) for share in GRID
    ]
    return [(int(side.prediction.probabilities.argmax()), iou(cells(full), cells(side))) for side in sides]


def flips(stops: list[tuple[int, float]]) -> int:
    """The first place with another answer; one after the last where there is none."""
    return next((place for place, (says, _) in enumerate(stops) if says != stops[0][0]), len(stops))


def moves(stops: list[tuple[int, float]]) -> int:
    return next((place for place, (_, meet) in enumerate(stops) if meet < 0.5), len(stops))


@pytest.mark.parametrize("digit", [9, 0, 1])
def test_how_much_can_go_before_the_answer_changes(engine: Engine, digit: int) -> None:
    place = flips(walk(engine, digit))
    holds = GRID[place - 1]
    ends = f"at {GRID[place] * 100:.0f} % it changes" if place < len(GRID) else "it never changes"
    claim = Claim(
        choice=THIRDS[0] if holds < 1 / 3 else THIRDS[1] if holds < 2 / 3 else THIRDS[2],
        text=("A network of 2,324 weights", "75 % removed"),
        why=(f"up to **{holds * 100:.0f} %**", ends),
    )
    app = check(2, 1, claim, example=str(digit))
    assert overlay(engine, engine.heatmap(one_shot(0.75), first_of(engine, digit), AFTER_RELU)) in shown_pictures(app)


@pytest.mark.parametrize("digit", [9, 4, 1])
def test_when_the_heatmap_moves(engine: Engine, digit: int) -> None:
    stops = walk(engine, digit)
    moved, flipped = moves(stops), flips(stops)
    changes = (
        f"The answer changes at {GRID[flipped] * 100:.0f} %" if flipped < len(GRID) else "The answer never changes"
    )
    claim = Claim(
        choice="Before the answer changes"
        if moved < flipped
        else "At the same sparsity"
        if moved == flipped
        else "Later, or never",
        text=(changes, f"overlap **{stops[15][1]:.2f}**"),
        why=(f"At **{GRID[moved] * 100:.0f} %**" if moved < len(GRID) else "At no sparsity",),
    )
    check(2, 2, claim, example=str(digit))


@pytest.mark.parametrize(("digit", "removed"), [(9, 75), (6, 50)])
def test_one_digit_against_five_thousand(engine: Engine, digit: int, removed: int) -> None:
    holds = GRID[flips(walk(engine, digit)) - 1]
    found, full, here = (right(engine, one_shot(share)) for share in (holds, 0.0, removed / 100))
    claim = Claim(
        choice="More than 95 %" if found > 4750 else "50 to 95 %" if found >= 2500 else "Less than 50 %",
        text=(f"With {holds * 100:.0f} % removed", f"classifies {percent(full)} of 5,000 digits"),
        why=(counted(found), f"At {removed} %: {counted(here)}"),
    )
    check(2, 3, claim, example=str(digit), removed=str(removed))


@pytest.mark.parametrize("level", [10, 2, 22])
def test_training_again(engine: Engine, level: int) -> None:
    kept = WEIGHTS_LEFT[level]
    once, again, full = (right(engine, one) for one in (one_shot(1 - kept / 2324), trained(level), dense()))
    near = (
        "Within 10 points of dense"
        if full - again <= 500
        else "Within 10 points of one-shot"
        if again - once <= 500
        else None
    )
    claim = Claim(
        choice=near or "In between",
        text=(
            f"one-shot to **{kept:,} weights** ({percent(2324 - kept, 2324)} sparsity)",
            f"classifies {percent(once)} of the digits",
        ),
        why=(f"**{percent(again)}**, against {percent(once)} one-shot",),
    )
    app = check(2, 4, claim, depth=str(level))
    assert ("lets the remaining weights take over" in said(app)) == (again - once > 50)


@pytest.mark.parametrize("level", [10, 1, 20])
def test_the_same_answers_from_other_evidence(engine: Engine, level: int) -> None:
    overlaps = []
    for digit in range(10):
        full = engine.heatmap(dense(), first_of(engine, digit), AFTER_RELU)
        pruned = engine.heatmap(trained(level), full.image, replace(AFTER_RELU, target=full.prediction.top))
        overlaps.append(iou(cells(full), cells(pruned)))
    mean, found, full_right = sum(overlaps) / 10, right(engine, trained(level)), right(engine, dense())
    claim = Claim(
        choice="Yes: the maps overlap by 0.7 or more"
        if mean >= 0.7
        else "Partly: 0.5 to 0.7"
        if mean >= 0.5
        else "No: less than 0.5",
        text=(f"classifies {percent(found)} of the digits correctly; the dense network, {percent(full_right)}.",),
        why=(
            f"the mean overlap is **{mean:.2f}** (from {min(overlaps):.2f} to {max(overlaps):.2f})",
            f"changed by {abs(found - full_right) / 50:.1f} points",
        ),
    )
    check(2, 5, claim, depth=str(level))


@pytest.mark.parametrize("removed", [20, 0, 60])
def test_the_random_control(engine: Engine, removed: int) -> None:
    smallest, drawn = (right(engine, one_shot(removed / 100, criterion)) for criterion in ("magnitude", "random"))
    lost = right(engine, dense()) - drawn
    claim = Claim(
        choice="Less than 1 point" if lost < 50 else "1 to 10 points" if lost <= 500 else "More than 10 points",
        text=(f"**smallest** {removed} % of the weights leaves {percent(smallest)} accuracy",),
        why=(f"At random: {counted(drawn)}", f"Smallest first: {counted(smallest)}"),
    )
    app = check(2, 6, claim, drawn=str(removed))
    assert ("choice of weights matters." in said(app)) == (smallest - drawn > 50)


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "where"),
    [(333, "after"), (334, "before"), (335, "after")],
)
def test_who_notices_first_depends_on_where_the_map_is_made(engine: Engine, seed: int, where: str) -> None:
    counts = {}
    for name, cam in (("after", AFTER_RELU), ("before", BEFORE_RELU)):
        walks = [walk(engine, digit, seed, cam) for digit in range(10)]
        counts[name] = sum(moves(stops) < flips(stops) for stops in walks)
    assert counts["after"] <= 2  # what the lesson is about: nearly never after the ReLU,
    assert counts["before"] == 10  # always before it
    other = "before" if where == "after" else "after"
    claim = Claim(
        choice="3 or fewer" if counts[where] <= 3 else "8 or more",
        text=("steps of 5 %", f"**{where}** the last ReLU"),
        why=(f"**{counts[where]} of 10** with seed {seed}; {other} the ReLU, for **{counts[other]}**",),
    )
    app = check(2, 7, claim, who=str(seed), where=where)
    assert len(app.get("plotly_chart")) == 1
