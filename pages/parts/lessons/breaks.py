"""Lesson 6: does the explanation break before the answer?

All numbers come from the included tables of sweeps; pictures of digits are computed.
"""

from __future__ import annotations

from pandas import isna

from core.base.numbers import counted, interval, percent, score
from core.figures.plots import breaks as plots_breaks
from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import DENSE, PRUNED
from core.figures.plots.lessons import Frame, Line
from core.saliency import CAMS
from core.stats.intervals import wilson
from core.sweeps.breaks import SAME, Breaks, by_threshold
from core.sweeps.families import Family
from core.sweeps.thresholds import THRESHOLDS, Threshold, usual_threshold
from pages.parts.common import engine, sweep_data, widgets
from pages.parts.common.background import Work
from pages.parts.common.story import says
from pages.parts.common.waiting import needed
from pages.parts.lessons import tables
from pages.parts.lessons.facts import BROKEN, CONTROLS
from pages.parts.lessons.lesson import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import chart, digit_choice, over, row, slider
from pages.parts.lessons.tables import LITE0_FINE, LITE0_LAYER, SIMILAR, SQUEEZENET, USUAL, Source

FIRST = ("The heatmap", "Neither, clearly", "The answer")
WAYS = {"magnitude": "the smallest weights first", "random": "weights at random"}
SOURCES = {"lite0": LITE0_FINE, "lite0-layer": LITE0_LAYER, "squeezenet": SQUEEZENET, "digits": tables.digits()}


def one_digit(stage: Stage) -> Told:
    with stage.controls:
        sparsity = float(widgets.steps("Weights removed, one-shot", "spared", CONTROLS))
        digit = digit_choice()
    source = tables.digits()
    own = tables.family(source)
    image, found = tables.first_row(own, digit), tables.breaks(own)
    mine = found.by_image[found.by_image["image"] == image].iloc[0]
    explanation, answer = (found.beyond if isna(each) else each for each in (mine.explanation, mine.answer))
    with stage.view:
        _both(source, image, sparsity)
        if stage.answered:
            _walk(own, image, sparsity)
    return Told(
        text=(
            f"Prune more and more: at some sparsity the answer changes for good, and at some sparsity the heatmap is no"
            f" longer like the dense network's. Call a heatmap **broken** from where its Pearson correlation with it"
            f" stays below {USUAL}, and an answer from where it stays another one."
        ),
        question="Which breaks first for this digit?",
        choices=("The heatmap", "Both at once, or neither", "The answer"),
        right=0 if explanation < answer else 2 if answer < explanation else 1,
        hint="Move the slider, and watch where the bright places go and what the network says.",
        why=(
            f"The heatmap breaks **{_when(mine.explanation)}**, the answer **{_when(mine.answer)}** (of"
            f" {len(found.alive)} sparsities). That is one digit: try others."
        ),
    )


def two_hundred(stage: Stage) -> Told:
    found, way = _of_digits(stage)
    with stage.view:
        _alive(found, stage.answered)
    return Told(
        text=(
            f"The same for {len(found.by_image)} digits, Grad-CAM++ after the last ReLU, removing **{WAYS[way]}**. The"
            " line shows how many still give the dense network's answer."
        ),
        question="Which breaks first for more digits?",
        choices=FIRST,
        right=tables.leads(found),
        hint="The heatmap would need to change while the answer still holds.",
        why=f"{_counts(found)} {_sure(found)}",
    )


def how_much(stage: Stage) -> Told:
    found, way = _of_digits(stage)
    gap = found.earlier.value or 0.0
    with stage.view:
        if stage.answered:
            images = found.by_image
            broken = [images[name].fillna(found.beyond) for name in ("explanation", "answer")]
            frame = Frame(
                title=f"How much earlier the heatmap breaks (n = {len(images)})",
                x="digits, sorted",
                y="sparsity, answer − heatmap",
            )
            chart(
                plots_lessons.changes(frame, [float(each) for each in broken[1] - broken[0]], gap),
                "How much earlier the heatmap of each digit breaks, sorted, with the mean",
            )
        else:
            _order(found)
    return Told(
        text=(
            f"A count says nothing about the distance. Removing **{WAYS[way]}**, {_lower(_counts(found))} Take"
            " the sparsity at which the answer breaks minus the one at which the heatmap does, and average over all"
            " digits."
        ),
        question="How far apart are they on average?",
        choices=("Less than 10 points of sparsity", "10 to 20 points", "More than 20 points"),
        right=0 if abs(gap) < 0.1 else 1 if abs(gap) <= 0.2 else 2,
        hint="All sparsities lie between 0 and 100 %, and most answers break close to each other.",
        why=(
            f"On average, {tables.earlier(found)}; what never breaks counts as {percent(found.beyond)}. Report the"
            " distance beside the count."
        ),
    )


