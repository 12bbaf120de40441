"""Lesson 1: everything it claims about heatmaps is computed again here, with other code, from the
shipped network.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from core import DataSpec, Engine, ImageRef
from core.protocols.lukkien.protocol import WEIGHTS_LEFT
from tests.pages.lessons.steps import (
    AFTER_RELU,
    THESIS,
    Claim,
    check,
    dense,
    first_of,
    heatmap,
    ink,
    iou,
    one_shot,
    overlay,
    shown_pictures,
    trained,
)

LETTERS = "ABC"


def certain(probability: float) -> str:
    return f"{probability:.2f}" if probability >= 0.005 else "less than 0.01"


@pytest.mark.parametrize("digit", [9, 4])
def test_a_heatmap_is_computed_on_cells_and_drawn_on_pixels(engine: Engine, digit: int) -> None:
    side = heatmap(engine, digit)
    says, (rows, columns) = int(side.prediction.probabilities.argmax()), side.saliency.shape
    assert rows * columns < 28 * 28 == side.map.size
    claim = Claim(
        choice=f"{rows * columns}, one per cell of that layer",
        text=(
            f"says **{says}**, {side.prediction.probabilities[says]:.2f}",
            "The heatmap has 784 pixels",
            f"by Grad-CAM++ for class {says}",
        ),
        why=(f"{rows} × {columns} = {rows * columns} cells", "Computed map"),
    )
    app = check(1, 1, claim, example=str(digit))
    assert overlay(engine, side) in shown_pictures(app)


@pytest.mark.parametrize(("digit", "other"), [(9, None), (0, None), (9, 1)])
def test_the_map_of_a_wrong_class(engine: Engine, digit: int, other: int | None) -> None:
    own = heatmap(engine, digit)
    rivals = {index: heatmap(engine, digit, index) for index in range(10) if index != own.target_class}
    wrong = other if other is not None else max(rivals, key=lambda index: iou(own.map, rivals[index].map))
    rival, clean = rivals[wrong], ink(engine, own)
    place = 0 if (digit + wrong) % 2 else 1  # checked with the pictures below
    claim = Claim(
        choice=f"Map {LETTERS[place]}",
        text=(
            f"**{own.prediction.top}**, the network's answer",
            f"**{wrong}** (probability {certain(own.prediction.probabilities[wrong])})",
        ),
        why=(
            f"overlap by **{iou(own.map, rival.map):.2f}**",
            f"covers the ink by {iou(rival.map, clean):.2f}, against {iou(own.map, clean):.2f}",
        ),
    )
    app = check(1, 2, claim, example=str(digit), **({"other": str(other)} if other is not None else {}))
    pair = [own, rival] if place == 0 else [rival, own]
    assert shown_pictures(app) == [overlay(engine, side) for side in pair]
    if digit == 9 and other is None:
        assert iou(rival.map, clean) > 0.75 * iou(own.map, clean)  # the title: the wrong class looks good too
        assert own.prediction.probabilities[wrong] < 0.05


@pytest.mark.parametrize(("digit", "high"), [(9, 0.0), (9, 0.5), (0, 0.2), (8, 0.5)])
def test_noise_moves_heatmap_or_answer(engine: Engine, digit: int, high: float) -> None:
    usual = heatmap(engine, digit)
    now = engine.heatmap(dense(), first_of(engine, digit, high), replace(AFTER_RELU, target=usual.target_class))
    meet = iou(usual.map, now.map)
    before, after = (int(side.prediction.probabilities.argmax()) for side in (usual, now))
    choices = ("Its answer", "Neither its answer nor its heatmap", "Only its heatmap")
    claim = Claim(
        choice=choices[0] if before != after else choices[1] if meet >= 0.7 else choices[2],
        text=(
            f"up to **{high:g}**" if high else "is now **off**",
            f"says **{before}**, {usual.prediction.probabilities[before]:.2f}",
        ),
        why=(f"overlap by **{meet:.2f}**", f"It says {after}"),
    )
    app = check(1, 3, claim, example=str(digit), background=str(high))
    assert overlay(engine, now) in shown_pictures(app)


@pytest.mark.parametrize(("level", "digit"), [(25, 9), (20, 9), (22, 0)])
def test_a_map_is_empty_exactly_when_nothing_is_left(engine: Engine, level: int, digit: int) -> None:
    side = engine.heatmap(trained(level), first_of(engine, digit), AFTER_RELU)
    lit, says = bool(side.map.max() > 0), int(side.prediction.probabilities.argmax())
    sure = certain(side.prediction.probabilities[says])
    claim = Claim(
        choice="Some evidence is left" if lit else "Nothing at all",
        text=(
            f"**{WEIGHTS_LEFT[level]} of 2,324** weights",
            f"**{says}**, with probability {sure}",
        ),
        why=("activate some cells" if lit else "The map is **empty**",),
    )
    app = check(1, 4, claim, example=str(digit), late=str(level))
    assert overlay(engine, side) in shown_pictures(app)
    assert ("No path of kept weights" in app.success[0].value) == engine.report(trained(level)).collapsed


def test_the_last_level_is_the_one_without_a_path(engine: Engine) -> None:
    assert engine.report(trained(25)).collapsed
    assert not engine.heatmap(trained(25), first_of(engine, 9), AFTER_RELU).map.any()
    assert not engine.report(one_shot(0.5)).collapsed


@pytest.mark.parametrize(("digit", "sigma"), [(9, 2.0), (1, 0.5), (6, 5.0)])
def test_blur_and_its_score(engine: Engine, digit: int, sigma: float) -> None:
    scores, means = {}, {}
    for one in range(10):
        sharp = heatmap(engine, one)
        reach = min(int(np.ceil(3 * sigma)), 27)
        soft = gaussian_filter(sharp.map.astype(float), sigma, mode="mirror", radius=reach)
        soft = (soft - soft.min()) / (soft.max() - soft.min())
        scores[one] = [iou(map_, ink(engine, sharp)) for map_ in (sharp.map, soft)]
        means[one] = [map_.mean() for map_ in (sharp.map, soft)]
    before, after = scores[digit]
    change = after - before
    risen = sum(later > earlier for earlier, later in scores.values())
    claim = Claim(
        choice="It rises" if change > 0.005 else "It falls" if change < -0.005 else "It stays (within 0.005)",
        text=(f"Blurred by {sigma:g} pixels",),
        why=(
            f"from {before:.3f} to **{after:.3f}**",
            f"for **{risen} of 10** digits",
            "({:.2f} to {:.2f})".format(*means[digit]),
        ),
    )
    check(1, 5, claim, example=str(digit), blur=str(sigma))
    assert means[digit][1] > means[digit][0]  # "brighter on average"
    if sigma == 2.0:
        assert risen >= 5  # the step is about a score that blur raises


@pytest.mark.parametrize("digit", [9, 2, 7])
def test_the_random_method_among_three(engine: Engine, digit: int) -> None:
    sides = {method: heatmap(engine, digit, method=method) for method in ("grad-cam++", "grad-cam", "random-cam")}
    place = (2 - (digit + 1) % 3) % 3  # checked with the pictures below
    meet = iou(sides["grad-cam++"].map, sides["grad-cam"].map)
    claim = Claim(
        choice=f"Map {LETTERS[place]}", why=(f"overlap by {'only ' if meet < 0.7 else ''}**{meet:.2f}**", "Random")
    )
    app = check(1, 6, claim, example=str(digit))
    assert shown_pictures(app).index(overlay(engine, sides["random-cam"])) == place
    assert set(shown_pictures(app)) == {overlay(engine, side) for side in sides.values()}


def test_the_convincing_mistake_is_the_best_fitting_one(engine: Engine) -> None:
    found = engine.evaluate(dense(), DataSpec(noise=0.2), THESIS).rows
    labels = engine.gallery().labels
    wrong = [row for row in range(len(labels)) if found.predicted[row] != labels[row]]
    row = max(wrong, key=lambda row: np.nan_to_num(found["soft-iou"][row]))
    side = engine.heatmap(dense(), ImageRef(name=str(row)), THESIS)
    assert side.prediction.top != labels[row]
    usual = heatmap(engine, 3)
    claim = Claim(
        choice=f"These places are evidence for {side.prediction.top}",
        text=(
            f"soft IoU **{iou(side.map, ink(engine, side)):.2f}**",
            f"with {iou(usual.map, ink(engine, usual)):.2f}.",
            f"it says **{side.prediction.top}**, {side.prediction.confidence:.2f}",
        ),
        why=(f"it is a **{labels[row]}**", "the network is wrong"),
    )
    app = check(1, 7, claim, example="3")
    assert shown_pictures(app) == [overlay(engine, side), overlay(engine, usual)]
