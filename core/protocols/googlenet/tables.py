"""The tables of the GoogLeNet study: one row per network as soon as it is trained, and one row per
epoch, and one row per network whose units are scored. Small files that are included.

<root>/vonrad/<model>/levels.parquet, epochs.parquet and units.parquet; the first one holds the
facts of the runs, by seed, the last one those of the scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pandas import DataFrame, concat
from torch import nn

from core.base.brief import brief
from core.base.errors import MissingData
from core.data.decode import TrainingImages
from core.data.parts import Images
from core.disk.files import Files
from core.disk.frames import read_frame, write_frame
from core.disk.sparse import unpack_sparse
from core.engine.cost import example_input
from core.engine.engine import Engine
from core.jobs.control import Control
from core.measures.multiply_adds import multiply_adds, zeros
from core.models.cards import Card
from core.protocols.googlenet import protocol as vonrad
from core.protocols.googlenet.protocol import Plan, Series
from core.protocols.googlenet.published import READINGS
from core.protocols.photographs import inputs_of
from core.pruning.coupling import CannotRemove
from core.pruning.mask import is_collapsed
from core.pruning.structured import physical
from core.specs import DataSpec, ModelSpec, PruningSpec
from core.stats.intervals import wilson
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.training.place import Place
from core.training.series import Step, key_of

PLACE = ["seed", "pruning", "retraining", "level"]  # the columns that identify a row of `levels`
LEVELS = (
    *PLACE,
    "rate",
    "sparsity",
    "collapsed",
    "correct",
    "total",
    "accuracy",
    "low",
    "high",
    "epochs",
    "best_epoch",
    "training_images",
    "seconds",
    "parameters",
    "parameters_left",
    "multiply_adds",
    "multiply_adds_left",
    "physical_parameters",
    "physical_multiply_adds",
    "device",
    "spec",
)
EPOCHS = (*PLACE, "rate", "epoch", "loss", "correct", "total")  # correct: of the validation images
SCORES = (*PLACE, "rate", "weights", "schedule", "sparsity", "n", "right", "units", "dead", "overlap")
DENSE, UNTRAINED = "dense", "untrained"  # as pruning and retraining of networks that are not pruned


@brief
@dataclass(frozen=True, eq=False)
class Scores:
    """The interpretability of single units: a row per network, the dense and an untrained one among
    them.

    rows: SCORES, and for each judge of similarity columns such as "mis-pixels", see
    `core.units.tables.summary`. `right` of n images are classified correctly, those that the units
    are scored on. facts: what is scored, by seed.
    """

    rows: DataFrame
    facts: dict[str, Any]


@brief
@dataclass(frozen=True, eq=False)
class VonradTables:
    """All tables of one model. levels: one row per network (rate 0, pruning "dense": the dense
    one); epochs: one row per epoch of training.

    correct of total test images with Wilson's interval low to high; sparsity is counted over all
    prunable weights, rate is the requested one; physical_*: after removal of emptied channels (NaN
    where impossible). facts: of the run, by seed. units: None if no units are scored.
    """

    model: str
    facts: dict[str, Any]
    levels: DataFrame
    epochs: DataFrame
    units: Scores | None = None

    def seeds(self) -> list[int]:
        return sorted({int(seed) for seed in self.levels.seed})

    def dense(self, seed: int) -> DataFrame:
        """Return the row of a seed's dense network."""
        return self.levels[(self.levels.pruning == "dense") & (self.levels.seed == seed)]

    def series(self, pruning: str, retraining: str, seed: int) -> DataFrame:
        """Return one series from its dense network on, by rate."""
        rows = self.levels[
            (self.levels.pruning == pruning) & (self.levels.retraining == retraining) & (self.levels.seed == seed)
        ]
        return concat([self.dense(seed), rows]).sort_values("rate")

    def curve(self, pruning: str, rate: float, seed: int) -> DataFrame:
        """Return the epochs after one-shot pruning at a rate: those of the separate series if there
        is one, else of the one-shot level.
        """
        rows = self.epochs[(self.epochs.pruning == pruning) & (self.epochs.rate == rate) & (self.epochs.seed == seed)]
        own = rows[rows.retraining == vonrad.CURVE]
        return (own if len(own) else rows[rows.retraining == "one-shot"]).sort_values("epoch")


