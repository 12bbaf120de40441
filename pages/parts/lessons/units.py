"""Lesson 4: what one unit sees, and what pruning leaves of it.

All numbers come from the included scores of the thesis' networks; pictures are found in one pass
over the digits.
"""

from __future__ import annotations

from pandas import DataFrame

from core import ImageRef, VariantSpec
from core.base.numbers import score
from core.figures import contacts
from core.figures.plots import lessons as plots_lessons
from core.figures.plots.base import NEUTRAL, PRUNED
from core.figures.plots.lessons import Frame, Line
from core.models.cards import RANDOM
from core.units.included import spec_of
from core.units.machine import MachineTask, machine_tasks
from core.units.relation import relations
from core.units.study import UnitOptions, UnitStudy
from pages.parts.common import engine, unit_data, widgets
from pages.parts.common.background import Task, Work
from pages.parts.common.story import percent
from pages.parts.common.unit_data import Opened
from pages.parts.common.waiting import needed
from pages.parts.lessons.facts import CONTROLS
from pages.parts.lessons.lesson import Lesson, Stage, Step, Told
from pages.parts.lessons.parts import Shown, chart, row, slider

STUDY, LAYER, JUDGE = "digits", "conv2", "efficientnet-lite1"
JUDGES = {JUDGE: "EfficientNet-lite1", "pixels": "pixels"}  # as people read them
NINE, TWENTY = 9, 20
FEW_RIGHT = 0.3  # share of right answers that is hardly better than chance, 0.1
SAME = 0.05  # scores that differ by less count as alike


def sees(stage: Stage) -> Told:
    unit = _unit(stage)
    task = _first_task(unit, unit_data.opened(STUDY))
    first = task.strong_query % 2 == 0  # which of the two is A; no pattern in it
    a, b = (task.strong_query, task.weak_query) if first else (task.weak_query, task.strong_query)
    with stage.view:
        row([_sheet("Excite it most", task.strong, 3), _sheet("Excite it least", task.weak, 3)])
        row([_sheet("A", (a,), 1), _sheet("B", (b,), 1)])
    return Told(
        text=(
            f"A **unit** is one channel of a convolution. This is unit {unit} of the eight in the second convolution of"
            " the dense network. Of 2,000 digits, nine are shown that excite it much and nine that excite it little."
        ),
        question="Which of A and B excites this unit more?",
        choices=("A", "B"),
        right=0 if first else 1,
        why=(
            f"**{'A' if first else 'B'}**. A program that compares the pictures is"
            f" {percent(task.confidence)} sure of that. You have just done one task of the *machine interpretability"
            " score*."
        ),
    )


def scored(stage: Stage) -> Told:
    rows = _units()
    seed = int(_seed(stage))
    own = _dense(rows)
    own = own[own.seed == seed]
    dense = _dense(_networks())
    shuffled = dense[dense.seed == seed].iloc[0]
    with stage.view:
        frame = Frame(title=f"Score of each unit (n = {len(own)} units, 20 tasks each)", x="unit", y="score")
        chart(
            plots_lessons.bars(frame, list(map(str, own.unit)), own[f"mis-{JUDGE}"].tolist()),
            "Score of each unit of the second convolution",
        )
    chance = shuffled[f"shuffled-{JUDGE}"]
    return Told(
        text=(
            "The program does twenty such tasks for each unit. Its mean confidence in the right picture is the unit's"
            f" **score**. The eight units of this dense network score {score(own[f'mis-{JUDGE}'].mean())} on average."
        ),
        question="What do they score if the eighteen pictures are drawn at random?",
        choices=("About 0", "About 0.5", "About 1"),
        right=1 if 0.4 < chance < 0.6 else 0 if chance <= 0.4 else 2,
        why=(
            f"**{score(chance)}**. Pictures drawn at random say nothing about the unit, so the program can only guess:"
            " 0.5 is chance."
        ),
    )