def threshold(stage: Stage) -> Told:
    with stage.controls:
        below = slider("Broken below", "unlike")
    own = tables.family(tables.digits())
    found, usual = tables.breaks(own, below), tables.breaks(own)
    floor = _floor()
    with stage.view:
        if stage.answered:
            chart(
                plots_breaks.order(list(by_threshold(own.rows, SIMILAR, THRESHOLDS)), below),
                "Digits by what breaks first, by threshold",
            )
        else:
            _order(usual)
    ends = "; ".join(f"below {score(each)}: {_brief(tables.breaks(own, each))}" for each in (0.1, 0.95))
    return Told(
        text=(
            f"Broken meant: less similar than {USUAL}. {_counts(usual)} Nobody said that it must be {USUAL}. Now a"
            f" heatmap is broken when its correlation stays below **{score(below)}**."
        ),
        question="Which breaks first for more digits now?",
        choices=FIRST,
        right=tables.leads(found),
        hint="A stricter threshold can only make heatmaps break earlier; the answers stay as they are.",
        why=(
            f"{_counts(found)} At the ends, {ends}. The threshold decides, so fix it before, with a reason: dense"
            f" networks that differ only in their seed correlate by **{score(floor.value)}** here"
            f"{_of_floor(floor)}; a heatmap that is more alike is no more broken than another training's."
        ),
    )


def another_method(stage: Stage) -> Told:
    with stage.controls:
        method = widgets.segments("Heatmap", "method", CONTROLS)
    own = tables.family(tables.digits(heatmap=method))
    found = tables.breaks(own)
    with stage.view:
        _alive(tables.breaks(tables.family(tables.digits())) if not stage.answered else found, True)
    return Told(
        text=(
            "Same digits, same network, same layer, smallest weights first. The figure shows Grad-CAM++, where answers"
            f" break first. Now take **{CAMS[method].title}**."
        ),
        question="Which breaks earlier on average?",
        choices=("Heatmaps", "Neither, clearly", "Answers"),
        right=_mean_leads(found),
        hint="The two methods weight the same channels by different formulas.",
        why=(
            f"On average, {tables.earlier(found)}. {_counts(found)} Can a method turn the finding? The next step looks"
            " at the images behind it."
        ),
    )


def empty_before(stage: Stage) -> Told:
    with stage.controls:
        way = widgets.segments("Removed", "gone", CONTROLS)
    own = tables.family(tables.digits(way, "grad-cam"))
    rest = tables.without_empty(own)
    whole, kept = tables.breaks(own), tables.breaks(rest)
    empty = len(whole.by_image) - len(kept.by_image)
    with stage.view:
        _alive(kept if stage.answered else whole, True)
    return Told(
        text=(
            f"By Grad-CAM, {empty} of {len(whole.by_image)} heatmaps of the **dense** network are empty: no channel"
            f" speaks for the class. Nothing is like an empty map, so each counts as broken from the first sparsity on."
            f" Removing {WAYS[way]}, {tables.earlier(whole)}."
        ),
        question="Leave these digits out: which breaks earlier?",
        choices=("Heatmaps", "Neither, clearly", "Answers"),
        right=_mean_leads(kept),
        hint=f"{empty} digits pull the mean by up to {100 * empty / len(whole.by_image):.0f} points.",
        why=(
            f"Then {tables.earlier(kept)}. {_counts(kept)} What cannot break must not be counted as broken: look at the"
            " images behind a mean."
        ),
    )


