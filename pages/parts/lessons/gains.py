"""Lesson 5: is a little pruning good for explanations?

All numbers come from the included tables of three sweeps; pictures of digits are computed.
"""

from __future__ import annotations

from pandas import DataFrame

from core.base.numbers import change, interval, percent, score
from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import DENSE, NEUTRAL, PRUNED
from core.figures.plots.lessons import Frame, Line, Spread
from core.protocols.lukkien.protocol import CAM
from core.stats.intervals import wilson
from core.stats.preference import share_difference
from core.study.published import published_name, published_pair
from core.sweeps.families import Family
from core.sweeps.spots import Bounded
from pages.parts.common import engine, widgets
from pages.parts.lessons import tables
from pages.parts.lessons.facts import CLAIMED, CONTROLS, SCORED
from pages.parts.lessons.lesson import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import Shown, chart, digit_choice, over, row, slider
from pages.parts.lessons.tables import LITE0, SQUEEZENET, Source

SEEDS = (333, 334, 335)
LOOKED_AT = 334  # the seed of which many levels are tested
OVERLAP = "soft-iou"
ALIKE = 0.005  # soft IoU that differs by less counts as alike
HALF = 0.5  # a compression rate of 2
VERDICTS = ("Clearly higher", "Not clearly different", "Clearly lower")


def one_picture(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "rise"))
        digit = digit_choice()
    own = tables.family(tables.seed(333))
    sparsity = tables.sparsities(own)[level - 1]
    image = tables.first_row(own, digit)
    before, after = (tables.value(rows, image, OVERLAP) for rows in (own.reference, tables.at(own, sparsity)))
    with stage.view:
        names = [("Dense", 0.0, before), (f"Level {level}", sparsity, after)]
        row([_over(image, name, share, score(each, 3) if stage.answered else "") for name, share, each in names])
    gap = after - before
    return Told(
        text=(
            "*Less is More* (Merkle and others) says that explanations of a network get better when half of the weights"
            f" of its convolutions are gone. At level **{level}** of this network, {percent(sparsity)} are gone, and"
            " the rest was retrained."
        ),
        question="Which heatmap covers the ink better?",
        choices=("The dense network's", f"Alike (soft IoU within {ALIKE})", f"That of level {level}"),
        right=1 if abs(gap) <= ALIKE else 2 if gap > 0 else 0,
        hint="Soft IoU counts the ink that is covered, and what is bright beside it.",
        why=(
            f"Soft IoU goes from {score(before, 3)} to **{score(after, 3)}**. One picture (n = 1) says nothing about a"
            " network: try other digits. Some rise, others fall."
        ),
    )


def many_pictures(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "rise"))
    own = tables.family(tables.seed(333))
    sparsity = tables.sparsities(own)[level - 1]
    found = tables.gains(own, OVERLAP, together=1)[sparsity]
    values = _differences(own, sparsity)
    risen = sum(value > 0 for value in values)
    with stage.view:
        frame = Frame(
            title=f"Change of each digit, level {level} (n = {found.n})", x="digits, sorted", y="change of soft IoU"
        )
        chart(
            plots_lessons.changes(frame, values, found.value if stage.answered else None),
            "Change of soft IoU of each digit, sorted; a line marks zero, and one the mean once you have answered",
        )
    return Told(
        text=(
            f"Now {found.n} digits. Each point is one of them: its soft IoU at level **{level}** ({percent(sparsity)}"
            " sparsity) minus that of the dense network. Above the dotted line, pruning made it better."
        ),
        question="What about the mean of all digits?",
        choices=VERDICTS,
        right=tables.verdict(found),
        hint="Are there more points above the line than below it, and are they farther away?",
        why=(
            f"It changes by {tables.changed(found)}; {risen} of {found.n} digits rise. An interval that includes 0"
            " means that other digits of this kind could show the opposite."
        ),
    )


