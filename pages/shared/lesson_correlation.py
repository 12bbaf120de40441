"""Lesson 3: reading a correlation. All numbers come from the study's tables of the networks that come along."""

from __future__ import annotations

import streamlit as st
from pandas import DataFrame

from core import plots_lessons
from core.plots import NEUTRAL, PRUNED
from core.plots_lessons import Frame, Line
from core.protocols.lukkien import PUBLISHED
from pages.shared import cached, lesson_facts, widgets
from pages.shared.lesson_facts import CONTROLS, STUDY
from pages.shared.lesson_frame import Lesson, Stage, Step, Told
from pages.shared.lesson_parts import chart, r_text, slider

BARELY = 0.05  # a change of r that is smaller is called little
SERIES = {"iterative-reset": "trained again at each level", "one-shot": "one-shot", "random": "at random"}


def _facts() -> str:
    facts = cached.study(*STUDY).facts
    seeds, steps = len(facts["seeds"]), facts["levels"] + 1
    return f"{seeds} networks, each pruned over {steps} levels and tested on {facts['test_images']:,} digits at every one"


def _lines(rows: DataFrame) -> None:
    frame = Frame(title=f"Means by level (n = {cached.study(*STUDY).facts['test_images']:,} digits)", x="level", y="")
    drawn = [Line(name="accuracy", colour=NEUTRAL, x=rows.level.tolist(), y=rows.accuracy_noisy.tolist(), dash="dot"),
             Line(name="soft IoU with the ink", colour=PRUNED, x=rows.level.tolist(), y=rows.soft_iou.tolist())]  # fmt: skip
    chart(plots_lessons.lines(frame, drawn), "Accuracy and soft IoU over 26 levels: both fall at the end")


def _scatter(counted: DataFrame, r: float | None, left_out: DataFrame | None = None, of: str = "mean") -> None:
    """The levels as points, and Pearson's r in large type; None keeps it back."""

    def points(rows: DataFrame) -> list[tuple[float, float, int]]:
        return list(zip(rows.accuracy_noisy.tolist(), rows.soft_iou.tolist(), rows.level.tolist(), strict=True))

    whose = "mean of 3 seeds" if of == "mean" else f"seed {of}"
    st.metric(f"Pearson's r, {whose}", "?" if r is None else r_text(r))
    frame = Frame(title=f"One point a level (n = {len(counted)} levels)", x="accuracy", y="soft IoU with the ink")
    figure = plots_lessons.scatter(frame, points(counted), points(left_out) if left_out is not None else ())
    chart(figure, f"Soft IoU against accuracy, {whose}, {len(counted)} levels counted")


def two_curves(stage: Stage) -> Told:
    with stage.controls:
        of = widgets.segments("Whose means", "series", CONTROLS)
    rows = lesson_facts.levels(of=of)
    r = lesson_facts.pearson(rows).value or 0.0
    with stage.view:
        _lines(rows)
        if stage.answered:
            _scatter(rows, r, of=of)
    return Told(
        text=f"{_facts()}: how many are named rightly (accuracy), and how well their heatmaps cover the ink (soft IoU). Both fall in the "
        f"end. Pearson's correlation says in one number how well they follow one straight line, from −1 to 1.",
        question="How large is it here?",
        choices=("Below 0.5", "0.5 to 0.9", "Above 0.9"),
        right=0 if r < 0.5 else 1 if r <= 0.9 else 2,
        why=f"**{r_text(r)}**. The thesis this repeats prints {PUBLISHED['pearson']:.2f}. It looks as if heatmaps told how good a network "
        f"is. The next steps ask what this number rests on.",
    )  # fmt: skip


def which_points(stage: Stage) -> Told:
    with stage.controls:
        last = int(slider("Count levels up to", "upto"))
    rows = lesson_facts.levels()
    counted, rest = rows[rows.level <= last], rows[rows.level > last]
    whole, part = lesson_facts.pearson(rows).value or 0.0, lesson_facts.pearson(counted).value or 0.0
    with stage.view:
        if stage.answered:
            _scatter(counted, part, rest)
        else:
            _scatter(rows, whole)
    at = counted.accuracy_noisy.iloc[-1]
    drop = whole - part
    return Told(
        text=f"One point is one level; level 0 is the dense network. Count only levels 0 to **{last}**, where accuracy is still {at:.0%} "
        f"or more. Over all levels Pearson's r is {r_text(whole)}.",
        question=f"What is r over levels 0 to {last}?",
        choices=(f"About the same (within {BARELY})", "Smaller, but above 0", "0 or below"),
        right=0 if abs(drop) <= BARELY else 2 if part <= 0 else 1,
        why=f"**{r_text(part)}** with n = {len(counted)}. "
        + ("While the network still works, better accuracy does not go with better overlap: the strong correlation comes from the levels "
        "where everything falls apart."
           if part <= 0 else "Some of the value comes from the deep levels: count fewer of them and "
           "see." if drop > BARELY else "With these levels the value stays: count fewer."),
    )  # fmt: skip


