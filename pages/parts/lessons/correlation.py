"""Lesson 3: reading a correlation.

All numbers come from the study's tables of the networks that come along.
"""

from __future__ import annotations

import math

import streamlit as st

from core.base.numbers import score
from core.protocols.lukkien.protocol import PUBLISHED
from pages.parts.common import engine, present, widgets
from pages.parts.common.story import percent
from pages.parts.lessons import facts as lesson_facts
from pages.parts.lessons import points
from pages.parts.lessons.facts import CONTROLS, RUNS, STUDY
from pages.parts.lessons.frame import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import share, slider

BARELY = 0.05  # a change of r that is smaller is called little
COUNTS = ("None", "One", "Two", "All three")


def two_curves(stage: Stage) -> Told:
    with stage.controls:
        of = widgets.segments("Whose means", "series", CONTROLS)
    rows = lesson_facts.levels(of=of)
    r = lesson_facts.pearson(rows).value or 0.0
    with stage.view:
        if not (stage.answered and present.on()):  # to a room, one thing at a time
            points.lines(rows)
        if stage.answered:
            points.scatter(rows, r, of=of)
    return Told(
        text=(
            f"{points.facts()}: how many are named rightly (accuracy), and how well their heatmaps cover the ink"
            " (soft IoU). Both fall in the end. Pearson's correlation says in one number how well they follow one"
            " straight line, from −1 to 1."
        ),
        question="How large is it here?",
        choices=("Below 0.5", "0.5 to 0.9", "Above 0.9"),
        right=0 if r < 0.5 else 1 if r <= 0.9 else 2,
        why=(
            f"**{score(r)}**. The thesis this repeats prints {PUBLISHED['pearson']:.2f}. It looks as if heatmaps told"
            " how good a network is. The next steps ask what this number rests on."
        ),
    )


def which_points(stage: Stage) -> Told:
    with stage.controls:
        last = int(slider("Count levels up to", "upto"))
    rows = lesson_facts.levels()
    counted, rest = rows[rows.level <= last], rows[rows.level > last]
    whole, part = lesson_facts.pearson(rows).value or 0.0, lesson_facts.pearson(counted).value or 0.0
    with stage.view:
        points.scatter(counted, part if stage.answered else None, rest)
    least = math.floor(counted.accuracy_noisy.min() * 100 + 1e-9)  # "at least" is not rounded up
    drop = whole - part
    return Told(
        text=(
            f"One point is one level; level 0 is the dense network. Count only levels 0 to **{last}**, where accuracy"
            f" is still at least {least} %. Over all levels Pearson's r is {score(whole)}."
        ),
        question=f"What is r over levels 0 to {last}?",
        choices=(f"About the same (within {BARELY})", "Smaller, but above 0", "0 or below"),
        right=0 if abs(drop) <= BARELY else 2 if part <= 0 else 1,
        why=f"**{score(part)}** with n = {len(counted)}. "
        + (
            "While the network still works, better accuracy does not go with better overlap: the strong correlation"
            " comes from the levels where everything falls apart."
            if part <= 0
            else (
                "Some of the value comes from the deep levels: count fewer of them and see."
                if drop > BARELY
                else "With these levels the value stays: count fewer."
            )
        ),
    )


def collapsed(stage: Stage) -> Told:
    with stage.controls:
        counted = widgets.toggle("Count collapsed levels", "collapsed", CONTROLS)
    rows = lesson_facts.levels()
    gone = rows[rows.collapsed]
    with_them, without = (lesson_facts.tabled("mean", without_collapsed=out) for out in (False, True))
    fall = with_them.r - without.r
    with stage.view:
        kept = rows if counted else rows[~rows.collapsed]
        r = lesson_facts.pearson(kept).value
        points.scatter(kept, r if stage.answered or counted else None, None if counted else gone)
    names = ", ".join(str(level) for level in gone.level)
    return Told(
        text=(
            f"At level {names} only {int(gone.weights_left.iloc[0])} weights are left, and no path connects input and "
            "output: the network has **collapsed**. It says one class to every image (accuracy "
            f"{share(gone.accuracy_noisy.iloc[0])}) and its maps are empty. Such a point can pull a line."
        ),
        question=f"r is {score(with_them.r)} with it. And without?",
        choices=(f"Much smaller (by more than {BARELY})", f"Little changed (by {BARELY} or less)", "Larger"),
        right=2 if fall < -BARELY else 0 if fall > BARELY else 1,
        why=f"{points.interval(without)} without, {points.interval(with_them)} with. "
        + (
            f"{len(gone)} point of {with_them.n}, and others lie near it: on its own it drives little. Leave it out all"
            " the same, and say so. Then ask what else is nearly empty."
            if abs(fall) <= BARELY
            else "Points of networks that no longer work drive the value."
        ),
    )


