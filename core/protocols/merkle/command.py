"""`python -m core protocol run | show merkle`: Less is More from photographs to tables and strips
of pictures.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.base.errors import BadSpec, MissingData, SparsightError, UnknownName
from core.base.options import option
from core.base.text import Part
from core.protocols.photographs import PhotoOptions, decoded, inputs_of
from core.protocols.registry import PROTOCOLS, Protocol, Step, Strips
from core.specs import SCOPES, DataSpec, ModelSpec

if TYPE_CHECKING:
    from core.data.decode import TrainingImages
    from core.engine.engine import Engine
    from core.protocols.merkle.protocol import Plan
    from core.protocols.series.tables import SeriesTables

IMAGENETTE = "imagenette"


@dataclass(frozen=True, kw_only=True)
class RunOptions(PhotoOptions):
    """Options of a run. The defaults are the paper's."""

    model: str = option("vgg16", "The network: a CNN of torchvision, or efficientnet-lite0.")
    data: str = option(
        IMAGENETTE, "A folder or zip file with a folder for each class, or imagenette, which is downloaded."
    )
    epochs: int | None = option(None, "Maximum epochs per level. By default 100 for the dense network, then 50.")
    normalise: bool = option(False, "Subtract ImageNet's mean from the input and divide by its deviation.")
    scope: str = option("layer", "layer (as published) or global.")
    adamw: float | None = option(None, "Learning rate of AdamW for the pruned levels. By default SGD at 0.001.")
    evaluate_on: str = option(
        "", "Photographs for the evaluation. By default those of --held-out, else the test part of the data."
    )


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Options for showing results."""

    model: str | None = option(None, "A network and its data, such as squeezenet1_1@imagenette-128. By default all.")
    strips: Path | None = option(None, "Write strips of heatmaps and visible parts into this folder, as PNG and SVG.")
    photos: str = option("", "A folder or zip file of photographs for the strips. By default the included ones.")


def run(engine: Engine, options: RunOptions) -> Iterator[Step]:
    """Train, evaluate and tabulate; draw strips of pictures."""
    from core.protocols.merkle import protocol as merkle
    from core.protocols.merkle.summary import departures
    from core.training.material import load, photographs
    from core.training.place import Place

    plans = [_plan(options, seed) for seed in options.seeds]
    plans[0].spec((plans[0].backbone.classifier,))  # invalid input is reported before any file is read
    for sentence in departures(plans[0]) or ("As published.",):
        yield Step({"departure": sentence}, sentence)
    data = _data(options.data, engine.folder)
    photos, held_out = photographs({"photographs": data, "held_out": options.held_out, "folder": engine.folder})
    yield Step({"photographs": len(photos), "left_out": len(held_out)}, f"Decoding {len(photos):,} photographs.")
    images = yield from decoded(load(photos, plans[0].backbone.rule, engine.folder, held_out))
    sizes = {name: len(getattr(images, name)) for name in ("train", "validation", "test")}
    yield Step(sizes, ", ".join(f"{count:,} {name}" for name, count in sizes.items()))
    weights, tables = options.weights(plans[0].architecture, engine), []
    for plan in plans:
        for step in merkle.run(plan, images, weights, Place(engine.store.files, engine.device)):
            yield _describe(plan, step)
        engine.catalogue.refresh()
        tables.append((yield from _evaluated(engine, plan, images.test, options)))
    yield _tables(tables)
    source = options.evaluate_on or options.held_out or data
    for table in tables:
        home = engine.folder / "merkle" / table.place.model.key
        yield Step({"strips": str(home)}, strips=Strips(table, source, home))


def show(engine: Engine, options: ShowOptions) -> Iterator[Step]:
    """Show the tables of every series of this protocol that was run on this machine, and of the
    included ones.
    """
    from core.protocols.merkle.summary import RUN
    from core.protocols.series import images as series_images
    from core.protocols.series import tables as series_tables

    if options.photos and not options.strips:
        raise BadSpec(
            "--photos would have no effect without --strips.",
            "It sets the photographs of the strips.",
            "Add --strips FOLDER.",
        )
    places = [place for place in series_images.found(engine.roots) if place.model.weights.startswith(RUN)]
    if options.model and options.model not in (names := {place.model.name for place in places}):
        raise UnknownName("model with results", options.model, names)
    chosen = [place for place in places if options.model in (None, place.model.name)]
    if not chosen:
        raise MissingData(
            "There are no results of Less is More.",
            "A run writes them into the cache folder.",
            "Run `python -m core protocol run merkle --help`.",
        )
    tables = [series_tables.load(engine.catalogue, place) for place in chosen]
    yield _tables(tables)
    if options.strips is None:
        return
    for table in tables:
        home = options.strips / table.place.model.key
        yield Step({}, strips=Strips(table, options.photos, home, optional=True))


def _tables(tables: list[SeriesTables]) -> Step:
    from core.protocols.merkle import summary

    parts: list[Part] = [part for table in tables for part in summary.text(table)]
    return Step(summary.facts(tables), parts)


def _evaluated(
    engine: Engine, plan: Plan, test: TrainingImages, options: RunOptions
) -> Generator[Step, None, SeriesTables]:
    from core.data.folders import name_of
    from core.protocols.series import images as series_images
    from core.protocols.series import tables as series_tables

    model = ModelSpec(name=f"{plan.architecture}@{plan.data}", weights=plan.run, seed=plan.seed)
    inputs, name = None, f"{plan.data}-test"
    for path in filter(None, (options.evaluate_on, options.held_out)):
        data = DataSpec(name=f"folder:{path}")
        try:
            inputs, name = engine.inputs(data, model), name_of(data.name)
            break
        except SparsightError:
            if path == options.evaluate_on:
                raise
    if inputs is None or not len(inputs.own_classes):
        inputs = inputs_of(test, name, model, engine)
    place = series_images.Place(model=model, data_name=name)
    for step in series_images.evaluate_series(place, engine, inputs):
        level, state = step.variant.pruning.level, "found" if step.found else "evaluated"
        facts = {"run": "evaluate", "model": model.key, "data": name, "level": level, "state": state}
        text = f"{model.key} on {name}: level {level} of {step.networks - 1} {state}"
        yield Step(facts | {"levels": step.networks - 1}, text, step.done, step.networks)
    return series_tables.load(engine.catalogue, place)


def _plan(options: RunOptions, seed: int) -> Plan:
    from core.models.head import data_name
    from core.protocols.merkle.protocol import Plan

    if options.scope not in SCOPES:
        raise UnknownName("scope", options.scope, SCOPES)
    return Plan(
        architecture=options.model,
        data=data_name(options.data_name or options.data),
        size_px=options.size_px,
        scope=options.scope,
        seed=seed,
        epochs=options.epochs,
        start=options.start,
        normalise=options.normalise,
        adamw=options.adamw,
    )


def _data(source: str, folder: Path) -> str:
    """Return the folder or zip file of photographs; the name "imagenette" downloads Imagenette."""
    from core.data.downloads import imagenette_whole

    return str(imagenette_whole(folder / "data")) if source == IMAGENETTE else source


def _describe(plan: Plan, step: Any) -> Step:
    facts = {"run": plan.run, "seed": plan.seed, "level": step.level, "levels": step.levels, "found": step.found}
    where = f"{plan.run}, seed {plan.seed}, level {step.level} of {step.levels}"
    if epoch := step.epoch:
        done = step.level + epoch.epoch / epoch.epochs
        return Step(facts | vars(epoch), f"{where}: {epoch.text}", done, step.levels + 1)
    return Step(facts, f"{where}: {'found' if step.found else 'done'}", step.level + 1, step.levels + 1, lasting=True)


PROTOCOLS.register(
    "merkle",
    "Less is More",
    "Prune half of each convolution, fine-tune, repeat: accuracy and heatmaps at compression rates 1 to 64.",
    "Merkle et al.",
)(Protocol(run, RunOptions, show, ShowOptions))
