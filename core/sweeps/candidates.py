"""Candidates for shipping: networks on the same images, each beside one reference, with what they
cost.

Answers are kept as those of any sweep. What they decide is asked of `core/sweeps/decision.py`, as
often as somebody moves a limit, without another pass of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas

from core.base.errors import BadSpec
from core.base.numbers import counted
from core.base.progress import Progress, tell
from core.base.text import first_few
from core.engine.cost import times
from core.engine.engine import Engine
from core.engine.reference import Pair
from core.engine.reference_name import candidate_name
from core.results import Latency
from core.specs import CamSpec, DataSpec, VariantSpec, whole
from core.specs.shares import seed_of
from core.sweeps.floor import Floor, known_floor, question_of
from core.sweeps.read import rows_of
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Tables

SIMILARITY = "pearson"
OF_REFERENCE = ("right", "label", "usable")
OF_CANDIDATE = ("right", "agrees", SIMILARITY)
MOST = 30  # candidates: all are in memory while they are timed
BATCH = 16  # of the second time
NAMED = 3  # classes in a message


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is asked: which of the candidates to ship.

    candidates: without repetitions. images: how many images of the data set, drawn from its classes
    in proportion by `seed`; None for all. cam: of the heatmaps, for the class that the reference
    predicts.
    """

    candidates: tuple[VariantSpec, ...]
    reference: VariantSpec
    data: DataSpec = field(default_factory=DataSpec)
    images: int | None = None
    seed: int = 0
    cam: CamSpec = field(default_factory=CamSpec)

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidates", tuple(dict.fromkeys(self.candidates)))
        object.__setattr__(self, "cam", replace(self.cam, target="dense"))
        object.__setattr__(self, "seed", seed_of(self.seed))
        if self.images is not None:
            object.__setattr__(self, "images", whole(self.images, "number of images", 1))
        if not 0 < len(self.candidates) <= MOST:
            raise BadSpec(
                f"There are {counted(len(self.candidates), 'candidate')}.",
                f"A decision is among 1 to {MOST} networks, beside a reference.",
                "Name some: a level, a sparsity, another network, such as sparsity.50.",
            )
        if self.reference in self.candidates:
            raise BadSpec(
                "The reference is among the candidates.",
                "Candidates are compared with the reference, which is in the table anyway.",
                "Omit it from the candidates, or choose another reference.",
            )

    @property
    def networks(self) -> tuple[VariantSpec, ...]:
        """The reference, then the candidates."""
        return self.reference, *self.candidates


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a network costs as it is exported: without the channels that pruning emptied where they
    can be removed, else with its zeros in place.

    file_bytes: of all its values. kept_bytes: of kept values and mask, as Sparsight
    itself keeps pruned networks. multiply_adds: of one image; multiply_adds_left: without those
    with zeros, a count, not a speed. time, time_of_batch: of one image, and of BATCH images.
    """

    file_bytes: int
    kept_bytes: int
    multiply_adds: int
    multiply_adds_left: int
    is_smaller: bool
    time: Latency
    time_of_batch: Latency


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One network of a decision.

    rows: by image, with the columns OF_CANDIDATE; of the reference, OF_REFERENCE. notes: remarks on
    its numbers, in sentences. collapsed: no path of weights leads from input to output.
    """

    variant: VariantSpec
    name: str
    rows: pandas.DataFrame
    cost: Cost
    notes: tuple[str, ...]
    collapsed: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """What was measured for a decision. floor: how similar heatmaps of dense networks of several
    seeds are; None where that is not known.
    """

    asked: Decision
    reference: Measured
    candidates: tuple[Measured, ...]
    floor: Floor | None

    @property
    def networks(self) -> tuple[Measured, ...]:
        """The reference, then the candidates."""
        return self.reference, *self.candidates


def measure_candidates(engine: Engine, asked: Decision, folder: Path, progress: Progress = tell) -> Candidates:
    """Ask every network about the images, count its costs, and time all of them in turn.

    Args:
        folder: where answers are kept, so that the same question goes on where it was stopped.
        progress: called with images done and total, of all networks together.
    Raises:
        BadSpec: the classes of a candidate and of the reference have nothing in common; no image
        can be read; the reference predicts a class that a candidate lacks. As `Engine.evaluate`.
    """
    _check_classes(engine, asked)
    sweeps = _sweeps(engine, asked, folder)
    images, networks = len(sweeps[0].rows(asked.reference.model)), len(asked.networks)
    done = 0

    def within(part: int, total: int) -> None:
        progress(done * images + part, networks * images)

    for sweep in sweeps:
        for _ in sweep.run(progress=within):
            done += 1
            within(0, images)
    rows = {variant: _rows(sweep, variant) for sweep in sweeps for variant in sweep.variants}
    names, costs = names_of(engine, asked), costs_of(engine, asked.networks)
    found = [
        Measured(
            variant=each,
            name=names[each],
            rows=rows[each][0],
            cost=costs[each],
            notes=rows[each][1],
            collapsed=engine.report(each).collapsed,
        )
        for each in asked.networks
    ]
    return Candidates(asked=asked, reference=found[0], candidates=tuple(found[1:]), floor=_floor(engine, asked))