def empty_maps(stage: Stage) -> Told:
    as_zero = True
    if stage.answered:  # before, the control would give the answer away
        with stage.controls:
            as_zero = widgets.toggle("Count an empty heatmap as overlap 0", "empty", CONTROLS)
    zero, left_out = (lesson_facts.tabled("mean", without_empty=out) for out in (False, True))
    deep = int((points.empty_share() > 0.1).idxmax())
    with stage.view:
        if stage.answered:
            rows = lesson_facts.levels() if as_zero else lesson_facts.usable_levels()
            points.scatter(rows, lesson_facts.pearson(rows).value)
        else:
            points.empty_line()
    return Told(
        text=(
            f"Not only collapsed networks have empty heatmaps: from level {deep} on more than a tenth of all maps are"
            " empty. The study counts each as overlap **0**. One could also say: there is no map, so there is no"
            " overlap, and leave it out."
        ),
        question=f"With zeros r is {score(zero.r)}. What is it with empty maps left out?",
        choices=("Still above 0.8", "0.5 to 0.8", "Below 0.5"),
        right=0 if left_out.r > 0.8 else 1 if left_out.r >= 0.5 else 2,
        why=(
            f"{points.interval(left_out)}. One decision about empty maps changes the value by"
            f" {abs(zero.r - left_out.r):.2f}. Neither way is wrong: but a reader must be told which one it is. (Left"
            " out, deep levels rest on fewer images.)"
        ),
    )


def not_independent(stage: Stage) -> Told:
    rows = lesson_facts.levels()
    last = int(rows.level.max())
    if stage.answered:
        with stage.controls:
            last = int(slider("Count levels up to", "counted"))
    found, counted = lesson_facts.pearson(rows), rows[rows.level <= last]
    part, step = lesson_facts.pearson(counted), lesson_facts.changes(rows)
    left = rows.weights_left.tolist()
    with stage.view:
        points.scatter(counted, part.value, rows[rows.level > last])
        if stage.answered:
            st.markdown(f"Levels 0 to {last}: n = **{part.n}**, df = **{part.df}**.")
    return Told(
        text=(
            f"{found.n} points, joined in their order. Each network descends from the one before: level 1 keeps"
            f" {left[1]:,} of level 0's {left[0]:,} weights, level 2 {left[2]:,} of those. A test of r counts *degrees"
            " of freedom*, df, as if the points were drawn independently."
        ),
        question=f"What is df for the correlation of {found.n} points?",
        choices=(f"{found.n}", f"{found.n - 1}", f"{found.n - 2}"),
        right=2,
        why=(
            f"**{found.df}**: n − 2, for a line has two numbers (the thesis prints {PUBLISHED['df_printed']}). And even"
            f" {found.df} promises too much: neighbours share weights, so there are fewer than {found.n} independent"
            f" points, and p only describes. The *changes* from level to level correlate by **{score(step.value)}** (n"
            f" = {step.n})."
        ),
    )


