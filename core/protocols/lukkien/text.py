"""The thesis' study as text and tables, with the published values beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pandas import isna

from core.base.numbers import UNDEFINED, percent, score
from core.base.text import Part, Rows
from core.evaluation.evaluate import overflow_notes
from core.protocols.lukkien import protocol as lukkien
from core.protocols.lukkien.tables import StudyTables

HEAD = ("level", "weights", "", "clean", "noisy", "soft IoU", "empty", "without", "right", "wrong", "mean", "std", "")


def levels_text(tables: StudyTables) -> tuple[Part, ...]:
    """Return every series, seed and level, with an explanation of the columns."""
    images = f"{tables.facts['test_images']:,} test images"
    legend = (
        f"Columns: weights left of {tables.facts['prunable']:,}; accuracy on {images}, clean and with background "
        "noise; soft IoU of heatmap and ink, the mean over all images, how many heatmaps are empty and score 0, the "
        "mean without those, over images that are classified correctly (right) and the others (wrong); mean and "
        "standard deviation (std) of the heatmaps. An asterisk marks a collapsed network: no path connects its input "
        "and output."
    )
    return legend, *_series(tables)


def _series(tables: StudyTables) -> Iterator[Rows]:
    for (series, seed), rows in tables.levels.groupby(["series", "seed"], sort=False):
        cells = [HEAD, *(_level(row) for row in rows.itertuples())]
        yield Rows(cells, range(len(HEAD) - 1), f"{series}, seed {seed}")


def _level(row: Any) -> tuple[str, ...]:
    overlaps = (_number(row.soft_iou), f"{row.empty_maps:,}", _number(row.soft_iou_without_empty))
    others = (_number(value) for value in (row.soft_iou_correct, row.soft_iou_wrong, row.map_mean, row.map_std))
    accuracies = (percent(row.accuracy_clean), percent(row.accuracy_noisy))
    left = (str(row.level), f"{row.weights_left:,}", percent(row.density))
    return (*left, *accuracies, *overlaps, *others, "*" if row.collapsed else "")


def correlations_text(tables: StudyTables) -> Rows:
    """Return correlations of level means of accuracy and soft IoU, with their intervals."""
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
    return Rows([head, *cells], (3, 5, 6, 7), title)


def _number(value: float) -> str:
    return score(None if isna(value) else value, 3)


def _p(value: float) -> str:
    return UNDEFINED if isna(value) else f"{value:.1g}"


def summary(tables: StudyTables) -> str:
    """Return the study in a few lines, with the published values beside ours."""
    facts, published = tables.facts, lukkien.PUBLISHED
    dense = tables.levels[(tables.levels.series == "iterative-reset") & (tables.levels.level == 0)]
    main = tables.mean_series()
    best = main.loc[main.soft_iou.idxmax()]
    return "\n".join(
        [
            (
                f"Trained on {facts['train_images']:,} images, tested on {facts['test_images']:,} ({facts['data']}),"
                f" seeds {facts['seeds']}."
            ),
            (
                f"Level 0: noisy accuracy {_percents(dense.accuracy_noisy)} (published"
                f" {published['accuracy_noisy_level_0']:.2%}), soft IoU"
                f" {', '.join(f'{value:.3f}' for value in dense.soft_iou)}."
            ),
            (
                f"Highest mean soft IoU: {best.soft_iou:.3f} at level {int(best.level)}{_empty(best)}"
                f" (published: about {published['highest_soft_iou']}, {published['highest_soft_iou_where']})."
            ),
            (
                f"Pearson of level means of accuracy and soft IoU (published {published['pearson']:.3f}; 95 % intervals"
                " over images):"
            ),
            *_pearson_lines(tables),
            tables.about_intervals,
            *_unanswered(tables),
            "Levels descend from each other: they are not independent points, and p is descriptive.",
        ]
    )


def _unanswered(tables: StudyTables) -> tuple[str, ...]:
    """Return a note on images without an answer. Tables of an earlier version lack their number;
    those outputs were finite.
    """
    return overflow_notes(int(tables.levels.unanswered.sum())) if "unanswered" in tables.levels else ()


def _empty(row: Any) -> str:
    """Return the number of empty maps of a level and the mean without them; "" for none."""
    if not row.empty_maps:
        return ""
    without = "undefined" if isna(row.overlap_without_empty) else f"{row.overlap_without_empty:.3f}"
    return f", {int(row.empty_maps):,} of {int(row.maps):,} maps empty, {without} without them"


def _pearson_lines(tables: StudyTables) -> list[str]:
    lines = []
    for what, table in (("", tables.correlations), (", empty maps left out", tables.correlations_usable)):
        rows = table[(table.fitting == "soft-iou") & (table.coefficient == "pearson")]
        lines += [
            f"  {row.series}, {row.levels} levels{what}: {_with_interval(row)}, n {row.n}, df {row.df}"
            for row in rows.itertuples()
        ]
    return lines


def _with_interval(row: Any) -> str:
    """Return the value with its interval, or "undefined"."""
    shown = ["undefined" if isna(number) else f"{number:.3f}" for number in (row.value, row.low, row.high)]
    return shown[0] if shown[0] == "undefined" else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _percents(values: Any) -> str:
    return ", ".join(f"{value:.2%}" for value in values)