def names_of(engine: Engine, asked: Decision) -> dict[VariantSpec, str]:
    """Return what people read for each network: no two have the same name."""
    found = {each: candidate_name(engine.catalogue, each, asked.reference.model) for each in asked.networks}
    names = list(found.values())
    return {each: name if names.count(name) == 1 else f"{name} ({each.key})" for each, name in found.items()}


def _check_classes(engine: Engine, asked: Decision) -> None:
    """Raise BadSpec for a candidate with other inputs than the reference, or with other classes
    altogether.
    """
    own = engine.card(asked.reference.model)
    for variant in asked.candidates:
        card = engine.card(variant.model)
        title = engine.catalogue.title(variant.model)
        if card.reads_digits != own.reads_digits:
            raise BadSpec(
                f"{title} and the reference take different images: digits and photographs.",
                "All networks of a decision answer on the same images.",
                "Choose candidates that take the reference's images.",
            )
        pair = Pair.of(engine.catalogue, variant, asked.reference, ())
        if all(each is None for each in pair.classes):
            raise BadSpec(
                f"No class of {title} ({first_few(card.classes, NAMED)}) is a class of the reference"
                f" ({first_few(own.classes, NAMED)}).",
                "Answers and heatmaps are compared class by class, by name.",
                "Choose candidates with the reference's classes, or another reference.",
            )


def _sweeps(engine: Engine, asked: Decision, folder: Path) -> list[Sweep]:
    """Return a sweep of the reference, and one of the candidates of each model."""
    reference = asked.reference
    dense = SweepSpec(
        models=(reference.model,),
        prunings=(reference.pruning,),
        data=asked.data,
        images=asked.images,
        seed=asked.seed,
        cams=(asked.cam,),
        measures=OF_REFERENCE,
        reference=reference,
    )
    first = Sweep(engine, dense)
    first.tables = Tables((folder, *engine.roots), dense.set_key)
    models = dict.fromkeys(variant.model for variant in asked.candidates)
    specs = [
        replace(
            dense,
            models=(model,),
            prunings=tuple(variant.pruning for variant in asked.candidates if variant.model == model),
            measures=OF_CANDIDATE,
        )
        for model in models
    ]
    return [first, *map(first.again, specs)]


def _rows(sweep: Sweep, variant: VariantSpec) -> tuple[pandas.DataFrame, tuple[str, ...]]:
    """Return the rows of a network that was just asked, by image, and notes. Raises BadSpec."""
    found = rows_of(sweep, variant)
    assert found is not None
    rows, facts = found
    if rows.empty:
        raise BadSpec(
            f"No image of {sweep.inputs(variant.model).title} can be read.",
            " ".join(facts["notes"]),
            "Choose other images.",
        )
    return rows.set_index("image").sort_index(), tuple(facts["notes"])


def costs_of(engine: Engine, variants: Sequence[VariantSpec]) -> dict[VariantSpec, Cost]:
    """Return what each network costs as it is exported; all are timed in turn."""
    reports = {variant: engine.cost(variant) for variant in variants}
    single, batch = (times(engine.store, variants, size) for size in (1, BATCH))
    return {
        variant: Cost(
            file_bytes=report.dense_file_bytes if report.physical_file_bytes is None else report.physical_file_bytes,
            kept_bytes=report.sparse_file_bytes,
            multiply_adds=report.macs if report.physical_macs is None else report.physical_macs,
            multiply_adds_left=report.macs_left if report.physical_macs_left is None else report.physical_macs_left,
            is_smaller=report.physical_file_bytes is not None,
            time=single[variant],
            time_of_batch=batch[variant],
        )
        for variant, report in reports.items()
    }


def _floor(engine: Engine, asked: Decision) -> Floor | None:
    """Return the noise floor of a dense reference's heatmaps on this data set, if it is known."""
    if not asked.reference.pruning.is_dense:
        return None
    question = question_of(engine, asked.reference, asked.cam, asked.data)
    return known_floor(engine, question) if question else None