def three_seeds(stage: Stage) -> Told:
    with stage.controls:
        of = widgets.segments("Whose means", "series", CONTROLS)
    seeds = [str(seed) for seed in engine.study(*STUDY).facts["seeds"]]
    values = [lesson_facts.tabled(seed).r for seed in seeds]
    rows = lesson_facts.levels(of=of)
    with stage.view:
        points.scatter(rows, lesson_facts.pearson(rows).value if stage.answered or of == "mean" else None, of=of)
    spread, mean = max(values) - min(values), lesson_facts.tabled("mean")
    listed = "; ".join(f"seed {seed}: **{score(value)}**" for seed, value in zip(seeds, values, strict=True))
    return Told(
        text=(
            f"The means hide three networks, trained from three random beginnings. For the means r is {score(mean.r)},"
            f" with an interval from {score(mean.low)} to {score(mean.high)} when other *images* are drawn."
        ),
        question="How far apart are the three networks' own values of r?",
        choices=("By less than 0.05", "By 0.05 to 0.2", "By more than 0.2"),
        right=0 if spread < 0.05 else 1 if spread <= 0.2 else 2,
        why=(
            f"By **{spread:.2f}**. {listed}. An interval over images says nothing about other *networks*, and three are"
            " too few for an interval over them: show all three."
        ),
    )


def sign(stage: Stage) -> Told:
    with stage.controls:
        run = widgets.segments("Training images", "run", CONTROLS)
    facts = engine.study(*RUNS[run]).facts
    series = [*(str(seed) for seed in facts["seeds"]), "mean"]
    zero, out = (
        [lesson_facts.tabled(of, without_empty=without, run=run) for of in series] for without in (False, True)
    )
    turned = sum(a.r * b.r < 0 for a, b in zip(zero[:-1], out[:-1], strict=True))
    unsure = [of for of, one in zip(series, out, strict=True) if one.low <= 0 <= one.high]
    names = [f"seed {of}" for of in series[:-1]] + ["means"]
    with stage.view:
        points.signs(names, zero, out if stage.answered else ())
    listed = "; ".join(f"{name}: **{score(one.r)}**" for name, one in zip(names, out, strict=True))
    return Told(
        text=(
            f"The study again, with {facts['train_images']:,} training and {facts['test_images']:,} test"
            f" images{', as in the thesis' if run == '60000' else ': the networks that come along'}. An empty heatmap"
            f" counts 0, and r is {score(min(one.r for one in zero))} or more for each of the three networks and for"
            " their means."
        ),
        question="Leave empty heatmaps out. For how many of the three networks does r change its sign?",
        choices=COUNTS,
        right=turned,
        why=f"**{COUNTS[turned]}**. {listed}. "
        + (f"(The interval of {' and '.join(unsure)} includes 0.) " if unsure else "")
        + (
            "For this method and layer, Grad-CAM++ before the ReLU, the strong correlation rests on heatmaps that"
            " *vanish*: among those that remain, the networks disagree even about its sign. After the ReLU, and with"
            " Grad-CAM, r stays above 0 for all three."
            if 0 < turned < len(COUNTS) - 1
            else "Here the networks agree about the sign."
        ),
    )


def no_explanation(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Look at random pruning, level", "depth"))
    random, dense = lesson_facts.levels("random"), lesson_facts.levels().iloc[0]
    best = random.loc[random.soft_iou.idxmax()]
    with stage.view:
        points.random_lines(random, level, stage.answered)
    return Told(
        text=(
            "Do good heatmaps *explain* good accuracy? If so, a network that only guesses (accuracy about"
            f" {share(1 / 10)}) should have poor ones. Remove weights at random, without training, and look. The dense"
            f" networks' soft IoU is {dense.soft_iou:.2f}."
        ),
        question="Can networks that guess have heatmaps that cover the ink better than the dense ones' do?",
        choices=("Yes", "No"),
        right=0 if best.soft_iou > dense.soft_iou and best.accuracy_noisy < 0.15 else 1,
        why=(
            f"At level {int(best.level)}, {int(best.weights_left)} weights, accuracy"
            f" **{percent(best.accuracy_noisy)}**: soft IoU **{best.soft_iou:.2f}** against {dense.soft_iou:.2f}."
            " Pruning moves both numbers; that they fall together along one way of pruning does not say that one makes"
            " the other."
        ),
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
        Step("Without what vanished", sign),
        Step("No explanation yet", no_explanation),
    ),
)