def collapsed(stage: Stage) -> Told:
    with stage.controls:
        counted = widgets.toggle("Count collapsed levels", "collapsed", CONTROLS)
    rows = lesson_facts.levels()
    gone = rows[rows.collapsed]
    with_them, without = (lesson_facts.tabled("mean", out, False) for out in (False, True))
    fall = with_them[0] - without[0]
    with stage.view:
        kept = rows if counted else rows[~rows.collapsed]
        r = lesson_facts.pearson(kept).value
        _scatter(kept, r if stage.answered or counted else None, None if counted else gone)
    names = ", ".join(str(level) for level in gone.level)
    return Told(
        text=f"At level {names} {int(gone.weights_left.iloc[0])} weights are left and no path joins input and output: the network has "
        f"**collapsed**. It says one class to every image (accuracy {gone.accuracy_noisy.iloc[0]:.0%}) and its maps are empty. Such a "
        f"point can pull a line.",
        question=f"r is {r_text(with_them[0])} with it. And without?",
        choices=(f"Much smaller (by more than {BARELY})", f"Little changed (by {BARELY} or less)", "Larger"),
        right=2 if fall < -BARELY else 0 if fall > BARELY else 1,
        why=f"{_interval(without)} without, {_interval(with_them)} with. "
        + (f"{len(gone)} point of {with_them[3]}, and others lie near it: on its own it drives little. Leave it out all the same, and say "
        f"so. Then ask what else is nearly empty."
           if abs(fall) <= BARELY else "Points of networks that no longer work drive the value."),
    )  # fmt: skip


def _interval(row: tuple[float, float, float, int]) -> str:
    return f"**{r_text(row[0])}** (95 % interval over images {r_text(row[1])} to {r_text(row[2])}, n = {row[3]} levels)"


def empty_maps(stage: Stage) -> Told:
    with stage.controls:
        as_zero = widgets.toggle("Count an empty heatmap as overlap 0", "empty", CONTROLS)
    study = cached.study(*STUDY)
    rows = study.levels[study.levels.series == "iterative-reset"]
    zero, left_out = (lesson_facts.tabled("mean", False, out) for out in (False, True))
    share = rows.assign(empty=rows.empty_maps / rows.test_images).groupby("level").empty.mean()
    deep = int((share > 0.1).idxmax())
    with stage.view:
        if stage.answered:
            frame = Frame(title=f"Empty heatmaps (n = {study.facts['test_images']:,} digits)", x="level", y="share empty")
            line = Line(name="share of empty heatmaps", colour=NEUTRAL, x=share.index.tolist(), y=share.tolist())
            chart(plots_lessons.lines(frame, [line]), "Share of empty heatmaps over the levels")
            st.markdown(f"Counted as 0: {_interval(zero)}" if as_zero else f"Left out: {_interval(left_out)}")
        else:
            _lines(lesson_facts.levels())
    return Told(
        text=f"Not only collapsed networks have empty heatmaps: from level {deep} on more than a tenth of all maps are empty. The study "
        f"counts each as overlap **0**. One could also say: there is no map, so there is no overlap, and leave it out.",
        question=f"With zeros r is {r_text(zero[0])}. What is it with empty maps left out?",
        choices=("Still above 0.8", "0.5 to 0.8", "Below 0.5"),
        right=0 if left_out[0] > 0.8 else 1 if left_out[0] >= 0.5 else 2,
        why=f"{_interval(left_out)}. One decision about empty maps changes the value by {abs(zero[0] - left_out[0]):.2f}. Neither way is "
        f"wrong: but a reader must be told which one it is. (Left out, deep levels rest on fewer images.)",
    )