def another_network(stage: Stage) -> Told:
    with stage.controls:
        name = widgets.choice("Network", "network", CONTROLS)
    own = tables.family(SOURCES[name])
    found = tables.breaks(own)
    with stage.view:
        _alive(found, stage.answered)
    tuned = "fine-tuned after each pruning" if name == "squeezenet" else "not retrained"
    return Told(
        text=(
            f"**{BROKEN[name]}**, {tuned}, on {counted(len(found.by_image), 'image')}, at {len(found.alive)}"
            f" sparsities. Broken is again what stays below {USUAL}."
        ),
        question="Which breaks first for more images?",
        choices=FIRST,
        right=tables.leads(found),
        hint="Does the line of answers fall slowly, or at once?",
        why=(
            f"{_counts(found)} {_sure(found)} On average, {tables.earlier(found)}"
            f"{_few(found)}. Say which network, which pruning and which threshold."
        ),
    )


def same_answer(stage: Stage) -> Told:
    with stage.controls:
        name = widgets.choice("Network", "same", CONTROLS)
    own = tables.family(SOURCES[name])
    sparsity, alike, broken = _half(own)
    share, (low, high) = broken / alike, wilson(broken, alike)
    with stage.view:
        _alive(tables.breaks(own), stage.answered)
    images = len(own.reference)
    return Told(
        text=(
            f"A practical question. **{BROKEN[name]}** at {percent(sparsity)} sparsity gives the dense network's answer"
            f" for {alike} of {images} images. May one assume that it also looks at the same places there?"
        ),
        question=f"How many of these {alike} heatmaps correlate by less than {USUAL}?",
        choices=("Fewer than 1 in 20", "1 in 20 to 1 in 4", "More than 1 in 4"),
        right=0 if share < 0.05 else 1 if share <= 0.25 else 2,
        hint="A network that was trained again can find other evidence for the same answer.",
        why=(
            f"**{broken} of {alike}** ({percent(share)}, {interval(low, high)}). "
            + (
                "The same answer does not mean the same explanation: fine-tuning repairs answers with other evidence."
                if share > 0.25
                else "Where the answer holds, the heatmap mostly holds too, for this network. Compare SqueezeNet."
            )
        ),
    )


def _of_digits(stage: Stage) -> tuple[Breaks, str]:
    with stage.controls:
        way = widgets.segments("Removed", "gone", CONTROLS)
    return tables.breaks(tables.family(tables.digits(way))), way


def _both(source: Source, image: int, sparsity: float) -> None:
    """Draws the dense and the pruned heatmap with their answers."""
    cam = next(cam for cam in sweep_data.opened(source.sweep).spec.cams if cam.method == source.heatmap)
    asked = tables.with_layer(cam)
    answer = engine.comparison(tables.variant(source, sparsity), tables.image(source, image), asked)
    alike = answer.similarity[SIMILAR]
    below = f"says {says(answer.pruned)}, correlation **{score(alike)}**"
    pruned = f"{percent(sparsity)} removed"
    row([over(answer.reference, "Dense", f"says {says(answer.reference)}"), over(answer.pruned, pruned, below)])


def _walk(own: Family, image: int, sparsity: float) -> None:
    """Draws one image's similarity, and whether the answer is the same, by sparsity."""
    rows = own.rows[own.rows["image"] == image].sort_values("sparsity")
    shares = [float(share) for share in rows["sparsity"]]
    alike = [None if isna(each) else float(each) for each in rows[SIMILAR]]
    same = [float(bool(each)) for each in rows[SAME]]
    frame = Frame(title="Heatmap and answer by sparsity (n = 1)", x="sparsity", y="", marker=sparsity, percent=True)
    drawn = [
        Line(name="correlation with dense", colour=PRUNED, x=shares, y=alike),
        Line(name="answer: 1 same, 0 changed", colour=DENSE, x=shares, y=same, dash="dot"),
    ]
    chart(
        plots_lessons.lines(frame, drawn), "Correlation of heatmaps, and whether the answer is unchanged, by sparsity"
    )