def many_looks(stage: Stage) -> Told:
    with stage.controls:
        looks = int(slider("Levels that are tested", "looks"))
    own = tables.family(tables.seed(LOOKED_AT))
    plain, corrected = (
        dict(list(tables.gains(own, OVERLAP, together=together).items())[:looks]) for together in (1, looks)
    )
    clear = [sum(tables.verdict(one) == 0 for one in found.values()) for found in (plain, corrected)]
    chance = 1 - 0.95**looks
    with stage.view:
        drawn = [_spread("95 % each", PRUNED, list(plain.values()))]
        drawn += [_spread("95 % together", NEUTRAL, list(corrected.values()))] if stage.answered else []
        frame = Frame(
            title=f"Change beside dense, seed {LOOKED_AT} (n = {_images(own)} digits)", x="level", y="soft IoU"
        )
        chart(
            plots_lessons.bounds(frame, list(range(1, looks + 1)), drawn),
            f"Change of soft IoU at {looks} levels with 95 % intervals",
        )
    return Told(
        text=(
            "Who looks for a good level looks at many. A 95 % interval misses the truth in one of twenty cases."
            f" Suppose that pruning changed nothing, and that you tested **{looks}** levels on images of their own."
        ),
        question="How likely is it that at least one of the intervals excludes 0?",
        choices=("At most 10 %", "10 to 50 %", "More than 50 %"),
        right=0 if chance <= 0.1 else 1 if chance <= 0.5 else 2,
        hint=f"All {looks} include 0 with a probability of 0.95 times 0.95 times 0.95 and so on.",
        why=(
            f"**{percent(chance)}**: 1 − 0.95^{looks}. So each interval must be wider. Of the {looks} levels,"
            f" {clear[0]} are clearly higher by 95 % intervals, and **{clear[1]}** by intervals that hold for all"
            f" {looks} together (Bonferroni: 1 − 0.05 / {looks} each)."
        ),
    )


def other_seeds(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "peak"))
    own = {seed: tables.family(tables.seed(seed)) for seed in SEEDS}
    found = {seed: list(tables.gains(one, OVERLAP).values())[level - 1] for seed, one in own.items()}
    sparsity = tables.sparsities(own[333])[level - 1]
    dense = [float(one.reference[OVERLAP].mean()) for one in own.values()]
    names = [f"seed {seed}" for seed in SEEDS]
    with stage.view:
        if stage.answered:
            frame = Frame(title=f"Change at level {level} (n = {found[333].n} digits each)", x="soft IoU", y="")
            spread = _spread("change, 95 % together", PRUNED, list(found.values()))
            chart(plots_lessons.spreads(frame, names, [spread], 0.3), "Change of soft IoU of each seed")
        else:
            frame = Frame(title=f"Dense networks (n = {found[333].n} digits each)", x="network", y="soft IoU")
            chart(plots_lessons.bars(frame, names, dense), "Soft IoU of the three dense networks")
    higher = sum(tables.verdict(found[seed]) == 0 for seed in SEEDS[1:])
    listed = "; ".join(f"seed {seed}: {tables.changed(found[seed])}" for seed in SEEDS[1:])
    return Told(
        text=(
            f"With seed 333, soft IoU at level **{level}** ({percent(sparsity)} sparsity) changes by"
            f" {tables.changed(found[333])}; all intervals here hold for {len(tables.sparsities(own[333]))} levels"
            " together. Two other networks were trained and pruned in the same way, from other seeds."
        ),
        question="For how many of these two is soft IoU clearly higher than when dense?",
        choices=("For both", "For one", "For neither"),
        right=2 - higher,
        hint=(
            f"How far apart are dense networks of different seeds? They reach {score(min(dense))} to"
            f" {score(max(dense))}."
        ),
        why=(
            f"{listed[0].upper()}{listed[1:]}. An interval over images says nothing about another training. Dense"
            f" networks of different seeds differ by up to {score(max(dense) - min(dense), 3)}: report every seed, not"
            " the best one."
        ),
    )


def the_claim(stage: Stage) -> Told:
    with stage.controls:
        name = widgets.choice("Network", "claimed", CONTROLS)
    own = tables.family(_source(name))
    shares = tables.sparsities(own)
    sparsity = min(shares, key=lambda share: abs(share - HALF))
    right, overlap = (tables.gains(own, measure)[sparsity] for measure in ("right", OVERLAP))
    clear = [tables.verdict(one) == 0 for one in (right, overlap)]
    with stage.view:
        if stage.answered:
            frame = Frame(title=f"{CLAIMED[name]} at {percent(sparsity)} (n = {right.n})", x="change", y="")
            both = _spread("change, 95 % together", PRUNED, [right, overlap])
            reach = 1.1 * max(0.05, *(abs(bound or 0) for one in (right, overlap) for bound in (one.low, one.high)))
            chart(
                plots_lessons.spreads(frame, ["accuracy", "soft IoU"], [both], reach), "Change of accuracy and soft IoU"
            )
        else:
            _printed()
    return Told(
        text=(
            f"Now the claim itself. **{CLAIMED[name]}** at {percent(sparsity)} sparsity, nearest to half, beside the"
            f" dense network on the same {right.n} images. Intervals hold for all {len(shares)} sparsities together."
            f"{' This network was not retrained.' if name == 'lite0' else ''}"
        ),
        question="What is clearly higher than without pruning?",
        choices=("Accuracy", "Soft IoU", "Both", "Neither"),
        right={(True, False): 0, (False, True): 1, (True, True): 2, (False, False): 3}[clear[0], clear[1]],
        hint="A gain must be larger than what chance explains, for that many sparsities.",
        why=(
            f"Accuracy: {tables.changed(right, points=True)}. Soft IoU: {tables.changed(overlap)}."
            f" {_below(own, name.startswith('seed'))} {_people()}"
        ),
    )


