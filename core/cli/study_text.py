"""The tables of the thesis' study for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pandas import isna

from core.base.text import UNDEFINED, grid, number, percent, wrapped
from core.protocols.lukkien.tables import StudyTables

HEAD = ("level", "weights", "", "clean", "noisy", "soft IoU", "empty", "without", "right", "wrong", "mean", "std", "")


def levels_text(tables: StudyTables) -> str:
    """Every series, seed and level, with what the columns mean."""
    images = f"{tables.facts['test_images']:,} test images"
    legend = (
        f"Columns: weights left of {tables.facts['prunable']:,}; accuracy on {images}, clean and with background noise;"
        " soft IoU of heatmap and ink, the mean over all images, how many heatmaps are empty and score 0, the mean"
        " without those, over images that are classified correctly (right) and over the others (wrong); mean and"
        " standard deviation (std) of the heatmaps. An asterisk marks a collapsed network: no path joins its input and"
        " output."
    )
    return "\n\n".join([wrapped(legend), *_series(tables)])


def _series(tables: StudyTables) -> Iterator[str]:
    for (series, seed), rows in tables.levels.groupby(["series", "seed"], sort=False):
        cells = [HEAD, *(_level(row) for row in rows.itertuples())]
        yield f"{series}, seed {seed}\n{grid(cells, right=range(len(HEAD) - 1))}"


def _level(row: Any) -> tuple[str, ...]:
    overlaps = (_number(row.soft_iou), f"{row.empty_maps:,}", _number(row.soft_iou_without_empty))
    others = (_number(value) for value in (row.soft_iou_correct, row.soft_iou_wrong, row.map_mean, row.map_std))
    accuracies = (percent(row.accuracy_clean), percent(row.accuracy_noisy))
    left = (str(row.level), f"{row.weights_left:,}", percent(row.density))
    return (*left, *accuracies, *overlaps, *others, "*" if row.collapsed else "")


def correlations_text(tables: StudyTables) -> str:
    """Correlations of level means of accuracy and soft IoU, with their intervals."""
    rows = tables.correlations[tables.correlations.fitting == "soft-iou"]
    head = ("seed", "levels", "coefficient", "value", "95 % interval", "p", "n", "df")
    cells = [
        (
            row.series,
            row.levels,
            row.coefficient,
            _number(row.value),
            f"{_number(row.low)} to {_number(row.high)}",
            _p(row.p),
            str(row.n),
            str(row.df),
        )
        for row in rows.itertuples()
    ]
    title = "Correlations of the level means of accuracy and soft IoU (n levels, df degrees of freedom)"
    return f"{title}\n{grid([head, *cells], right=(3, 5, 6, 7))}"


def _number(value: float) -> str:
    return number(None if isna(value) else value, 3)


def _p(value: float) -> str:
    return UNDEFINED if isna(value) else f"{value:.1g}"