def _alive(found: Breaks, answered: bool) -> None:
    """Draws how many answers, and once answered how many heatmaps, are not yet broken."""
    n, shares = len(found.by_image), [each.sparsity for each in found.alive]

    def line(name: str, of: str, colour: str) -> Line:
        return Line(name=name, colour=colour, x=shares, y=[getattr(each, of).count / n for each in found.alive])

    drawn = [line("answers", "answers", DENSE)]
    drawn += [line("heatmaps", "explanations", PRUNED)] if answered else []
    frame = Frame(title=f"Not yet broken (n = {n} images)", x="sparsity", y="share", percent=True)
    what = " and ".join(each.name for each in drawn)
    chart(plots_lessons.lines(frame, drawn), f"Share of {what} that are not yet broken, by sparsity")


def _order(found: Breaks) -> None:
    """Draws what breaks first, as shares of images."""
    counts = [found.explanation_first.count, found.together, found.neither, found.answer_first.count]
    n = len(found.by_image)
    frame = Frame(title=f"What breaks first (n = {n} images)", x="", y="share of images")
    names = ["heatmap first", "both at once", "neither", "answer first"]
    chart(plots_lessons.bars(frame, names, [count / n for count in counts]), "Shares of images by what breaks first")


def _counts(found: Breaks) -> str:
    return (
        f"The heatmap breaks first in **{found.explanation_first.count}** of {len(found.by_image)} images, the answer"
        f" in **{found.answer_first.count}**."
    )


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _brief(found: Breaks) -> str:
    return f"{found.explanation_first.count} to {found.answer_first.count}"


def _sure(found: Breaks) -> str:
    """Returns the share of heatmaps among images where one of the two is first."""
    first, decided = found.explanation_first.count, found.explanation_first.count + found.answer_first.count
    low, high = wilson(first, decided)
    return (
        f"Of the {decided} where one of them is first, it is the heatmap in {percent(first / decided)}"
        f" ({interval(low, high)}, which {'includes' if low <= 0.5 <= high else 'excludes'} 50 %)."
    )


def _mean_leads(found: Breaks) -> int:
    """Returns what breaks earlier on average: 0 for heatmaps, 2 for answers, 1 if not clear."""
    low, high = found.earlier.low or 0.0, found.earlier.high or 0.0
    return 0 if low > 0 else 2 if high < 0 else 1


def _few(found: Breaks) -> str:
    low, high = found.earlier.low or 0.0, found.earlier.high or 0.0
    return ", which is not clear" if low <= 0 <= high else ""


def _half(own: Family) -> tuple[float, int, int]:
    """Returns the sparsity at which nearest to half of the answers are the same, these images, and
    those of them whose heatmap is broken.
    """
    same = own.rows[own.rows[SAME].astype(bool) & (own.rows["sparsity"] > 0)]
    counts = same.groupby("sparsity").size()
    sparsity = float((counts - len(own.reference) / 2).abs().idxmin())
    there = same[same["sparsity"] == sparsity]
    return sparsity, len(there), int((~(there[SIMILAR] >= USUAL)).sum())


def _when(sparsity: float) -> str:
    return "never" if isna(sparsity) else f"at {percent(sparsity)}"


def _floor() -> Threshold:
    """Returns the similarity of dense networks of several seeds. Raises Stopped."""
    source = tables.digits()
    opened = sweep_data.opened(source.sweep)
    work = Work(
        place="lesson floor",
        key=("lesson floor", source.sweep, source.heatmap),
        stamp=opened.stamp,
        what="Reading the noise floor",
        run=lambda task: usual_threshold(opened.sweep, opened.spec.models[0], SIMILAR, source.heatmap),
    )
    found: Threshold = needed(work).answer
    return found


def _of_floor(found: Threshold) -> str:
    if found.floor is None:
        return ""
    floor = found.floor
    return f" ({len(floor.seeds)} seeds, 95 % interval {score(floor.low)} to {score(floor.high)}, n = {floor.n} digits)"


LESSON = Lesson(
    "What breaks first?",
    "Does the explanation break before the answer?",
    (
        Step("One digit", one_digit),
        Step("Two hundred digits", two_hundred),
        Step("How much earlier?", how_much),
        Step("Another threshold", threshold),
        Step("Another heatmap", another_method),
        Step("Maps that were empty before", empty_before),
        Step("Another network", another_network),
        Step("The same answer, the same evidence?", same_answer),
    ),
)
