"""The commands `python -m core protocol ... lukkien`: the thesis from training to tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.base.errors import BadSpec, MissingData
from core.base.options import option
from core.protocols.registry import PROTOCOLS, Protocol, Step
from core.specs import whole

if TYPE_CHECKING:
    from core.engine.engine import Engine

TRAIN_ON = "Size of the training set: 60000 (as published) or 55000 (without the embedded digits)."


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Options for showing results."""

    train_on: int = option(60000, TRAIN_ON)


@dataclass(frozen=True, kw_only=True)
class RunOptions(ShowOptions):
    """Options of a run."""

    seeds: tuple[int, ...] = option((333, 334, 335), "Seeds of the training.")
    levels: int = option(25, "Last level, 0 to 25.")


@dataclass(frozen=True, kw_only=True)
class SensitivityOptions:
    """Options of the analysis of choices. By default of the included networks."""

    again: bool = option(False, "Compute it, even if a table of these networks is stored or included.")
    train_on: int = option(55000, TRAIN_ON)
    seeds: tuple[int, ...] = option((333, 334, 335), "Seeds of the training.")
    levels: int = option(25, "Last level, 2 to 25.")
    images: int | None = option(None, "Number of test images, the same share of each class. By default all.")


def run(engine: Engine, options: RunOptions) -> Iterator[Step]:
    """Train, evaluate and write tables."""
    from core.data.datasets import mnist
    from core.protocols.lukkien import protocol as lukkien
    from core.protocols.lukkien import study as lukkien_study
    from core.protocols.lukkien.images import Study, evaluate
    from core.protocols.lukkien.text import summary
    from core.sweeps.accuracy_table import store_accuracies

    plan = lukkien.Plan(
        weights=_weights(options.train_on), seeds=options.seeds, levels=options.levels, device=engine.device
    )
    data = lukkien_study.evaluation_data(plan.weights)
    if data.name == "mnist-test":
        mnist("test", engine.folder / "data")  # a missing test set is reported before hours of training
    for progress in lukkien.run(plan, engine.store.files):
        done = progress.runs_done + (0 if progress.found else progress.epoch / progress.epochs)
        yield Step(vars(progress), lukkien.line(progress), min(done, progress.runs), progress.runs)
    for done, total in store_accuracies(engine, [plan.variant(seed, 0).model for seed in plan.seeds], plan.levels):
        text = f"accuracy on the embedded digits: {done} of {total} seeds"
        yield Step({"run": "accuracy", "done": done, "total": total}, text, done, total)
    study = Study(plan, data)
    for step in evaluate(study, engine):
        text = f"evaluated {step.done} of {step.networks} networks, each with and without noise ({step.series})"
        yield Step({"run": "evaluate"} | vars(step), text, step.done, step.networks)
    tables = lukkien_study.write_tables(study, engine)
    yield Step({"run": "tables", "facts": tables.facts}, summary(tables))


def show(engine: Engine, options: ShowOptions) -> Iterator[Step]:
    """Show the tables of a study that was run on this machine, or of the included one."""
    from core.protocols.lukkien import protocol as lukkien
    from core.protocols.lukkien import study as lukkien_study
    from core.protocols.lukkien.tables import load_study
    from core.protocols.lukkien.text import correlations_text, levels_text, summary

    weights = _weights(options.train_on)
    tables = load_study(engine.roots, weights, lukkien_study.evaluation_data(weights).key)
    names = [name for name in vars(tables) if name != "facts"]
    frames = {name: json.loads(getattr(tables, name).to_json(orient="records")) for name in names}
    text = (*levels_text(tables), correlations_text(tables), summary(tables))
    yield Step({"facts": tables.facts, "published": lukkien.PUBLISHED} | frames, text)


def sensitivity(engine: Engine, options: SensitivityOptions) -> Iterator[Step]:
    """Show the correlation of accuracy and overlap for every combination of choices; compute and
    write it if other networks or images are asked for.
    """
    from core.protocols.lukkien import protocol as lukkien
    from core.protocols.lukkien import sensitivity as analysis
    from core.protocols.lukkien import study as lukkien_study
    from core.protocols.lukkien.choices import sweep_of
    from core.protocols.lukkien.sensitivity_text import choices_text, facts, summary
    from core.sweeps.sweep import Sweep

    weights, levels = _weights(options.train_on), whole(options.levels, "last level", 2)
    data = lukkien_study.evaluation_data(weights)
    plan = lukkien.Plan(weights=weights, seeds=options.seeds, levels=levels, device=engine.device)
    sweep = Sweep(engine, sweep_of(plan, data, options.images))
    if not options.again and options.images is None:
        with suppress(MissingData):
            known = analysis.load_sensitivity(engine.roots, weights, data.key)
            if analysis.is_of(known, sweep):
                yield Step(facts(known), (choices_text(known), summary(known)))
                return
    for step in sweep.run():
        about = {"network": step.variant.key, "done": step.done, "networks": step.networks, "found": step.found}
        yield Step(about, f"heatmaps of {step.done} of {step.networks} networks", step.done, step.networks)
    for done, total, result in analysis.analyse(sweep):
        yield Step({"correlated": done, "of": total}, f"correlated {done} of {total} kinds of heatmaps", done, total)
        if result is not None:
            path = analysis.write(engine.folder, result)
            text = (choices_text(result), summary(result), f"Written: {path}")
            yield Step(facts(result) | {"written": str(path)}, text)


def _weights(train_on: int) -> str:
    if train_on not in (55000, 60000):
        known = "The training sets are 60000 (as published) and 55000 (without the embedded digits)."
        raise BadSpec(f"--train-on {train_on} is invalid.", known, "Choose one of them.")
    return f"mnist-{train_on}"


PROTOCOLS.register(
    "lukkien",
    "The thesis",
    "Iterative magnitude pruning with weight reset on MNIST: accuracy and quality of the heatmaps over 26 levels.",
    "Lukkien",
)(Protocol(run, RunOptions, show, ShowOptions, sensitivity, SensitivityOptions))
