"""Lesson 3: every correlation and count it prints is worked out again from the shipped tables, read
as plain CSV.
"""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest
from streamlit.testing.v1 import AppTest

from core.protocols.lukkien.protocol import WEIGHTS_LEFT
from tests.pages.lessons.steps import SEEDS, Claim, check, open_step, pearson, press, r_text, said, series, table


def whose(of: str) -> pandas.DataFrame:
    return series(None if of == "mean" else int(of))


def interval(of: str, levels: str = "all", name: str = "correlations", run: str = "55000") -> tuple[float, float]:
    rows = table(name, run)
    (row,) = rows[
        (rows.series == of)
        & (rows["levels"] == levels)
        & (rows.fitting == "soft-iou")
        & (rows.coefficient == "pearson")
    ].itertuples()
    return row.low, row.high


def points(app: AppTest) -> dict[str, list[float]]:
    """Values on the x axis of the last figure, by the name of what is drawn."""
    return {trace["name"]: trace["x"] for trace in json.loads(app.get("plotly_chart")[-1].proto.spec)["data"]}


def test_the_means_in_the_tables_are_means() -> None:
    stored = table("mean")
    stored = stored[stored.series == "iterative-reset"]
    assert series().soft_iou.tolist() == pytest.approx(stored.soft_iou.tolist(), abs=1e-5)
    assert series().accuracy_noisy.tolist() == pytest.approx(stored.accuracy_noisy.tolist(), abs=1e-5)


@pytest.mark.parametrize("of", ["mean", "333", "334", "335"])
def test_two_curves(of: str) -> None:
    r = pearson(whose(of))
    claim = Claim(
        choice="Below 0.5" if r < 0.5 else "0.5 to 0.9" if r <= 0.9 else "Above 0.9",
        text=("3 networks, each pruned over 26 levels and tested on 5,000 digits",),
        why=(f"**{r_text(r)}**. The thesis that this repeats reports 0.96", f": {r_text(r)}"),
    )
    check(3, 1, claim, **({} if of == "mean" else {"series": of}))
    means = whose(of)
    assert means.accuracy_noisy.iloc[-1] < means.accuracy_noisy.iloc[0]  # "both fall in the end"
    assert means.soft_iou.iloc[-1] < means.soft_iou.iloc[0]


@pytest.mark.parametrize("last", [13, 25, 4, 18])
def test_which_points_make_the_line(last: int) -> None:
    rows = series()
    counted = rows[rows.level <= last]
    whole, part = pearson(rows), pearson(counted)
    near = abs(whole - part) <= 0.05
    least = int(counted.accuracy_noisy.min() * 100 + 1e-9)
    claim = Claim(
        choice="About the same (within 0.05)" if near else "0 or below" if part <= 0 else "Smaller, but above 0",
        text=(
            f"levels 0 to **{last}**, where accuracy is still at least {least} %",
            f"Over all levels, Pearson's r is {r_text(whole)}",
        ),
        why=(f"**{r_text(part)}** with n = {last + 1}",),
    )
    app = check(3, 2, claim, upto=str(last))
    assert len(points(app)["counted"]) == last + 1
    assert ("comes from the levels where the network breaks down" in said(app)) == (part <= 0)


def test_the_collapsed_level_on_its_own() -> None:
    rows = series()
    raw = table("levels")
    gone = raw[(raw.series == "iterative-reset") & raw.collapsed]
    assert set(gone.level) == {25}
    assert (gone.empty_maps == gone.test_images).all()
    with_it, without = pearson(rows), pearson(rows[rows.level < 25])
    (low, high), (low_all, high_all) = interval("mean", "without collapsed"), interval("mean")
    assert abs(with_it - without) <= 0.05
    right = f"accuracy {gone.accuracy_noisy.mean() * 100:.0f} %"
    claim = Claim(
        choice="Nearly the same (within 0.05)",
        text=("At level 25, only 2 weights are left", right, f"r is {r_text(with_it)} with this level"),
        why=(
            f"**{r_text(without)}** (95 % interval over images {r_text(low)} to {r_text(high)}, n = 25 levels) without",
            (
                f"**{r_text(with_it)}** (95 % interval over images {r_text(low_all)} to {r_text(high_all)}, n = 26"
                " levels) with"
            ),
        ),
    )
    check(3, 3, claim)
    assert "?" in open_step(3, 3, collapsed="false").metric[0].value  # the control does not give the answer away


def test_what_an_empty_map_is_worth() -> None:
    raw = table("levels")
    raw = raw[raw.series == "iterative-reset"]
    share = (raw.empty_maps / raw.test_images).groupby(raw.level).mean()
    deep = min(level for level in share.index if share[level] > 0.1)
    assert (share[deep:] > 0.1).all()  # "from level ... on"
    zero, left_out = pearson(series()), pearson(series(empty=False))
    low, high = interval("mean", name="correlations_usable")
    assert low < left_out < high
    claim = Claim(
        choice="Still above 0.8" if left_out > 0.8 else "0.5 to 0.8" if left_out >= 0.5 else "Below 0.5",
        text=(f"from level {deep} on, more than a tenth", f"With zeros, r is {r_text(zero)}"),
        why=(
            f"**{r_text(left_out)}** (95 % interval over images {r_text(low)} to {r_text(high)}",
            f"by {abs(zero - left_out):.2f}. Both",
        ),
    )
    app = check(3, 4, claim)
    assert app.metric[0].value == r_text(zero)
    app.toggle(key="empty").set_value(False).run()
    assert app.metric[0].value == r_text(left_out)
    assert points(app)["counted"] == pytest.approx(series(empty=False).accuracy_noisy.tolist(), abs=1e-6)