def better_and_wrong(stage: Stage) -> Told:
    with stage.controls:
        rate = widgets.steps("Compression rate", "rate", CONTROLS)
    own = tables.family(SQUEEZENET)
    sparsity = 1 - 1 / int(rate)
    found, rows = _near(tables.gains(own, OVERLAP), sparsity), tables.at(own, sparsity)
    right, dense = int(rows["right"].sum()), own.reference["right"].mean()
    low, high = wilson(right, len(rows))
    with stage.view:
        _curves(own, [OVERLAP, *(["right"] if stage.answered else [])], sparsity)
    return Told(
        text=(
            f"Prune on. At a compression rate of **{rate}** ({percent(sparsity)} of the convolutions' weights are"
            f" gone), soft IoU of this SqueezeNet with the marked box changes by {tables.changed(found)}. The dense"
            f" network classifies {percent(dense)} of the {len(rows)} photographs correctly."
        ),
        question="And the pruned one?",
        choices=("More than 80 %", "50 to 80 %", "Less than 50 %"),
        right=0 if right / len(rows) > 0.8 else 1 if right / len(rows) >= 0.5 else 2,
        hint="It was fine-tuned after each step, for few epochs. Try lower rates first.",
        why=(
            f"**{percent(right / len(rows))}** ({interval(low, high)}, n = {len(rows)}). "
            + (
                "The network gets worse and its score gets better: a measure alone misleads."
                if tables.verdict(found) == 0 and right / len(rows) < dense - 0.02
                else "Here accuracy holds, and soft IoU is not clearly better: go on to higher rates."
            )
        ),
    )


def broader(stage: Stage) -> Told:
    with stage.controls:
        measure = widgets.choice("Measure", "scored", CONTROLS)
    own = tables.family(SQUEEZENET)
    last = tables.sparsities(own)[-1]
    found, overlap = tables.gains(own, measure)[last], tables.gains(own, OVERLAP)[last]
    before, after = (float(rows["map-mean"].mean()) for rows in (own.reference, tables.at(own, last)))
    with stage.view:
        _curves(own, [OVERLAP, *([measure] if stage.answered else [])], last)
    return Told(
        text=(
            f"Why does soft IoU rise by {change(overlap.value or 0.0, 3)} at {percent(last)}? Ask another measure of"
            f" the same {found.n} heatmaps and boxes: **{SCORED[measure]}**, {MEANING[measure]}."
        ),
        question="Is it higher than the dense network's?",
        choices=VERDICTS,
        right=tables.verdict(found),
        hint="Imagine a map that is bright everywhere. Which of its numbers rise?",
        why=(
            f"{SCORED[measure]} changes by {tables.changed(found)}. The mean of the map goes from {score(before)} to"
            f" **{score(after)}**: it is brighter everywhere, so it covers more of the box, and more of all else."
            " Report accuracy, how much a map covers, and more than one measure."
        ),
    )


MEANING = {
    "energy-inside": "the share of the map that lies in the box",
    "pointing-game": "whether its brightest place lies in the box",
    "box-iou": "how well a box around its bright part fits",
    "map-mean": "how bright it is on average",
}


def _source(name: str) -> Source:
    named = {"squeezenet": SQUEEZENET, "lite0": LITE0}
    return named[name] if name in named else tables.seed(name.removeprefix("seed-"))


def _images(own: Family) -> int:
    return len(own.reference)