def not_independent(stage: Stage) -> Told:
    with stage.controls:
        last = int(slider("Count levels up to", "upto"))
    rows = lesson_facts.levels()
    found, counted = lesson_facts.pearson(rows), rows[rows.level <= last]
    part, step = lesson_facts.pearson(counted), lesson_facts.changes(rows)
    left = rows.weights_left.tolist()
    with stage.view:
        _scatter(rows, found.value)
        if stage.answered:
            st.markdown(
                f"Levels 0 to {last}: n = **{part.n}**, df = **{part.df}**, r = {r_text(part.value)}. Changes from level to level: r = "
                f"**{r_text(step.value)}** (n = {step.n})."
            )
    return Told(
        text=f"{found.n} points, joined in their order. Each network descends from the one before: level 1 keeps {left[1]:,} of level 0's "
        f"{left[0]:,} weights, level 2 {left[2]:,} of those. A test of r counts *degrees of freedom*, df, as if the points were drawn "
        f"independently.",
        question=f"What is df for the correlation of {found.n} points?",
        choices=(f"{found.n}", f"{found.n - 1}", f"{found.n - 2}"),
        right=2,
        why=f"**{found.df}**: n − 2, for a line has two numbers (the thesis prints {PUBLISHED['df_printed']}). And even {found.df} "
        f"promises too much: neighbours share weights, so there are fewer than {found.n} independent points, and p only describes. The "
        f"*changes* from level to level correlate by {r_text(step.value)}.",
    )  # fmt: skip


def three_seeds(stage: Stage) -> Told:
    with stage.controls:
        of = widgets.segments("Whose means", "series", CONTROLS)
    seeds = [str(seed) for seed in cached.study(*STUDY).facts["seeds"]]
    values = [lesson_facts.tabled(seed, False, False) for seed in seeds]
    rows = lesson_facts.levels(of=of)
    with stage.view:
        if stage.answered:
            _scatter(rows, lesson_facts.pearson(rows).value, of=of)
        else:
            mean = lesson_facts.levels()
            _scatter(mean, lesson_facts.pearson(mean).value)
    spread = max(value[0] for value in values) - min(value[0] for value in values)
    mean_interval = lesson_facts.tabled("mean", False, False)
    listed = "; ".join(f"seed {seed}: **{r_text(value[0])}**" for seed, value in zip(seeds, values, strict=True))
    return Told(
        text=f"The means hide three networks, trained from three random beginnings. For the means r is {r_text(mean_interval[0])}, with "
        f"an interval from {r_text(mean_interval[1])} to {r_text(mean_interval[2])} when other *images* are drawn.",
        question="How far apart are the three networks' own values of r?",
        choices=("By less than 0.05", "By 0.05 to 0.2", "By more than 0.2"),
        right=0 if spread < 0.05 else 1 if spread <= 0.2 else 2,
        why=f"By **{spread:.2f}**. {listed}. An interval over images says nothing about other *networks*, and three are too few for an "
        f"interval over them: show all three.",
    )


def no_explanation(stage: Stage) -> Told:
    with stage.controls:
        last = int(slider("Look at random pruning, level", "depth"))
    random, main = lesson_facts.levels("random"), lesson_facts.levels()
    dense = main.iloc[0]
    best = random.loc[random.soft_iou.idxmax()]
    here = random[random.level == last].iloc[0]
    beats = best.soft_iou > dense.soft_iou and best.level > 0
    with stage.view:
        if stage.answered:
            frame = Frame(title="Weights removed at random (3 seeds)", x="level", y="", marker=last)
            drawn = [Line(name="accuracy", colour=NEUTRAL, x=random.level.tolist(), y=random.accuracy_noisy.tolist(), dash="dot"),
                     Line(name="soft IoU with the ink", colour=PRUNED, x=random.level.tolist(), y=random.soft_iou.tolist())]  # fmt: skip
            chart(plots_lessons.lines(frame, drawn), "Accuracy and soft IoU over the levels when weights are removed at random")
            st.markdown(f"Level {last}: accuracy {here.accuracy_noisy:.1%}, soft IoU **{here.soft_iou:.2f}**.")
        else:
            _lines(main)
    return Told(
        text=f"Do good heatmaps *explain* good accuracy? If so, a network that only guesses (accuracy about {1 / 10:.0%}) should have "
        f"poor ones. Remove weights at random, without training, and look. The dense networks' soft IoU is {dense.soft_iou:.2f}.",
        question="Can networks that guess have heatmaps that cover the ink better than the dense ones' do?",
        choices=("Yes", "No"),
        right=0 if beats and best.accuracy_noisy < 0.15 else 1,
        why=f"At level {int(best.level)}, {int(best.weights_left)} weights, accuracy **{best.accuracy_noisy:.1%}**: soft IoU "
        f"**{best.soft_iou:.2f}** against {dense.soft_iou:.2f}. Pruning moves both numbers; that they fall together along one way of "
        f"pruning does not say that one makes the other.",
    )


LESSON = Lesson(
    "Reading a correlation",
    "Reading a correlation",
    (
        Step("Two curves fall together", two_curves),
        Step("Which points make the line?", which_points),
        Step("A network that has collapsed", collapsed),
        Step("What is an empty map worth?", empty_maps),
        Step("26 points, not 26 networks", not_independent),
        Step("Three seeds", three_seeds),
        Step("No explanation yet", no_explanation),
    ),
)