def study(
    plan: Plan,
    images: Images,
    pretrained: dict[str, Any] | None,
    engine: Engine,
    control: Control | None = None,
) -> Iterator[tuple[Series, Step]]:
    """Train as `vonrad.run` and keep the tables up to date: each network is evaluated on the test
    images as soon as it is trained, by a sweep.

    The facts of the run are always written anew.

    Raises: as `vonrad.run`.
    """
    place = Place(engine.store.files, engine.device, control or Control())
    card = vonrad.describe(plan, images.train.classes).card()
    tables = _begin(plan, images, place)
    for made, step in vonrad.run(plan, images, pretrained, place):
        if step.epoch is None and (made.pruning == "dense" or step.level > 0):
            facts = place.files.facts(key_of(made.spec, step.level))
            if not _known(tables.levels, made, step.level, facts):
                right = _right(made, step.level, images.test, plan, engine)
                tables = _with(
                    tables, _row(made, step.level, card, right, place.files), _epochs(made, step.level, facts)
                )
                write(place.files.write_root, tables)
        yield made, step
    write(place.files.write_root, tables)


def folder(root: Path, model: str) -> Path:
    return root / "vonrad" / model


def write(root: Path, tables: VonradTables) -> None:
    """Write the tables. Raises CacheNotWritable."""
    home = folder(root, tables.model)
    write_frame(home / "epochs.parquet", tables.epochs, {})
    write_frame(home / "levels.parquet", tables.levels, tables.facts)


def write_units(root: Path, model: str, scores: Scores) -> None:
    """Write the rows of scores. Raises CacheNotWritable."""
    write_frame(folder(root, model) / "units.parquet", scores.rows, scores.facts)


def found(roots: Sequence[Path]) -> list[str]:
    """Return the names of the models that have tables, sorted."""
    return sorted({path.parent.name for root in roots for path in (root / "vonrad").glob("*/levels.parquet")})


def load(roots: Sequence[Path], model: str) -> VonradTables:
    """Load the tables of one model from the first folder that has them. Raises MissingData,
    BadFile.
    """
    for root in roots:
        home = folder(root, model)
        if (home / "levels.parquet").is_file():
            levels, facts = read_frame(home / "levels.parquet", LEVELS)
            epochs, scored = read_frame(home / "epochs.parquet", EPOCHS)[0], home / "units.parquet"
            units = Scores(*read_frame(scored, SCORES)) if scored.is_file() else None
            return VonradTables(model, facts, levels, epochs, units)
    models = found(roots)
    raise MissingData(
        f"There are no tables of the GoogLeNet study for {model}.",
        f"There are tables for: {', '.join(models)}." if models else "There are no tables for any model.",
        "Make them with `python -m core protocol run googlenet`.",
    )


def _begin(plan: Plan, images: Images, place: Place) -> VonradTables:
    """Return the tables so far, with the facts of this run."""
    try:
        tables = load([place.files.write_root], plan.model)
    except MissingData:
        tables = VonradTables(
            plan.model, {"runs": {}}, DataFrame(columns=list(LEVELS)), DataFrame(columns=list(EPOCHS))
        )
    run = {
        "departures": list(plan.departures),
        "readings": list(READINGS),
        "train": len(images.train),
        "validation": len(images.validation),
        "test": len(images.test),
        "skipped": len(images.train.skipped),
        "every": plan.every,
        "size_px": plan.size_px,
        "normalised": plan.normalise,
        "classes": list(images.train.classes),
    }
    return VonradTables(
        plan.model, {"runs": tables.facts.get("runs", {}) | {str(plan.seed): run}}, tables.levels, tables.epochs
    )


def _matching(rows: DataFrame, series: Series, level: int) -> DataFrame:
    wanted = dict(zip(PLACE, (series.spec.seed, series.pruning, series.retraining, level), strict=True))
    return rows[(rows[PLACE] == [wanted[name] for name in PLACE]).all(axis=1)]


def _known(levels: DataFrame, series: Series, level: int, facts: dict[str, Any]) -> bool:
    """Return whether exactly this network was already evaluated."""
    rows = _matching(levels, series, level)
    return len(rows) == 1 and (rows.spec.iloc[0], rows.seconds.iloc[0]) == (series.spec.key, facts.get("seconds"))