def untrained(stage: Stage) -> Told:
    judge = _judge(stage)
    rows = _networks()
    column = f"mis-{judge}"
    dense = _dense(rows)
    trained, random = dense[column].mean(), rows[rows.weights == RANDOM][column].iloc[0]
    names = [*(f"seed {int(one)}" for one in dense.seed), *(["untrained"] if stage.answered else [])]
    values = [*dense[column], *([random] if stage.answered else [])]
    with stage.view:
        frame = Frame(title="Mean score of the second convolution (n = 8 units each)", x="network", y="score")
        chart(plots_lessons.bars(frame, names, values, strong=3), "Mean scores of the dense networks")
    apart = trained - random
    return Told(
        text=(
            "A high score means that people could tell, too, what excites a unit. Does it mean that the network has"
            f" learned something? The three trained networks score {score(trained)} on average. Take the same network"
            " with **random weights**, which guesses every answer."
        ),
        question="What does it score?",
        choices=("About 0.5, chance", "Clearly lower, but above chance", "About as high"),
        right=2 if abs(apart) < SAME else 0 if random < 0.55 else 1,
        why=(
            f"**{score(random)}**. Even a random filter prefers some shapes, and shapes can be told apart. A score"
            " needs a baseline beside it: by itself it does not show that a network has learned anything."
        ),
    )


def pruned(stage: Stage) -> Told:
    with stage.controls:
        level = int(slider("Level", "left"))
    rows = _networks()
    rows = rows[rows.weights != RANDOM].assign(level=rows.level.fillna(0), share=rows["right"] / rows["n"])
    means = rows.groupby("level")[[f"mis-{JUDGE}", "share", "sparsity"]].mean()
    here, dense = means.loc[level], means.loc[0]
    change = here[f"mis-{JUDGE}"] - dense[f"mis-{JUDGE}"]
    drawn = [Line(name="right answers", colour=NEUTRAL, x=list(means.index), y=list(means.share), dash="dot")]
    if stage.answered:
        drawn.append(Line(name="score", colour=PRUNED, x=list(means.index), y=list(means[f"mis-{JUDGE}"])))
    with stage.view:
        frame = Frame(title="Means of three networks (n = 2,000 digits)", x="level", y="", marker=level)
        chart(plots_lessons.lines(frame, drawn), "Right answers over the levels, and the score once you have answered")
    return Told(
        text=(
            f"At level **{level}**, {percent(here.sparsity)} of the weights are gone, and the share of right answers is"
            f" {percent(here.share)} instead of {percent(dense.share)}. The dense networks' units score"
            f" {score(dense[f'mis-{JUDGE}'])}."
        ),
        question="And the units that are still alive?",
        choices=("Clearly lower", f"About the same (within {SAME})", "Clearly higher"),
        right=1 if abs(change) <= SAME else 0 if change < 0 else 2,
        why=(
            f"**{score(here[f'mis-{JUDGE}'])}**. "
            + (
                "These networks hardly answer better than chance, and what excites their units can be told as well as"
                " before. The GoogLeNet study found no significant relation of the score with pruning either."
                if here.share < FEW_RIGHT
                else "The networks still answer much better than chance: try a deeper level."
            )
        ),
    )


def left_of_it(stage: Stage) -> Told:
    unit = _unit(stage)
    with stage.controls:
        level = int(slider("Level", "left"))
    variant = _variant(level)
    rows = _units()
    own = rows[(rows.network == variant.key) & (rows.unit == unit)].iloc[0]
    kept, opened = round(own.overlap * TWENTY), unit_data.opened(STUDY)
    with stage.view:
        shown = [_sheet("Dense", _strongest(_variant(0), unit, opened), 3)]
        if stage.answered:
            shown.append(_sheet(f"Level {level}", _strongest(variant, unit, opened), 3))
        row(shown)
    return Told(
        text=(
            f"What about the unit itself? These are the nine strongest digits of unit {unit} in the dense"
            f" network. Prune to level **{level}**."
        ),
        question="How many of its 20 strongest digits are still among its 20 strongest?",
        choices=("15 or more", "5 to 14", "Fewer than 5"),
        right=0 if kept >= 15 else 1 if kept >= 5 else 2,
        why=(
            f"**{kept} of 20**. "
            + (
                "The unit is dead: every digit excites it alike."
                if own.dead
                else "The unit may score as before and yet be another unit: what excites it changes as weights go."
            )
        ),
    )


