"""Lesson 3: reading a correlation.

All numbers come from the study's tables of the included networks.
"""

from __future__ import annotations

import math

from core.base.numbers import score
from core.protocols.lukkien.protocol import PUBLISHED
from pages.parts.common import engine, present, widgets
from pages.parts.common.story import percent
from pages.parts.lessons import facts as lesson_facts
from pages.parts.lessons import points
from pages.parts.lessons.facts import CONTROLS, RUNS, STUDY
from pages.parts.lessons.lesson import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import note, share, slider

BARELY = 0.05  # smaller changes of r count as little
COUNTS = ("None", "One", "Two", "All three")


def two_curves(stage: Stage) -> Told:
    with stage.controls:
        of = widgets.segments("Series", "series", CONTROLS)
    rows = lesson_facts.levels(of=of)
    r = lesson_facts.pearson(rows).value or 0.0
    with stage.view:
        if not (stage.answered and present.on()):  # one figure at a time in presentation mode
            points.lines(rows)
        if stage.answered:
            points.scatter(rows, r, of=of)
    return Told(
        text=(
            f"{points.facts()}: the share classified correctly (accuracy), and how well the heatmaps cover the ink"
            " (soft IoU). Both eventually fall. Pearson's correlation, from −1 to 1, says how well they follow a"
            " straight line."
        ),
        question="How large is it here?",
        choices=("Below 0.5", "0.5 to 0.9", "Above 0.9"),
        right=0 if r < 0.5 else 1 if r <= 0.9 else 2,
        why=(
            f"**{score(r)}**. The thesis that this repeats reports {PUBLISHED['pearson']:.2f}. It looks as if heatmaps"
            " show how good a network is. The next steps examine what this number depends on."
        ),
    )


def which_points(stage: Stage) -> Told:
    with stage.controls:
        last = int(slider("Include levels up to", "upto"))
    rows = lesson_facts.levels()
    counted, rest = rows[rows.level <= last], rows[rows.level > last]
    whole, part = lesson_facts.pearson(rows).value or 0.0, lesson_facts.pearson(counted).value or 0.0
    with stage.view:
        points.scatter(counted, part if stage.answered else None, rest)
    least = math.floor(counted.accuracy_noisy.min() * 100 + 1e-9)  # "at least" is not rounded up
    drop = whole - part
    return Told(
        text=(
            f"Each point is one level; level 0 is the dense network. Include only levels 0 to **{last}**, where"
            f" accuracy is still at least {least} %. Over all levels, Pearson's r is {score(whole)}."
        ),
        question=f"What is r over levels 0 to {last}?",
        choices=(f"About the same (within {BARELY})", "Smaller, but above 0", "0 or below"),
        right=0 if abs(drop) <= BARELY else 2 if part <= 0 else 1,
        why=f"**{score(part)}** with n = {len(counted)}. "
        + (
            "While the network still works, better accuracy does not go with better overlap: the strong correlation"
            " comes from the levels where the network breaks down."
            if part <= 0
            else (
                "Part of the value comes from the deep levels: include fewer of them and compare."
                if drop > BARELY
                else "With these levels the value hardly changes: include fewer."
            )
        ),
    )


def collapsed(stage: Stage) -> Told:
    with stage.controls:
        counted = widgets.toggle("Include collapsed levels", "collapsed", CONTROLS)
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
            f"At level {names}, only {int(gone.weights_left.iloc[0])} weights are left, and no path connects input and"
            " output: the network has **collapsed**. It predicts the same class for every image (accuracy"
            f" {share(gone.accuracy_noisy.iloc[0])}), and its maps are empty. Such a point can pull a line."
        ),
        question=f"r is {score(with_them.r)} with this level. What is it without?",
        choices=(f"Much smaller (by more than {BARELY})", f"Nearly the same (within {BARELY})", "Larger"),
        right=2 if fall < -BARELY else 0 if fall > BARELY else 1,
        why=f"{points.interval(without)} without, {points.interval(with_them)} with. "
        + (
            f"It is {len(gone)} point of {with_them.n}, and others lie near it, so it has little influence. Exclude it"
            " anyway, and say so. Then ask which other levels are nearly empty."
            if abs(fall) <= BARELY
            else "Points of networks that no longer work determine the value."
        ),
    )


def empty_maps(stage: Stage) -> Told:
    as_zero = True
    if stage.answered:  # earlier, the control would reveal the answer
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
            f"Not only collapsed networks have empty heatmaps: from level {deep} on, more than a tenth of all maps are"
            " empty. The study counts each as overlap **0**. One could also argue that without a map there is no"
            " overlap, and exclude it."
        ),
        question=f"With zeros, r is {score(zero.r)}. What is it without empty maps?",
        choices=("Still above 0.8", "0.5 to 0.8", "Below 0.5"),
        right=0 if left_out.r > 0.8 else 1 if left_out.r >= 0.5 else 2,
        why=(
            f"{points.interval(left_out)}. This one decision changes the value by {abs(zero.r - left_out.r):.2f}. Both"
            " are valid, but readers must be told which one was made. (Without empty maps, deep levels rest on fewer"
            " images.)"
        ),
    )


