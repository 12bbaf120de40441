"""Views of lesson 2: two heatmaps side by side, and figures over sparsities and levels."""

from __future__ import annotations

from typing import TypeVar

import streamlit as st

from core import CamSpec, DataSpec, VariantSpec
from core.base.numbers import interval
from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import DENSE, NEUTRAL, PRUNED
from core.figures.plots.lessons import Frame, Line
from core.results import Accuracy
from pages.parts.common import engine
from pages.parts.common.story import percent, says
from pages.parts.lessons import facts
from pages.parts.lessons.facts import GRID, Stop
from pages.parts.lessons.parts import chart, over, row

T = TypeVar("T")
NOISY = DataSpec(noise=0.2)


def both(variant: VariantSpec, digit: str, named: str, cam: CamSpec = facts.CAM) -> None:
    """Draws the dense and the pruned heatmap with their answers."""
    answer = engine.comparison(variant, facts.image_of(digit), cam)
    overlap = answer.similarity[facts.MAPS_MEET] or 0.0
    state = ", empty" if not answer.pruned.usable else ""
    below = f"says {says(answer.pruned)}, overlap **{overlap:.2f}**{state}"
    row([over(answer.reference, "Dense", f"says {says(answer.reference)}"), over(answer.pruned, named, below)])


def accuracy(variant: VariantSpec) -> Accuracy:
    """Returns the accuracy over all embedded digits, with noise as in training."""
    return needed(engine.accuracy(variant, NOISY, st.container()))


def needed(answer: T | None) -> T:
    """Returns the answer; ends the step if the computation was stopped."""
    if answer is None:
        st.stop()
    return answer


def counted(found: Accuracy) -> str:
    """Formats an accuracy with its counts and interval."""
    counts = f"{found.correct:,} of {found.total:,}"
    return f"**{percent(found.fraction)}** ({counts}; {interval(found.low, found.high)})"


def walk_chart(stops: tuple[Stop, ...], removed: float) -> None:
    """Draws one digit's overlap with the dense heatmap, and whether the answer is the same."""
    same = [1.0 if stop.top == stops[0].top else 0.0 for stop in stops]
    frame = Frame(title="Heatmap and answer by sparsity (n = 1)", x="sparsity", y="", marker=removed, percent=True)
    drawn = [
        Line(name="overlap with dense", colour=PRUNED, x=GRID, y=[stop.overlap or 0.0 for stop in stops]),
        Line(name="answer: 1 same, 0 changed", colour=DENSE, x=GRID, y=same, dash="dot"),
    ]
    chart(plots_lessons.lines(frame, drawn), "Overlap of heatmaps, and whether the answer is unchanged, over sparsity")


def accuracy_chart(drawn: list[tuple[str, str, str]], marker: float) -> None:
    """Draws accuracy under one-shot pruning. drawn: criterion, name and colour of each line."""
    shown = []
    for criterion, name, colour in drawn:
        points = needed(engine.accuracy_curve(facts.one_shot(0.5, criterion), NOISY, st.container()))
        shown.append(Line(name=name, colour=colour, x=[x for x, _ in points], y=[y for _, y in points]))
    total = len(engine.engine().gallery())
    frame = Frame(
        title=f"Accuracy, one-shot (n = {total:,} digits)", x="sparsity", y="accuracy", marker=marker, percent=True
    )
    chart(
        plots_lessons.lines(frame, shown), "Accuracy over sparsity, one-shot: " + ", ".join(line.name for line in shown)
    )


def levels_chart(level: int) -> None:
    """Draws accuracy over the levels, retrained and one-shot."""
    trained, once = (facts.levels(series, "333") for series in ("iterative-reset", "one-shot"))
    frame = Frame(
        title=f"Accuracy by level (n = {int(trained.test_images[0]):,} digits)", x="level", y="accuracy", marker=level
    )
    drawn = [
        Line(name="retrained", colour=PRUNED, x=trained.level.tolist(), y=trained.accuracy_noisy.tolist()),
        Line(name="one-shot", colour=NEUTRAL, x=once.level.tolist(), y=once.accuracy_noisy.tolist(), dash="dot"),
    ]
    chart(plots_lessons.lines(frame, drawn), "Accuracy over 26 levels, retrained and one-shot")