@pytest.mark.parametrize("last", [25, 10])
def test_degrees_of_freedom(last: int) -> None:
    rows = series()
    steps = rows.diff().dropna()
    assert len(rows) == 26
    claim = Claim(
        choice="24",
        text=(
            "26 points",
            f"level 1 keeps {WEIGHTS_LEFT[1]:,} of level 0's {WEIGHTS_LEFT[0]:,} weights",
            f"level 2 keeps {WEIGHTS_LEFT[2]:,}",
        ),
        why=(
            "**24**: n − 2",
            "(the thesis reports 25)",
            f"correlate by **{r_text(pearson(steps))}** (n = 25)",
            f"Levels 0 to {last}: n = **{last + 1}**, df = **{last - 1}**",
        ),
    )
    app = check(3, 5, claim, counted=str(last))
    assert app.metric[0].value == r_text(pearson(rows[rows.level <= last]))


@pytest.mark.parametrize("of", ["mean", "334"])
def test_three_seeds_apart(of: str) -> None:
    values = {seed: pearson(series(seed)) for seed in SEEDS}
    spread, (low, high) = max(values.values()) - min(values.values()), interval("mean")
    claim = Claim(
        choice="Less than 0.05" if spread < 0.05 else "0.05 to 0.2" if spread <= 0.2 else "More than 0.2",
        text=(f"For the means, r is {r_text(pearson(series()))}", f"from {r_text(low)} to {r_text(high)}"),
        why=(f"**{spread:.2f}**. ", *(f"seed {seed}: **{r_text(value)}**" for seed, value in values.items())),
    )
    app = check(3, 6, claim, **({} if of == "mean" else {"series": of}))
    assert app.metric[0].value == r_text(pearson(whose(of)))
    shown = open_step(3, 6, series=of).metric[0].value
    assert shown == (r_text(pearson(whose(of))) if of == "mean" else "?")


@pytest.mark.parametrize("run", ["60000", "55000"])
def test_without_what_vanished_the_sign_turns(run: str) -> None:
    kinds = {str(seed): seed for seed in SEEDS} | {"mean": None}
    zero, out = ([pearson(series(of, run, empty=empty)) for of in kinds.values()] for empty in (True, False))
    turned = sum(a * b < 0 for a, b in zip(zero[:3], out[:3], strict=True))
    assert turned == 2  # what the study found, in either run
    bounds = [interval(of, name="correlations_usable", run=run) for of in kinds]
    unsure = [of for of, (low, high) in zip(kinds, bounds, strict=True) if low <= 0 <= high]
    names = [*(f"seed {seed}" for seed in SEEDS), "means"]
    claim = Claim(
        choice="Two",
        text=(
            (
                "60,000 training and 10,000 test images, as in the thesis"
                if run == "60000"
                else "55,000 training and 5,000 test images"
            ),
            f"r is {r_text(min(zero))} or more",
        ),
        why=(
            "; ".join(f"{name}: **{r_text(r)}**" for name, r in zip(names, out, strict=True)),
            (
                "For this method and layer, Grad-CAM++ before the ReLU, the strong correlation depends on *empty*"
                " heatmaps: without them, the networks do not even agree on its sign"
            ),
        ),
    )
    app = check(3, 7, claim, run=run)
    assert ("includes 0" in said(app)) == bool(unsure)
    assert points(app)["empty maps as 0"] == pytest.approx(zero, abs=2e-3)
    assert points(app)["empty maps excluded"] == pytest.approx(out, abs=2e-3)
    # The answer is not drawn before it is asked for.
    assert list(points(open_step(3, 7, run=run))) == ["empty maps as 0"]


def test_guessing_networks_whose_heatmaps_fit() -> None:
    random, dense = series(kind="random"), series().soft_iou[0]
    best = random.loc[random.soft_iou.idxmax()]
    assert best.accuracy_noisy < 0.15
    assert best.soft_iou > dense
    claim = Claim(
        choice="Yes",
        text=(
            f"The soft IoU of the dense networks is {dense:.2f}",
            f"Level 10: accuracy {random.accuracy_noisy[10] * 100:.1f} %",
        ),
        why=(
            (
                f"At level {best.level:.0f}, with {best.weights_left:.0f} weights and accuracy"
                f" **{best.accuracy_noisy * 100:.1f} %**"
            ),
            f"**{best.soft_iou:.2f}** against {dense:.2f}",
        ),
    )
    app = check(3, 8, claim)
    assert f"soft IoU **{random.soft_iou[10]:.2f}**" in said(app)


def test_a_control_that_changes_the_answer_makes_nobody_wrong() -> None:
    app = open_step(3, 1)
    press(app, "Above 0.9")
    assert app.success[0].value.startswith("**Correct.**")
    app.segmented_control(key="series").set_value("334").run()
    assert not app.success
    assert app.info[0].value.startswith(f"**{r_text(pearson(series(334)))}**")
    assert not np.isclose(pearson(series(334)), pearson(series()), atol=0.1)
