"""Lesson 6: every number it prints is worked out again from the included tables, read as plain
Parquet, with the slow definition of what breaks.
"""

from __future__ import annotations

import pandas
import pytest

from core.base.numbers import percent
from pages.parts.lessons.facts import SPARED
from tests.pages.lessons.answers import DIGITS, LITE0, counts, mean_gap, one_shot, places, read, squeezenet
from tests.pages.lessons.steps import Claim, check, said
from tests.reference.intervals import wilson

GRID = tuple(map(float, SPARED))
COARSE = tuple(step / 20 for step in range(1, 13))
FINE = tuple(sorted((*COARSE, 0.325, 0.375, 0.41, 0.42, 0.43, 0.44, 0.46, 0.475)))
WAYS = {"magnitude": "global-magnitude", "random": "global-random-s0"}
GRAD_CAM, PLUS = "grad-cam@relu2-dense", "grad-cam++@relu2-dense"
LITE0_MAP = "grad-cam@_swish.head-dense"


def digits(criterion: str = "magnitude", heatmap: str = PLUS) -> list[pandas.DataFrame]:
    return one_shot(DIGITS / "seed-333", WAYS[criterion], heatmap, GRID)


def networks(name: str) -> list[pandas.DataFrame]:
    return {
        "lite0": lambda: one_shot(LITE0, "global-magnitude", LITE0_MAP, FINE),
        "lite0-layer": lambda: one_shot(LITE0, "layer-magnitude", LITE0_MAP, COARSE),
        "squeezenet": lambda: [squeezenet(level) for level in range(1, 7)],
        "digits": digits,
    }[name]()


def counted(found: pandas.DataFrame) -> str:
    first, second = counts(found)
    return f"breaks first in **{first}** of {len(found)} images, the answer in **{second}**"


def leads(found: pandas.DataFrame) -> str:
    first, second = counts(found)
    low, high = wilson(first, first + second, 0.95)
    return "The heatmap" if low > 0.5 else "The answer" if high < 0.5 else "Neither, clearly"


def on_average(found: pandas.DataFrame) -> str:
    value, low, high = mean_gap(found)
    what, ends = ("heatmaps", (low, high)) if value >= 0 else ("answers", (-high, -low))
    low_text, high_text = (f"{each:.1f}".replace("-", "−") for each in ends)
    return (
        f"{what} break **{abs(value):.1f} points** earlier (95 % interval {low_text} to {high_text}, n = {len(found)})"
    )


def earlier(found: pandas.DataFrame) -> str:
    _, low, high = mean_gap(found)
    return "Heatmaps" if low > 0 else "Answers" if high < 0 else "Neither, clearly"


@pytest.mark.parametrize("digit", [9, 2, 5])
def test_one_digit(digit: int) -> None:
    family = digits()
    rows = family[0]
    image = rows.index[rows.label == digit][0]
    heatmap, answer = places(family).loc[image]
    at = [percent(each) if each <= family[-1].sparsity.iloc[0] else None for each in (heatmap, answer)]
    claim = Claim(
        choice="The heatmap" if heatmap < answer else "The answer" if answer < heatmap else "Both at once, or neither",
        why=tuple(f"**{f'at {each}' if each else 'never'}**" for each in at),
    )
    app = check(6, 1, claim, example=str(digit), spared="0.9")
    here = family[GRID.index(0.9)]
    assert f"correlation **{here.pearson[image]:.2f}**".replace("-", "−") in said(app)


@pytest.mark.parametrize("way", ["magnitude", "random"])
def test_two_hundred_digits(way: str) -> None:
    found = places(digits(way))
    first, second = counts(found)
    low, high = wilson(first, first + second, 0.95)
    share = f"in {percent(first / (first + second))} (95 % interval {100 * low:.1f} to {100 * high:.1f} %"
    check(6, 2, Claim(choice=leads(found), why=(counted(found), share)), gone=way)