def not_independent(stage: Stage) -> Told:
    rows = lesson_facts.levels()
    last = int(rows.level.max())
    if stage.answered:
        with stage.controls:
            last = int(slider("Include levels up to", "counted"))
    found, counted = lesson_facts.pearson(rows), rows[rows.level <= last]
    part, step = lesson_facts.pearson(counted), lesson_facts.changes(rows)
    left = rows.weights_left.tolist()
    with stage.view:
        points.scatter(counted, part.value, rows[rows.level > last])
        if stage.answered:
            note(f"Levels 0 to {last}: n = **{part.n}**, df = **{part.df}**.")
    return Told(
        text=(
            f"{found.n} points, connected in order. Each network is pruned from the one before: level 1 keeps"
            f" {left[1]:,} of level 0's {left[0]:,} weights, level 2 keeps {left[2]:,} of those. A test of r counts"
            " *degrees of freedom*, df, as if the points were independent."
        ),
        question=f"What is df for the correlation of {found.n} points?",
        choices=(f"{found.n}", f"{found.n - 1}", f"{found.n - 2}"),
        right=2,
        why=(
            f"**{found.df}**: n − 2, because a line has two parameters (the thesis reports {PUBLISHED['df_printed']})."
            f" Even {found.df} is too many: neighbours share weights, so there are fewer than {found.n} independent"
            f" points, and p is only descriptive. The *changes* from level to level correlate by"
            f" **{score(step.value)}** (n = {step.n})."
        ),
    )


def three_seeds(stage: Stage) -> Told:
    with stage.controls:
        of = widgets.segments("Series", "series", CONTROLS)
    seeds = [str(seed) for seed in engine.study(*STUDY).facts["seeds"]]
    values = [lesson_facts.tabled(seed).r for seed in seeds]
    rows = lesson_facts.levels(of=of)
    with stage.view:
        points.scatter(rows, lesson_facts.pearson(rows).value if stage.answered or of == "mean" else None, of=of)
    spread, mean = max(values) - min(values), lesson_facts.tabled("mean")
    listed = "; ".join(f"seed {seed}: **{score(value)}**" for seed, value in zip(seeds, values, strict=True))
    return Told(
        text=(
            f"The means hide three networks, trained from three random initialisations. For the means, r is"
            f" {score(mean.r)}, with an interval from {score(mean.low)} to {score(mean.high)} over *images*."
        ),
        question="How far apart are the r values of the three networks?",
        choices=("Less than 0.05", "0.05 to 0.2", "More than 0.2"),
        right=0 if spread < 0.05 else 1 if spread <= 0.2 else 2,
        why=(
            f"**{spread:.2f}**. {listed}. An interval over images says nothing about other *networks*, and three are"
            " too few for an interval: show all three."
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
            f" images{', as in the thesis' if run == '60000' else ': the included networks'}. Empty heatmaps count as"
            f" 0, and r is {score(min(one.r for one in zero))} or more for each of the three networks and for their"
            " means."
        ),
        question="Exclude empty heatmaps. For how many of the three networks does r change its sign?",
        choices=COUNTS,
        right=turned,
        why=f"**{COUNTS[turned]}**. {listed}. "
        + (f"(The interval of {' and '.join(unsure)} includes 0.) " if unsure else "")
        + (
            "For this method and layer, Grad-CAM++ before the ReLU, the strong correlation depends on *empty* heatmaps:"
            " without them, the networks do not even agree on its sign. After the ReLU, and with Grad-CAM, r stays"
            " above 0 for all three."
            if 0 < turned < len(COUNTS) - 1
            else "Here the networks agree on the sign."
        ),
    )


def no_explanation(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level of random pruning", "depth"))
    random, dense = lesson_facts.levels("random"), lesson_facts.levels().iloc[0]
    best = random.loc[random.soft_iou.idxmax()]
    with stage.view:
        points.random_lines(random, level, stage.answered)
    return Told(
        text=(
            "Do good heatmaps *explain* good accuracy? Then a network that only guesses (accuracy about"
            f" {share(1 / 10)}) should have poor heatmaps. Remove weights at random, without retraining, and compare."
            f" The soft IoU of the dense networks is {dense.soft_iou:.2f}."
        ),
        question="Can the heatmaps of guessing networks cover the ink better than those of dense networks?",
        choices=("Yes", "No"),
        right=0 if best.soft_iou > dense.soft_iou and best.accuracy_noisy < 0.15 else 1,
        why=(
            f"At level {int(best.level)}, with {int(best.weights_left)} weights and accuracy"
            f" **{percent(best.accuracy_noisy)}**, soft IoU is **{best.soft_iou:.2f}** against {dense.soft_iou:.2f}."
            " Pruning changes both numbers; that they fall together for one pruning method does not mean that one"
            " causes the other."
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
        Step("Without empty maps", sign),
        Step("No explanation yet", no_explanation),
    ),
)