def _with(tables: VonradTables, row: dict[str, Any], epochs: list[dict[str, Any]]) -> VonradTables:
    """Replace the rows of an earlier network by those of this one."""
    kept = [rows[(rows[PLACE] != [row[name] for name in PLACE]).any(axis=1)] for rows in (tables.levels, tables.epochs)]
    levels, all_epochs = (
        concat([old, DataFrame(new, columns=old.columns)], ignore_index=True)
        if len(old)
        else DataFrame(new, columns=old.columns)
        for old, new in zip(kept, ([row], epochs), strict=True)
    )
    return VonradTables(tables.model, tables.facts, levels, all_epochs)


def _right(series: Series, level: int, test: TrainingImages, plan: Plan, engine: Engine) -> NDArray[np.bool_]:
    """Return which test images a network classifies correctly, (N,): a sweep over them."""
    engine.catalogue.refresh()  # the run has written the card of its networks
    if series.pruning == "dense":  # it is level 0 of every series
        first = vonrad.pruned_series(plan, vonrad.describe(plan, test.classes).card())[0]
        vonrad.share_dense(series, first, engine.store.files)
        series = first
    model = ModelSpec(name=plan.model, weights=series.spec.name, seed=series.spec.seed)
    title = f"{plan.data}-test"
    spec = SweepSpec(
        models=(model,),
        prunings=(PruningSpec.at_level(level, "retrained"),),
        data=DataSpec(name=title),
        measures=("label", "right", "confidence"),
    )
    sweep = Sweep(engine, spec, inputs_of(test, title, model, engine))
    for _ in sweep.run():
        pass
    return frame(sweep)["right"].to_numpy(bool)


def _row(series: Series, level: int, card: Card, right: NDArray[np.bool_], files: Files) -> dict[str, Any]:
    """Return the row of a network. right: which test images it classifies correctly."""
    network, facts = _network(files, key_of(series.spec, level), card)
    left = {name: network.get_parameter(name) != 0 for name in card.prunable}
    prunable = sum(values.numel() for values in left.values())
    zero = prunable - sum(int(values.sum()) for values in left.values())
    correct = int(right.sum())
    low, high = wilson(correct, len(right))
    history = (facts.get("outcome") or {}).get("history", [])
    return {
        "seed": series.spec.seed,
        "pruning": series.pruning,
        "retraining": series.retraining,
        "level": level,
        "rate": series.spec.targets[level],
        "sparsity": zero / prunable,
        "collapsed": is_collapsed(card.skeleton, left, card.input_shape),
        "correct": correct,
        "total": len(right),
        "accuracy": correct / len(right),
        "low": low,
        "high": high,
        "epochs": len(history),
        "best_epoch": (facts.get("outcome") or {}).get("best_epoch", 0),
        "training_images": facts["training_images"] if history else 0,
        "seconds": facts.get("seconds"),
        "device": facts["device"],
        "spec": series.spec.key,
    } | _costs(network, card)


def _network(files: Files, key: str, card: Card) -> tuple[nn.Module, dict[str, Any]]:
    tensors, facts = files.load(key)
    weights, _ = unpack_sparse(tensors)
    network = card.build()
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False), facts


def _costs(network: nn.Module, card: Card) -> dict[str, float]:
    """Count parameters and multiply-adds of one image: all, without zeros, and after removal of
    emptied channels.
    """
    example = example_input(card, torch.device("cpu"))
    network = network.to(memory_format=torch.contiguous_format)
    counted = multiply_adds(network, example).values()
    costs = {
        "parameters": card.parameters,
        "parameters_left": card.parameters - zeros(network),
        "multiply_adds": sum(layer.all for layer in counted),
        "multiply_adds_left": sum(layer.left for layer in counted),
    }
    try:
        small, removal = physical(network, example)
    except CannotRemove:
        return costs | {"physical_parameters": float("nan"), "physical_multiply_adds": float("nan")}
    left = sum(layer.all for layer in multiply_adds(small, example).values())
    return costs | {"physical_parameters": float(removal.parameters_after), "physical_multiply_adds": float(left)}


def _epochs(series: Series, level: int, facts: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("epoch", "loss", "correct", "total")
    start = {
        "seed": series.spec.seed,
        "pruning": series.pruning,
        "retraining": series.retraining,
        "level": level,
        "rate": series.spec.targets[level],
    }
    return [start | {name: epoch[name] for name in names} for epoch in (facts.get("outcome") or {}).get("history", [])]