@pytest.mark.parametrize("way", ["magnitude", "random"])
def test_how_much_earlier(way: str) -> None:
    found = places(digits(way))
    gap = abs(mean_gap(found)[0])
    small, large = "Less than 10 points of sparsity", "More than 20 points"
    choice = small if gap < 10 else large if gap > 20 else "10 to 20 points"
    check(6, 3, Claim(choice=choice, text=(counted(found),), why=(on_average(found),)), gone=way)


@pytest.mark.parametrize("below", [0.9, 0.1, 0.7])
def test_another_threshold(below: float) -> None:
    family = digits()
    found, low, high = (places(family, each) for each in (below, 0.1, 0.95))
    ends = "; ".join(
        f"below {each:.2f}: {' to '.join(map(str, counts(rows)))}" for each, rows in ((0.1, low), (0.95, high))
    )
    claim = Claim(
        choice=leads(found), text=(counted(places(family)), f"**{below:.2f}**"), why=(f"{counted(found)}", ends)
    )
    app = check(6, 4, claim, unlike=str(below))
    assert "correlate by **0.48** here (3 seeds" in said(app)


def test_the_threshold_turns_the_finding() -> None:
    assert (leads(places(digits(), 0.1)), leads(places(digits(), 0.95))) == ("The answer", "The heatmap")


@pytest.mark.parametrize(("method", "heatmap"), [("grad-cam", GRAD_CAM), ("grad-cam++", PLUS)])
def test_another_heatmap(method: str, heatmap: str) -> None:
    found = places(digits(heatmap=heatmap))
    assert earlier(found) == ("Heatmaps" if method == "grad-cam" else "Answers")  # the step's point
    check(6, 5, Claim(choice=earlier(found), why=(on_average(found), counted(found))), method=method)


@pytest.mark.parametrize("way", ["magnitude", "random"])
def test_maps_that_were_empty_before(way: str) -> None:
    dense = read(DIGITS / "seed-333" / "dense", GRAD_CAM)
    family = digits(way, GRAD_CAM)
    whole = places(family)
    rest = whole[~dense["empty"].reindex(whole.index).astype(bool)]
    claim = Claim(
        choice=earlier(rest),
        text=(f"{len(whole) - len(rest)} of 200 heatmaps of the **dense** network are empty", on_average(whole)),
        why=(on_average(rest), counted(rest)),
    )
    check(6, 6, claim, gone=way)
    if way == "magnitude":  # the step's point: without them, the finding is another one
        assert (earlier(whole), earlier(rest)) == ("Heatmaps", "Answers")


@pytest.mark.parametrize("name", ["lite0", "lite0-layer", "squeezenet", "digits"])
def test_another_network(name: str) -> None:
    family = networks(name)
    found = places(family)
    claim = Claim(
        choice=leads(found),
        text=(f"on {len(found)} images, at {len(family)} sparsities",),
        why=(counted(found), on_average(found)),
    )
    app = check(6, 7, claim, network=name)
    _, low, high = mean_gap(found)
    assert ("which is not clear" in said(app)) == (low <= 0 <= high)


@pytest.mark.parametrize("name", ["squeezenet", "lite0", "digits"])
def test_the_same_answer_and_the_same_evidence(name: str) -> None:
    family = networks(name)
    here = min(family, key=lambda rows: abs(rows.agrees.sum() - len(rows) / 2))
    same = here[here.agrees]
    broken = int((~(same.pearson >= 0.5)).sum())
    share, (low, high) = broken / len(same), wilson(broken, len(same), 0.95)
    claim = Claim(
        choice="Fewer than 1 in 20" if share < 0.05 else "1 in 20 to 1 in 4" if share <= 0.25 else "More than 1 in 4",
        text=(f"{percent(here.sparsity.iloc[0])} sparsity", f"for {len(same)} of {len(here)} images"),
        why=(f"**{broken} of {len(same)}** ({percent(share)}, 95 % interval {100 * low:.1f} to {100 * high:.1f} %)",),
    )
    app = check(6, 8, claim, same=name)
    assert ("The same answer does not mean the same explanation" in said(app)) == (share > 0.25)
