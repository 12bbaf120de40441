"""Lesson 2: how much can be pruned before the answer changes, and before the heatmap does."""

from __future__ import annotations

from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import NEUTRAL, PRUNED
from core.figures.plots.lessons import Frame
from core.models.zoo import MODELS
from pages.parts.common import engine, present, widgets
from pages.parts.common.story import percent
from pages.parts.lessons import facts, views
from pages.parts.lessons.facts import CONTROLS, HALF, SAME
from pages.parts.lessons.lesson import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import chart, digit_choice, note, share, slider

CLASSES = MODELS[facts.dense().model.name].value.classes
THIRDS = ("Less than a third", "Between one and two thirds", "More than two thirds")
REMOVED = "Weights removed, one-shot (%)"


def take_away(stage: Stage) -> Told:
    with stage.controls:
        removed = slider(REMOVED, "removed") / 100
        digit = digit_choice()
    stops = facts.one_shot_walk(digit)
    flipped, holds = facts.flips_at(stops), facts.holds_until(stops)
    with stage.view:
        views.both(facts.one_shot(removed), digit, f"{share(removed)} removed")
    end = (
        f"at {share(flipped)} it changes for the first time"
        if flipped
        else "it never changes, even with all weights removed"
    )
    return Told(
        text=(
            f"A network of {engine.report(facts.dense()).total:,} weights reads this digit. Prune it"
            " **one-shot**: the smallest weights are removed in one step, without retraining."
        ),
        question="What share of the weights can be removed before the answer changes?",
        choices=THIRDS,
        right=0 if holds < 1 / 3 else 1 if holds < 2 / 3 else 2,
        why=f"The answer stays the same up to **{share(holds)}**; {end} (in steps of 5 %).",
    )


def moves_first(stage: Stage) -> Told:
    with stage.controls:
        removed = slider(REMOVED, "removed") / 100
        digit = digit_choice()
    stops = facts.one_shot_walk(digit)
    flipped, moved = facts.flips_at(stops), facts.moves_at(stops)
    with stage.view:
        if not (stage.answered and present.on()):  # one figure at a time in presentation mode
            views.both(facts.one_shot(removed), digit, f"{share(removed)} removed")
        if stage.answered:
            views.walk_chart(stops, removed)
    end, first = flipped if flipped is not None else 2.0, moved if moved is not None else 2.0
    answer = f"The answer changes at {share(flipped)}." if flipped is not None else "The answer never changes."
    return Told(
        text=(
            f"Same digit, same slider. {answer} Now watch the *heatmap*: soft IoU of the two maps measures how much"
            " evidence they share."
        ),
        question=f"When does the overlap with the dense heatmap fall below {HALF}?",
        choices=("Before the answer changes", "At the same sparsity", "Later, or never"),
        right=0 if first < end else 1 if first == end else 2,
        why=(f"At **{share(moved)}**. " if moved is not None else "At no sparsity. ")
        + (
            "The answer is still the same there, but the evidence is not: the same answer does not mean the same"
            " explanation."
            if first < end
            else (
                "As long as the network gives this answer, most of its evidence stays in place. Does that hold for"
                " every digit, method and layer? The last step of this lesson shows."
            )
        ),
    )


def five_thousand(stage: Stage) -> Told:
    with stage.controls:
        removed = slider(REMOVED, "removed") / 100
        digit = digit_choice()
    holds = facts.holds_until(facts.one_shot_walk(digit))
    found, dense, here = (views.accuracy(facts.one_shot(amount)) for amount in (holds, 0.0, removed))
    with stage.view:
        if stage.answered:
            views.accuracy_chart([("magnitude", "smallest first", PRUNED)], removed)
            note(f"At {share(removed)}: {views.counted(here)}")
        else:
            views.both(facts.one_shot(removed), digit, f"{share(removed)} removed")
    return Told(
        text=(
            f"With {share(holds)} removed, the answer for this digit is still the same. But one digit proves little."
            f" The dense network classifies {percent(dense.fraction)} of {found.total:,} digits that it never saw in"
            " training correctly."
        ),
        question=f"How many does it classify correctly with {share(holds)} removed?",
        choices=("More than 95 %", "50 to 95 %", "Less than 50 %"),
        right=0 if found.fraction > 0.95 else 1 if found.fraction >= 0.5 else 2,
        why=(
            f"{views.counted(found)}. The interval says how far this share may be off for other digits of this kind."
            " Whether your digit was lucky or typical, only a data set can tell."
        ),
    )


def retrain(stage: Stage) -> Told:
    with stage.controls:
        level = int(
            slider(
                "Level", "depth", help="Each level removes 20 % of the rest, resets the other weights, and retrains."
            )
        )
    mask = engine.report(facts.trained(level))
    once, step, dense = (
        views.accuracy(one).fraction for one in (facts.one_shot(mask.sparsity), facts.trained(level), facts.dense())
    )
    if stage.answered:
        with stage.view:
            views.levels_chart(level)
    else:
        with stage.view:
            views.both(facts.one_shot(mask.sparsity), "9", f"One-shot to {mask.kept:,} weights")
    return Told(
        text=(
            f"Pruned one-shot to **{mask.kept:,} weights** ({percent(mask.sparsity)} sparsity), the network classifies"
            f" {percent(once)} of the digits correctly; the dense network, {percent(dense)}. Now prune in small steps"
            f" and **retrain after each**, down to the same {mask.kept:,} weights."
        ),
        question="How accurate is that network?",
        choices=("Within 10 points of one-shot", "In between", "Within 10 points of dense"),
        right=2 if dense - step <= 0.1 else 0 if step - once <= 0.1 else 1,
        why=f"**{percent(step)}**, against {percent(once)} one-shot. "
        + (
            "Retraining lets the remaining weights take over."
            if step - once > 0.1
            else "Here retraining makes little difference: try level 10."
        ),
    )


