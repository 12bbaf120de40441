"""Single units of the study's networks: their interpretability scores, a row a network.

<root>/vonrad/<model>/units.parquet holds the rows; the tables of every unit, which they are made
from, lie where `core.units.study` puts them. Images: some of the run's test images, so that no
network was trained on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pandas import DataFrame, concat

from core.data.decode import TrainingImages
from core.engine.engine import Engine
from core.models.cards import RANDOM, Card
from core.protocols.googlenet import protocol as vonrad
from core.protocols.googlenet.protocol import CURVE, Plan
from core.protocols.googlenet.tables import DENSE, PLACE, SCORES, UNTRAINED, Scores, load, write_units
from core.protocols.photographs import inputs_of
from core.specs import DataSpec, ModelSpec, PruningSpec
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Step, Sweep
from core.units.embeddings import OFFLINE
from core.units.layers import unit_layers
from core.units.read import measured, summary
from core.units.score import tasks_of
from core.units.study import UnitOptions, UnitStudy

RELEVANCE_IMAGES = 100
JUDGED = ("mis", "low", "high", "right", "shuffled", "weighted")  # columns of each judge


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What is scored.

    images: how many test images, drawn from the classes in proportion; all if there are fewer.
    layers: names of convolutions, or patterns such as "inception*.branch1.conv"; () for all.
    similarities: the judges.
    """

    images: int
    layers: tuple[str, ...] = ()
    similarities: tuple[str, ...] = OFFLINE

    def options(self, card: Card) -> UnitOptions:
        """Return what is measured of a network. Raises UnknownName, BadSpec."""
        return UnitOptions(similarities=self.similarities, layers=chosen(card, self.layers), relevance=RELEVANCE_IMAGES)


def chosen(card: Card, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the convolutions that patterns name, in the order in which they run; () for all.

    Raises:
        UnknownName: a pattern names none. BadSpec: as `unit_layers`.
    """
    return tuple(layer.name for layer in unit_layers(card, patterns)) if patterns else ()


def check(plan: Plan, scoring: Scoring, classes: tuple[str, ...]) -> None:
    """Check before any work whether units can be scored. Raises BadSpec, UnknownName."""
    tasks_of(scoring.images)
    scoring.options(vonrad.describe(plan, classes).card())


def check_images(scoring: Scoring, test: TrainingImages) -> None:
    """Check before any training whether there are enough test images. Raises BadSpec."""
    tasks_of(min(scoring.images, len(test)))


def unit_study(plan: Plan, test: TrainingImages, engine: Engine, scoring: Scoring) -> UnitStudy:
    """Return the study of all networks of a plan but those of its curves at 89 %."""
    engine.catalogue.refresh()
    card = vonrad.describe(plan, test.classes).card()
    made = [each for each in vonrad.pruned_series(plan, card) if each.retraining != CURVE]
    models = tuple(ModelSpec(name=plan.model, weights=each.spec.name, seed=plan.seed) for each in made)
    title = f"{plan.data}-test"
    spec = SweepSpec(
        models=models,
        prunings=(PruningSpec(), *(PruningSpec.at_level(1 + place, "retrained") for place in range(len(plan.rates)))),
        data=DataSpec(name=title),
        images=min(scoring.images, len(test)),
    )
    return UnitStudy(Sweep(engine, spec, inputs_of(test, title, models[0], engine)), scoring.options(card))


def score_units(plan: Plan, test: TrainingImages, engine: Engine, scoring: Scoring) -> Iterator[Step]:
    """Score the units of the networks that lack it, and keep a row of each network in the tables.

    Raises: as `UnitStudy.run`. CacheNotWritable.
    """
    study = unit_study(plan, test, engine, scoring)
    yield from study.run()
    tabulate(plan, study, engine)


def tabulate(plan: Plan, study: UnitStudy, engine: Engine) -> None:
    """Keep the rows of the networks of this seed that are scored, beside those of other seeds.

    Raises: MissingData: no network is scored. CacheNotWritable.
    """
    new, seed = _rows(plan, study), plan.seed
    known = load([engine.folder], plan.model).units
    runs = {str(seed): _facts(study)}
    if known is not None:
        new = concat([known.rows[known.rows.seed != seed], new], ignore_index=True)
        runs = known.facts["runs"] | runs
    write_units(engine.folder, plan.model, Scores(new, {"runs": runs}))


def _rows(plan: Plan, study: UnitStudy) -> DataFrame:
    found = summary(study)
    found["level"] = found.level.fillna(0).astype(int)  # a network that is not pruned has none
    names = {each.spec.name: each for each in vonrad.all_series(plan, study.sweep.engine.card(study.variants[0].model))}
    places = []
    for row in found.itertuples():
        rate, pruning, retraining = 0.0, DENSE, DENSE
        if row.weights == RANDOM:
            pruning = retraining = UNTRAINED
        elif row.level:
            series = names[str(row.weights)]
            rate, pruning, retraining = series.spec.targets[row.level], series.pruning, series.retraining
        places.append((plan.seed, pruning, retraining, row.level, rate))
    placed = found.assign(**DataFrame(places, columns=[*PLACE, "rate"]))[[*SCORES, *_judged(study)]]
    return placed.drop_duplicates(list(PLACE), ignore_index=True)  # the dense network is level 0 of every series


def _judged(study: UnitStudy) -> list[str]:
    return [f"{column}-{name}" for name in study.options.similarities for column in JUDGED]


def _facts(study: UnitStudy) -> dict[str, Any]:
    """Return what the scores are of."""
    _, tables = next(measured(study))
    names = ("n", "tasks", "comparable", "layers", "similarities", "relevance_images", "device", "versions")
    return {name: tables.facts[name] for name in names}
