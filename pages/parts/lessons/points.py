"""Views of lesson 3: the levels as lines and as points, and correlations with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from pandas import DataFrame, Series

from core.base.numbers import score
from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import NEUTRAL, PRUNED
from core.figures.plots.lessons import Frame, Line, Spread
from pages.parts.common import engine
from pages.parts.common.story import percent
from pages.parts.lessons.facts import STUDY, Tabled
from pages.parts.lessons.parts import chart, metric, note


def facts() -> str:
    """Describes the data of the study."""
    known = engine.study(*STUDY).facts
    seeds, steps = len(known["seeds"]), known["levels"] + 1
    images = known["test_images"]
    return f"{seeds} networks, each pruned over {steps} levels and tested on {images:,} digits at every level"


def lines(rows: DataFrame) -> None:
    """Draws accuracy and soft IoU over the levels."""
    frame = Frame(title=f"Means by level (n = {engine.study(*STUDY).facts['test_images']:,} digits)", x="level", y="")
    chart(
        plots_lessons.lines(frame, [accuracy_line(rows), overlap_line(rows)]),
        "Accuracy and soft IoU over 26 levels: both fall",
    )


def accuracy_line(rows: DataFrame) -> Line:
    return Line(name="accuracy", colour=NEUTRAL, x=rows.level.tolist(), y=rows.accuracy_noisy.tolist(), dash="dot")


def overlap_line(rows: DataFrame) -> Line:
    return Line(name="soft IoU with the ink", colour=PRUNED, x=rows.level.tolist(), y=rows.soft_iou.tolist())


def empty_share() -> Series:
    """Returns the share of empty heatmaps by level, mean of the seeds."""
    rows = engine.study(*STUDY).levels
    rows = rows[rows.series == "iterative-reset"]
    return (rows.empty_maps / rows.test_images).groupby(rows.level).mean()


def empty_line() -> None:
    """Draws the share of empty heatmaps."""
    share, images = empty_share(), engine.study(*STUDY).facts["test_images"]
    frame = Frame(title=f"Empty heatmaps (n = {images:,} digits)", x="level", y="share empty")
    line = Line(name="share of empty heatmaps", colour=NEUTRAL, x=share.index.tolist(), y=share.tolist())
    chart(plots_lessons.lines(frame, [line]), "Share of empty heatmaps over the levels")


def random_lines(rows: DataFrame, level: int, answered: bool) -> None:
    """Draws random pruning: accuracy first, heatmap overlap with the answer."""
    here = rows[rows.level == level].iloc[0]
    frame = Frame(title="Removed at random (mean of 3 seeds)", x="level", y="", marker=level)
    drawn = [accuracy_line(rows), *([overlap_line(rows)] if answered else [])]
    chart(
        plots_lessons.lines(frame, drawn),
        ", ".join(line.name for line in drawn) + " when weights are removed at random",
    )
    overlap = f"{here.soft_iou:.2f}" if answered else "?"
    note(f"Level {level}: accuracy {percent(here.accuracy_noisy)}, soft IoU **{overlap}**.")


def scatter(counted: DataFrame, r: float | None, left_out: DataFrame | None = None, of: str = "mean") -> None:
    """Draws the levels as points and Pearson's r in large type; None hides it."""

    def points(rows: DataFrame) -> list[tuple[float, float, int]]:
        return list(zip(rows.accuracy_noisy.tolist(), rows.soft_iou.tolist(), rows.level.tolist(), strict=True))

    whose = "mean of 3 seeds" if of == "mean" else f"seed {of}"
    metric(f"Pearson's r, {whose}", "?" if r is None else score(r))
    frame = Frame(title=f"One point per level (n = {len(counted)} levels)", x="accuracy", y="soft IoU with the ink")
    figure = plots_lessons.scatter(frame, points(counted), points(left_out) if left_out is not None else ())
    chart(figure, f"Soft IoU against accuracy, {whose}, {len(counted)} levels counted")


def signs(names: Sequence[str], with_empty: Sequence[Tabled], without: Sequence[Tabled]) -> None:
    """Draws r of every series with empty heatmaps counted and, if given, excluded."""
    drawn = [_spread("empty maps as 0", NEUTRAL, with_empty)]
    drawn += [_spread("empty maps excluded", PRUNED, without)] if without else []
    frame = Frame(title="Pearson's r (n = 3 seeds)", x="Pearson's r", y="")
    chart(
        plots_lessons.spreads(frame, names, drawn),
        "Pearson's r of each seed and of the means: " + ", ".join(one.name for one in drawn),
    )


def _spread(name: str, colour: str, rows: Sequence[Tabled]) -> Spread:
    return Spread(
        name=name,
        colour=colour,
        values=[row.r for row in rows],
        low=[row.low for row in rows],
        high=[row.high for row in rows],
    )


def interval(row: Tabled) -> str:
    """Formats r with its interval."""
    return f"**{score(row.r)}** (95 % interval over images {score(row.low)} to {score(row.high)}, n = {row.n} levels)"