def same_evidence(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "depth"))
        digit = digit_choice()
    found, dense = (views.accuracy(one) for one in (facts.trained(level), facts.dense()))
    overlaps = facts.level_overlaps(level)
    mean, mine = sum(overlaps) / len(overlaps), int(digit)
    with stage.view:
        if not (stage.answered and present.on()):
            views.both(facts.trained(level), digit, f"Level {level}, retrained")
        if stage.answered:
            frame = Frame(title=f"Overlap with dense (n = {len(overlaps)} digits)", x="digit", y="soft IoU of the maps")
            chart(
                plots_lessons.bars(frame, CLASSES, overlaps, mine),
                f"Overlap of the heatmaps of ten digits at level {level}",
            )
    return Told(
        text=(
            f"At level {level}, the retrained network classifies {percent(found.fraction)} of the digits correctly; the"
            f" dense network, {percent(dense.fraction)}."
        ),
        question="Does it also look at the same places as the dense network?",
        choices=(f"Yes: the maps overlap by {SAME} or more", f"Partly: {HALF} to {SAME}", f"No: less than {HALF}"),
        right=0 if mean >= SAME else 1 if mean >= HALF else 2,
        why=(
            f"Over ten digits, one per class, the mean overlap is **{mean:.2f}** (from {min(overlaps):.2f} to"
            f" {max(overlaps):.2f}). Accuracy changed by {abs(found.fraction - dense.fraction) * 100:.1f} points. "
        )
        + (
            "Two networks can give the same answers from different evidence."
            if mean < SAME
            else "The evidence stayed the same too."
        ),
    )


def random_control(stage: Stage) -> Told:
    with stage.controls:
        removed = slider("Weights removed (%)", "drawn") / 100
    smallest, drawn, dense = (
        views.accuracy(one) for one in (facts.one_shot(removed), facts.one_shot(removed, "random"), facts.dense())
    )
    lost = dense.fraction - drawn.fraction
    with stage.view:
        if stage.answered:
            views.accuracy_chart([("magnitude", "smallest first", PRUNED), ("random", "at random", NEUTRAL)], removed)
        else:
            views.accuracy_chart([("magnitude", "smallest first", PRUNED)], removed)
    return Told(
        text=(
            f"Removing the **smallest** {share(removed)} of the weights leaves {percent(smallest.fraction)} accuracy."
            " Is that because small weights matter less, or could any weights be removed? A *control* answers this:"
            " remove as many **at random**."
        ),
        question=f"How much accuracy is lost with {share(removed)} removed at random?",
        choices=("Less than 1 point", "1 to 10 points", "More than 10 points"),
        right=0 if lost < 0.01 else 1 if lost <= 0.1 else 2,
        why=(
            f"At random: {views.counted(drawn)}. Smallest first: {views.counted(smallest)}. Without the"
            " control we would not know that the choice of weights "
        )
        + (
            "matters."
            if smallest.fraction - drawn.fraction > 0.01
            else "makes little difference here, unlike at other sparsities."
        ),
    )


def who_notices(stage: Stage) -> Told:
    with stage.controls:
        seed = int(widgets.segments("Training seed", "who", CONTROLS))
        where = widgets.segments("Heatmap before or after the last ReLU", "where", CONTROLS)
    moved, flipped = facts.moves_first(seed, facts.WHERE[where])
    earlier, why = facts.count_earlier(moved, flipped), ""
    with stage.view:
        if stage.answered:
            frame = Frame(
                title=f"Seed {seed}, {where} the ReLU (n = {len(CLASSES)} digits)", x="sparsity, one-shot", y="digit"
            )
            chart(
                plots_lessons.race(frame, CLASSES, moved, flipped),
                f"Sparsity at which heatmap and answer change, for ten digits, {where} the ReLU",
            )
        else:
            half = facts.one_shot(0.5, seed=seed)
            views.both(half, "9", f"50 % removed, {where} the ReLU", facts.WHERE[where])
    if stage.answered:
        other = next(name for name in facts.WHERE if name != where)
        count = facts.count_earlier(*facts.moves_first(seed, facts.WHERE[other]))
        why = (
            f"For **{earlier} of {len(CLASSES)}** with seed {seed}; {other} the ReLU, for **{count}**. The network is"
            " the same. Before a ReLU, Grad-CAM++ divides by a sum that can change its sign, so a small change of the"
            " weights can change the whole map. **Before you say that a network looks elsewhere, check a second method"
            " and another layer.**"
        )
    return Told(
        text=(
            "One digit per class, one-shot pruning, in steps of 5 %. The heatmap *moves* where its overlap with the"
            f" dense one falls below {HALF}; the *answer changes* where the network predicts another class. The"
            f" heatmaps are computed by Grad-CAM++ **{where}** the last ReLU."
        ),
        question="For how many of the ten digits does the heatmap move first?",
        choices=("3 or fewer", "4 to 7", "8 or more"),
        right=0 if earlier <= 3 else 1 if earlier <= 7 else 2,
        why=why,
    )


LESSON = Lesson(
    "What pruning changes",
    "How much can be pruned before the answer changes, and before the heatmap does",
    (
        Step("Remove weights", take_away),
        Step("And the heatmap?", moves_first),
        Step("One digit is not a data set", five_thousand),
        Step("Prune and retrain", retrain),
        Step("The same evidence?", same_evidence),
        Step("A control: random weights", random_control),
        Step("What changes first?", who_notices),
    ),
)