def who_judges(stage: Stage) -> Told:
    judge = _judge(stage)
    rows = unit_data.networks(unit_data.opened(STUDY))
    found = next(each for each in relations(rows, judge, 10) if each.of == "right" and each.name == "spearman")
    assert found.value is not None
    with stage.view:
        both = _networks()
        both = both[both.weights != RANDOM].assign(level=both.level.fillna(0))
        means = both.groupby("level")[[f"mis-{name}" for name in JUDGES]].mean()
        lines = [
            Line(name=name, colour=colour, x=list(means.index), y=list(means[f"mis-{key}"]))
            for (key, name), colour in zip(JUDGES.items(), (PRUNED, NEUTRAL), strict=True)
        ]
        frame = Frame(title="Score by two judges, means of three networks (n = 8 units each)", x="level", y="score")
        chart(plots_lessons.lines(frame, lines), "Score by two judges over the levels")
    return Told(
        text=(
            "Who says how similar two pictures are? Here a network that was trained on photographs, or plain"
            f" correlation of small pictures. Over all {found.n} networks, relate a network's score to its share of"
            " right answers."
        ),
        question=f"What is Spearman's correlation with {JUDGES[judge]} as the judge?",
        choices=("Surely above 0", "Not surely different from 0", "Surely below 0"),
        right=1 if not found.is_clear else 0 if found.value > 0 else 2,
        why=(
            f"**{score(found.value)}**, 95 % interval {score(found.low)} to {score(found.high)} over networks. Better"
            " networks do not have more interpretable units here by either judge. By one of them they have less"
            " interpretable ones."
        ),
    )


def _unit(stage: Stage) -> int:
    with stage.controls:
        return int(slider("Unit", "one"))


def _seed(stage: Stage) -> str:
    with stage.controls:
        return widgets.segments("Seed", "who", CONTROLS)


def _judge(stage: Stage) -> str:
    with stage.controls:
        return widgets.segments("Judge", "judging", CONTROLS)


def _dense(rows: DataFrame) -> DataFrame:
    """Returns the rows of trained networks that were not pruned."""
    return rows[(rows.schedule == "none") & (rows.weights != RANDOM)]


def _variant(level: int) -> VariantSpec:
    spec = spec_of(STUDY)
    return spec.variants(spec.models[0])[level]


def _sheet(title: str, rows: tuple[int, ...], columns: int) -> Shown:
    pictures = [engine.engine().picture(ImageRef(name=str(one), noise=0.0)) for one in rows]
    alt = f"{title}: {len(rows)} digits" if len(rows) > 1 else f"{title}: a digit"
    return Shown(title=title, image=contacts.sheet(pictures, columns), alt=alt)


def _networks() -> DataFrame:
    """Returns a row a network for the layer."""
    return unit_data.networks(unit_data.opened(STUDY), LAYER)


def _units() -> DataFrame:
    return unit_data.of_layer(unit_data.opened(STUDY), LAYER)


def _first_task(unit: int, opened: Opened) -> MachineTask:
    """Returns the first task of a unit of the dense network that the machine gets right, judged by
    pixels, which need no embeddings. Raises Stopped.
    """

    def run(task: Task) -> tuple[MachineTask, ...]:
        study = UnitStudy(unit_data.study(opened).sweep, UnitOptions(similarities=("pixels",)))
        return machine_tasks(study, _variant(0), LAYER, unit, task.advance)

    work = Work(place="task", key=("first task", unit), stamp=opened.stamp, what="Drawing the machine's task", run=run)
    tasks = needed(work).answer
    return next((task for task in tasks if task.right), tasks[0])


def _strongest(variant: VariantSpec, unit: int, opened: Opened) -> tuple[int, ...]:
    """Raises Stopped."""
    work = Work(
        place=f"strongest {variant.key}",
        key=("strongest", variant),
        stamp=opened.stamp,
        what="Finding the strongest digits",
        run=lambda task: unit_data.study(opened).exemplars(variant, task.advance),
    )
    shown = needed(work).answer
    return tuple(shown[(shown.layer == 1) & (shown.unit == unit)].strongest.head(NINE).tolist())


LESSON = Lesson(
    "What one unit sees",
    "What does one unit see, and what is left of it?",
    (
        Step("What excites a unit?", sees),
        Step("A score for interpretability", scored),
        Step("A network that has learned nothing", untrained),
        Step("Prune it", pruned),
        Step("What is left of a unit?", left_of_it),
        Step("Who judges?", who_judges),
    ),
)
