"""`python -m core protocol run | show googlenet`: the study from photographs to tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.base.errors import MissingData
from core.base.options import option
from core.protocols.photographs import PhotoOptions, decoded
from core.protocols.registry import PROTOCOLS, Protocol, Step

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.protocols.googlenet.protocol import Plan, Series
    from core.protocols.googlenet.tables import VonradTables
    from core.protocols.googlenet.units import Scoring


@dataclass(frozen=True, kw_only=True)
class RunOptions(PhotoOptions):
    """Options of a run. The defaults are as published, where known."""

    model: str = option("googlenet", "The network: a CNN of torchvision, or efficientnet-lite0.")
    epochs: int | None = option(None, "Maximum epochs per level. By default 60.")
    sparsities: tuple[float, ...] = option((0.3, 0.5, 0.7, 0.8, 0.89, 0.95), "Sparsities of the levels.")
    prunings: tuple[str, ...] = option(
        ("unstructured", "filters", "connections"), "Prunings: unstructured, filters, connections, input-channels."
    )
    dense_epochs: int | None = option(None, "Maximum epochs of the dense network. By default as --epochs.")
    curve_epochs: int | None = option(None, "Epochs after one-shot pruning by 89 %. By default as --epochs.")
    every: int = option(1, "Train levels after the dense one on every n-th training image only; 1 for all.")
    optimiser: str = option("sgd", "sgd or adamw.")
    training_precision: str = option("float32", "float32, bfloat16, or auto: bfloat16 on a GPU, float32 on the CPU.")
    units: int = option(0, "Score the single units of every network on this many test images. By default not.")
    unit_layers: tuple[str, ...] = option(
        (), "Convolutions whose units are scored, patterns such as inception*.branch1.conv too. By default all."
    )
    similarities: tuple[str, ...] = option(
        ("efficientnet-lite1", "pixels"), "Who judges how similar images are; docs/reference.md lists them."
    )


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Options for showing results."""

    model: str | None = option(
        None, "A network and its data, such as squeezenet1_1@imagenette-128. By default the first one."
    )


def run(engine: Engine, options: RunOptions) -> Iterator[Step]:
    """Train and evaluate, ending with the tables."""
    from core.protocols.googlenet import tables as googlenet_tables
    from core.protocols.googlenet import units as googlenet_units
    from core.protocols.googlenet.protocol import check
    from core.training.material import load, photographs

    plans, scoring = [_plan(options, seed) for seed in options.seeds], _scoring(options)
    photos, held_out = photographs({"photographs": options.data, "held_out": options.held_out, "folder": engine.folder})
    check(plans[0], tuple(photos.classes))
    if scoring is not None:
        googlenet_units.check(plans[0], scoring, tuple(photos.classes))
    yield Step({"stage": "decoding", "photographs": len(photos)}, f"decoding {len(photos):,} photographs")
    images = yield from decoded(load(photos, plans[0].backbone.rule, engine.folder, held_out))
    if scoring is not None:
        googlenet_units.check_images(scoring, images.test)
    weights = options.weights(plans[0].architecture, engine)
    for plan in plans:
        for series, step in googlenet_tables.study(plan, images, weights, engine):
            yield _describe(series, plan.seed, step)
        if scoring is not None:
            for scored in googlenet_units.score_units(plan, images.test, engine, scoring):
                yield _scored(scored)
    yield _tables(googlenet_tables.load([engine.folder], plans[0].model))


def show(engine: Engine, options: ShowOptions) -> Iterator[Step]:
    """Show the tables of a study that was run on this machine, or of the included one."""
    from core.protocols.googlenet import tables as googlenet_tables

    stored = [name for root in engine.roots for name in googlenet_tables.found([root])]  # own ones first
    yield _tables(googlenet_tables.load(engine.roots, options.model or (stored[0] if stored else "any model")))


def _tables(tables: VonradTables) -> Step:
    from core.protocols.googlenet import interpretability
    from core.protocols.googlenet.published import FINDINGS, REFERENCE, UNKNOWN
    from core.protocols.googlenet.summary import text

    published = {"reference": REFERENCE, "findings": FINDINGS, "unknown": UNKNOWN}
    frames = {
        name: json.loads(getattr(tables, name).to_json(orient="records", double_precision=15))
        for name in ("levels", "epochs")
    }
    found = {"model": tables.model, "facts": tables.facts, "published": published} | frames
    return Step(found | interpretability.facts(tables), [text(tables), *interpretability.parts(tables)])


def _plan(options: RunOptions, seed: int) -> Plan:
    from core.models.head import data_name
    from core.protocols.googlenet.protocol import Plan

    if not options.data:
        raise MissingData(
            "No photographs are given.",
            "The study used ImageNet, which is not freely available; any folder of photographs with a folder for each "
            "class works.",
            "Add --data FOLDER.",
        )
    limit = options.epochs
    return Plan(
        architecture=options.model,
        data=data_name(options.data_name or options.data),
        size_px=options.size_px,
        rates=tuple(sorted(set(options.sparsities))),
        prunings=options.prunings,
        seed=seed,
        epochs=limit,
        every=options.every,
        optimiser=options.optimiser,
        dense_epochs=limit if options.dense_epochs is None else options.dense_epochs,
        curve_epochs=limit if options.curve_epochs is None else options.curve_epochs,
        start=options.start,
        normalise=options.normalise,
        precision=options.training_precision,
        weights=Path(options.weights_file).name,
    )


def _scoring(options: RunOptions) -> Scoring | None:
    """Return what is scored of units; None for nothing. Raises BadSpec."""
    from core.protocols.googlenet.units import Scoring
    from core.specs import whole

    images = whole(options.units, "number of images to score units on")
    return (
        Scoring(images=images, layers=options.unit_layers, similarities=tuple(options.similarities)) if images else None
    )


def _scored(step: Any) -> Step:
    network, done, networks = step.variant.key, step.done, step.networks
    facts = {"stage": "units", "network": network, "done": done, "networks": networks, "found": step.found}
    text = f"units of {network}: " + ("found" if step.found else f"{step.seconds:.1f} s")
    return Step(facts, text, done, networks, lasting=True)


def _describe(series: Series, seed: int, step: Any) -> Step:
    spec = series.spec
    name, rate, levels = spec.name, spec.targets[step.level], len(spec.targets)
    facts = {"run": name, "seed": seed, "level": step.level, "rate": rate, "found": step.found}
    where = f"{name}, seed {seed}, {100 * rate:g} %"
    if epoch := step.epoch:
        facts |= {key: getattr(epoch, key) for key in ("epoch", "epochs", "loss", "correct", "total")}
        return Step(facts, f"{where}: {epoch.text}", step.level + epoch.epoch / epoch.epochs, levels)
    return Step(
        facts, f"{where}: {'found' if step.found else 'trained and evaluated'}", step.level + 1, levels, lasting=True
    )


PROTOCOLS.register(
    "googlenet",
    "The GoogLeNet study",
    "Three ways to prune GoogLeNet, without retraining, one-shot and iteratively: accuracy, cost, interpretability.",
    "von Rad and Seuffert",
)(Protocol(run, RunOptions, show, ShowOptions, alias="vonrad"))
