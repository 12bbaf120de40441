"""Figures hold the numbers of the results, name their units and n, and send nothing that is not
JSON.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures.plots import base as plots
from core.figures.plots import training as plots_training
from core.results import LayerCount, MaskReport, Prediction, frozen_array
from core.specs import VariantSpec
from tests.made import Made

CLASSES = tuple("0123456789")


def many_layers() -> MaskReport:
    layers = tuple(LayerCount(name=f"block{i}.conv.weight", kept=i, total=100) for i in range(1, 51))
    return MaskReport(variant=VariantSpec(), layers=layers, other_parameters=0, collapsed=False)


def figures() -> dict[str, go.Figure]:
    answer = Made(dense_says=7, pruned_says=1).build()
    return {
        "series": plots.series_curve(
            [(0.0, 0.98), (0.9, 0.5), (1.0, 0.1)], [(0.0, 0.3), (0.9, None), (1.0, 0.0)], answer.mask, 5000
        ),
        "layers": plots.kept_weights(answer.mask),
        "threshold": plots.threshold_curve(answer, 0.4),
        "followed": plots.followed([answer, Made(sparsity=0.6, agreements=(None, 0.7)).build()], 0.3, 0.6, (0.5, 0.75)),
        "one at a time": plots.one_at_a_time(
            ["a.weight", "b.weight"], [answer, Made(agreements=(None, 0.7)).build()], 3
        ),
        "many layers": plots.kept_weights(many_layers()),
        "probabilities": plots.probabilities(answer, CLASSES),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_says_its_n_and_is_small_json(name: str) -> None:
    figure = figures()[name]
    assert "n = " in figure.layout.title.text
    text = figure.to_json()
    json.loads(text)
    assert len(text) < 40_000
    assert "NaN" not in text


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_stands_on_light_and_dark(name: str) -> None:
    layout = figures()[name].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_the_series_has_both_lines_a_gap_where_undefined_and_a_marker() -> None:
    figure = figures()["series"]
    accuracy, overlap = figure.data
    assert list(accuracy.y) == [0.98, 0.5, 0.1]
    assert list(overlap.y) == [0.3, None, 0.0]
    assert overlap.connectgaps is False
    mask = Made().build().mask
    (marker,) = figure.layout.shapes
    assert marker.x0 == marker.x1 == pytest.approx(-__import__("math").log10(1 - mask.sparsity))


def test_all_removed_has_a_place_on_the_logarithmic_axis() -> None:
    figure = figures()["series"]
    low, high = figure.layout.xaxis.range
    assert all(low <= x <= high for x in figure.data[0].x)
    assert figure.data[0].x[-1] > figure.data[0].x[-2]


def test_axis_labels_stand_where_their_sparsity_is() -> None:
    axis = figures()["series"].layout.xaxis
    for value, text in zip(axis.tickvals, axis.ticktext, strict=True):
        assert 1 - 10**-value == pytest.approx(float(text.removesuffix(" %")) / 100, abs=1e-9)


def test_layers_show_share_and_counts_in_the_order_of_the_network() -> None:
    figure = figures()["layers"]
    assert list(figure.data[1].y) == ["conv1", "conv2", "fc"]
    assert list(figure.data[1].x) == [0.5, 0.5, 0.5]
    assert [note.text for note in figure.layout.annotations] == ["18 of 36", "144 of 288", "1,000 of 2,000"]
    assert figure.layout.yaxis.categoryarray == ("fc", "conv2", "conv1")  # plotly draws from below


@pytest.mark.parametrize(("kind", "noun"), [("ink", "ink"), ("mask", "object"), ("boxes", "boxes")])
def test_a_threshold_curve_names_what_is_marked(kind: str, noun: str) -> None:
    figure = plots.threshold_curve(Made(truth_kind=kind).build(), 0.4)
    assert figure.layout.title.text == f"IoU of heatmap and {noun} by threshold (n = 1)"


def test_threshold_curves_are_the_results_own() -> None:
    answer = Made().build()
    dense, pruned = plots.threshold_curve(answer, 0.4).data
    assert list(dense.y) == list(answer.curve_reference)
    assert list(pruned.y) == list(answer.curve_pruned)
    assert pruned.y[-1] is None


def test_probabilities_of_both_networks_by_class() -> None:
    dense, pruned = figures()["probabilities"].data
    assert list(dense.x) == list(CLASSES)
    assert max(range(10), key=lambda c: dense.y[c]) == 7
    assert max(range(10), key=lambda c: pruned.y[c]) == 1
    assert (dense.marker.color, pruned.marker.color) == (plots.DENSE, plots.PRUNED)


def test_many_layers_are_bars_in_the_network_s_order_with_their_names_behind() -> None:
    (bars,) = figures()["many layers"].data
    assert list(bars.y) == [i / 100 for i in range(1, 51)]
    assert bars.customdata[4] == "block5.conv: 5 of 100"


def test_of_a_thousand_classes_each_network_s_five_best_are_shown() -> None:
    answer = Made(dense_says=7, pruned_says=1).build()
    names = tuple(f"class {i}" for i in range(13))
    sides = [replace(side, prediction=thirteen(side.prediction)) for side in (answer.reference, answer.pruned)]
    pruned, dense = plots.probabilities(replace(answer, reference=sides[0], pruned=sides[1]), names).data
    assert list(dense.y) == list(pruned.y) == ["class 7", "class 0", "class 1", "class 2", "class 3", "class 4"]
    assert dense.x[0] == pruned.x[2] == pytest.approx(0.82)
    assert dense.name == "dense"


def thirteen(prediction: Prediction) -> Prediction:
    return replace(prediction, probabilities=frozen_array(np.append(prediction.probabilities, [0.0, 0.0, 0.0])))


def test_the_followed_image_has_gaps_a_marker_and_the_band() -> None:
    figure = figures()["followed"]
    similarity, probability = figure.data
    assert list(similarity.y) == [0.6, 0.6]
    assert list(probability.y) == pytest.approx([0.02, 0.82])
    band, marker = figure.layout.shapes
    top = figure.layout.xaxis.range[1]  # the band ends where the axis does
    assert (band.x0, band.x1, marker.x0) == (0.5, min(0.75, top), 0.3)


def test_one_layer_at_a_time_has_a_bar_and_a_point_each_and_room_for_the_rest() -> None:
    figure = figures()["one at a time"]
    bars, points = figure.data
    assert list(bars.customdata) == ["a", "b"]
    assert list(bars.y) == [0.6, 0.6]
    assert list(points.y) == pytest.approx([0.02, 0.82])
    assert figure.layout.xaxis.range == (0.4, 3.6)


def epoch(level: int, number: int, loss: float, correct: int) -> dict:
    return {"stage": "epoch", "level": level, "epoch": number, "loss": loss, "correct": correct, "total": 8}


def test_progress_of_training_epoch_by_epoch() -> None:
    lines = [
        epoch(0, 1, 2.0, 2),
        epoch(0, 2, 1.0, 4),
        {"stage": "level", "level": 0},
        epoch(1, 1, 1.5, 3),
        epoch(1, 1, 1.25, 6),
    ]
    loss, right = plots_training.loss(lines), plots_training.right(lines)
    assert list(loss.data[0].y) == [2.0, 1.0, 1.25]  # an epoch that was done again counts once
    assert list(right.data[0].y) == [25.0, 50.0, 75.0]
    assert list(right.data[0].x) == [1, 2, 3]
    assert "n = 8" in right.layout.title.text
    assert [shape.x0 for shape in loss.layout.shapes] == [2.5]  # where level 1 begins
    assert "No epoch" in plots_training.loss([]).layout.title.text