def _over(image: int, name: str, sparsity: float, overlap: str) -> Shown:
    network = tables.variant(tables.seed(333), sparsity)
    side = engine.engine().heatmap(network, tables.image(tables.seed(333), image), CAM)
    return over(side, name, f"soft IoU **{overlap}**" if overlap else "")


def _differences(own: Family, sparsity: float) -> list[float]:
    before = own.reference.set_index("image")[OVERLAP]
    after = tables.at(own, sparsity).set_index("image")[OVERLAP]
    return [float(value) for value in (after - before.reindex(after.index)).dropna()]


def _spread(name: str, colour: str, found: list[Bounded]) -> Spread:
    value, low, high = ([getattr(one, part) or 0.0 for one in found] for part in ("value", "low", "high"))
    return Spread(name=name, colour=colour, values=value, low=low, high=high)


def _near(found: dict[float, Bounded], sparsity: float) -> Bounded:
    return found[min(found, key=lambda share: abs(share - sparsity))]


def _below(own: Family, is_seed: bool) -> str:
    """Returns which sparsities up to half make soft IoU clearly higher. is_seed: of SEEDS."""
    found = {share: one for share, one in tables.gains(own, OVERLAP).items() if share <= HALF + 0.01}
    best = {share: one for share, one in found.items() if tables.verdict(one) == 0}
    if not best:
        return f"Of the {len(found)} sparsities up to half, none is clear." if len(found) > 1 else ""
    share = max(best, key=lambda share: best[share].value or 0.0)
    text = f"At {percent(share)}, soft IoU is clearly higher: {tables.changed(best[share])}"
    if not is_seed:
        return f"{text}."
    tests = len(SEEDS) * len(tables.sparsities(own))
    still = tables.verdict(tables.gains(own, OVERLAP, together=tests)[share]) == 0
    return f"{text}; over all {tests} tests of the three seeds together, that is {'still' if still else 'not'} clear."


def _printed() -> None:
    """Draws what the paper printed."""
    names = [published_name(rate) for rate in ("1", "2", "32")]
    shares = [name.right / name.n for name in names if name]
    frame = Frame(title="In the paper (n = 2,500 each)", x="compression rate", y="pictures named correctly")
    chart(plots_lessons.bars(frame, ["1", "2", "32"], shares), "Share of pictures that people named correctly")


def _people() -> str:
    """Returns what people's answers in the paper say about a compression rate of 2."""
    dense, half, pair = published_name("1"), published_name("2"), published_pair("heatmap-pair", "1", "2")
    assert dense
    assert half
    assert pair
    found = share_difference(dense.right, dense.n, half.right, half.n)
    return (
        f"In the paper, people named {half.right:,} instead of {dense.right:,} of {half.n:,} pictures correctly"
        f" ({change(100 * found.difference, 1)} points, 95 % interval {change(100 * found.low, 1)} to"
        f" {change(100 * found.high, 1)}), and preferred the pruned network's heatmap {pair.votes_more} to"
        f" {pair.votes_less} times: what people prefer is another question."
    )


def _curves(own: Family, measures: list[str], sparsity: float) -> None:
    """Draws means by sparsity."""
    names = {OVERLAP: "soft IoU", "right": "accuracy"} | {name: SCORED[name].lower() for name in SCORED}
    looks = zip(measures, (PRUNED, DENSE), ("solid", "dot"), strict=False)
    shares = [0.0, *tables.sparsities(own)]
    drawn = [
        Line(
            name=names[measure],
            colour=colour,
            dash=dash,
            x=shares,
            y=[float(_rows(own, share)[measure].mean()) for share in shares],
        )
        for measure, colour, dash in looks
    ]
    n = len(own.reference)
    frame = Frame(title=f"Means by sparsity (n = {n} photographs)", x="sparsity", y="", marker=sparsity, percent=True)
    chart(plots_lessons.lines(frame, drawn), ", ".join(line.name for line in drawn) + " by sparsity")


def _rows(own: Family, sparsity: float) -> DataFrame:
    return tables.at(own, sparsity) if sparsity else own.reference


LESSON = Lesson(
    "Is a little pruning good?",
    "Is a little pruning good for explanations?",
    (
        Step("A claim, and one picture", one_picture),
        Step("Two hundred pictures", many_pictures),
        Step("Twenty-five looks", many_looks),
        Step("Another training", other_seeds),
        Step("The claim, put to the test", the_claim),
        Step("A better score, a worse network", better_and_wrong),
        Step("Broader maps", broader),
    ),
)
