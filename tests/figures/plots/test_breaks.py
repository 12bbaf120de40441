"""Figures of what breaks and what is forgotten hold the numbers of their results."""

from __future__ import annotations

import math

import pytest

from core.figures.plots import breaks as plots
from core.figures.plots.base import sparsity_position
from core.sweeps.breaks import by_threshold, find_breaks
from core.sweeps.forgotten import by_sparsity, find_forgotten
from tests.sweeps.test_breaks import rows_of
from tests.sweeps.test_forgotten import population

EARLY, LATE, NEVER = (0.9, 0.1, 0.1), (0.9, 0.9, 0.1), (0.9, 0.9, 0.8)
YES, OTHER = (True, True, True), (True, False, False)
ROWS = rows_of([(EARLY, YES), (LATE, OTHER), (NEVER, YES), (LATE, YES)])


def test_shares_that_are_not_broken_are_drawn_with_their_bands() -> None:
    found = find_breaks(ROWS, "pearson", 0.5)
    figure = plots.alive(found)
    lines = {line.name: line for line in figure.data if line.name}
    assert list(lines["explanations"].y) == [1.0, 0.75, 0.25]
    assert list(lines["answers"].y) == [1.0, 0.75, 0.75]
    bands = [list(line.y) for line in figure.data if not line.name]
    assert bands[:2] == [
        [each.explanations.high for each in found.alive],
        [each.explanations.low for each in found.alive],
    ]
    assert "n = 4 images" in figure.layout.title.text


def test_each_threshold_has_its_difference_and_counts() -> None:
    found = list(by_threshold(ROWS, "pearson", (0.5, 0.85)))
    figure = plots.thresholds(found, 0.5)
    (line,) = [line for line in figure.data if line.name]
    assert list(line.y) == pytest.approx([100 * each.earlier.value for each in found if each.earlier.value is not None])
    assert len(figure.layout.shapes) == 2  # zero, and the threshold
    bars = {bar.name: list(bar.y) for bar in plots.order(found).data}
    assert bars["explanation first"] == [each.explanation_first.count for each in found]
    assert [sum(counts) for counts in zip(*bars.values(), strict=True)] == [4, 4]


def test_one_image_has_points_without_an_interval() -> None:
    found = list(by_threshold(ROWS[ROWS.image == 0], "pearson", (0.5,)))
    figure = plots.thresholds(found)
    (line,) = [line for line in figure.data if line.name]
    assert list(line.y) == pytest.approx([40.0])
    assert [list(band.y) for band in figure.data if not band.name] == [[None], [None]]
    assert list(plots.heatmaps({"Grad-CAM": found[0]}).data[0].error_x.array) == [0.0]


def test_heatmaps_are_named_with_their_threshold_and_escaped() -> None:
    found = find_breaks(ROWS, "pearson", 0.5)
    (line,) = plots.heatmaps({"<b>": found}).data
    assert list(line.y) == ["&lt;b&gt;, below 0.50"]
    assert line.x[0] == pytest.approx(100 * (found.earlier.value or math.nan))


def test_forgotten_images_and_classes() -> None:
    one = population([[0, 1, 1]], [[0, 0, 1]], [0, 1, 1])
    found = list(by_sparsity(one))
    figure = plots.forgotten(found, 0.9)
    (line,) = [line for line in figure.data if line.name]
    assert list(line.y) == pytest.approx([1 / 3])
    assert len(figure.layout.shapes) == 1
    (points,) = plots.classes(find_forgotten(one, 0.9), ("zero", "one").__getitem__).data
    assert dict(zip(points.y, points.x, strict=True)) == pytest.approx({"one": 100 * (1 / 2 - 2 / 3), "zero": 100 / 3})
    deep = population([[0]], [[0]], [0])
    deep.pruned["sparsity"] = 0.99
    (line,) = [line for line in plots.forgotten(list(by_sparsity(deep))).data if line.name]
    assert list(line.x) == [sparsity_position(0.99)]
