"""Sentences and rows from the tables of the GoogLeNet study, for pages and reports."""

from __future__ import annotations

from typing import Any

from core.base.numbers import score
from core.models.catalogue import Catalogue
from core.models.zoo import MODELS
from core.protocols.googlenet import interpretability
from core.protocols.googlenet.protocol import CURVE_RATE, PRUNINGS
from core.protocols.googlenet.summary import methods, millions, missing, percent, silent
from core.protocols.googlenet.tables import VonradTables
from core.units.relation import Relation

INTERVALS = (
    "Interval: Wilson, 95 %, over test images. Left: not zero. Channels removed: what remains after channels without"
    " any effect are removed."
)


def network_title(model: str, catalogue: Catalogue) -> str:
    """Return the name of a network and its photographs; where only its tables are here, by its
    architecture.
    """
    architecture, _, data = model.partition("@")
    if model in catalogue:
        return catalogue[model].title
    return f"{MODELS[architecture].title}, {data}" if architecture in MODELS else model


def relation(of: Relation) -> dict[str, object]:
    """Return a row of the table."""
    return {
        "score against": interpretability.AGAINST[of.of],
        "networks": "all" if of.near_chance else "without those near chance",
        "correlation": of.name.title(),
        "value": score(of.value),
        "95 % interval": f"{score(of.low)} to {score(of.high)}",
        "n": of.n,
    }


def cells(of: dict[str, Any]) -> dict[str, object]:
    """Return a row of the table of networks."""
    return {
        "pruning": PRUNINGS[of["pruning"]].title if of["pruning"] in PRUNINGS else "dense",
        "retraining": "" if of["pruning"] == "dense" else of["retraining"],
        "accuracy": percent(of["accuracy"]),
        "correct": f"{of['correct']:,} of {of['total']:,}",
        "interval": f"{percent(of['low'])} to {percent(of['high'])}",
        "removed": percent(of["sparsity"]),
        "parameters left": millions(of["parameters_left"]),
        "multiply-adds left": millions(of["multiply_adds_left"]),
        "parameters, channels removed": millions(of["physical_parameters"]),
        "multiply-adds, channels removed": millions(of["physical_multiply_adds"]),
        "seed": of["seed"],
    }


def departures(tables: VonradTables) -> dict[str, str]:
    """Return departures from the paper, parts missing from a stopped run and networks that never
    recovered, by seed; the key "" stands for all seeds.
    """
    of_seed = {
        seed: " ".join(
            filter(None, (*tables.facts["runs"][str(seed)]["departures"], missing(tables, seed), silent(tables, seed)))
        )
        for seed in tables.seeds()
    }
    if len(set(of_seed.values())) == 1:
        return {"": next(iter(of_seed.values()))}
    return {f", seed {seed}": said for seed, said in of_seed.items()}


def origin(tables: VonradTables, seed: int, title: str) -> str:
    """Return what data is behind the figures, in Markdown. title: of the network."""
    run, dense = tables.facts["runs"][str(seed)], tables.dense(seed).iloc[0]
    seeds = tables.seeds()
    return (
        f"Our run: {title}, {run['train']:,} training, {run['validation']:,} validation and"
        f" {run['test']:,} test images, {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))} (one"
        f" network each), {dense.device}. Bars are 95 % intervals over test images, not over"
        f" seeds.{f' The sentence above is of seed {seed}.' if len(seeds) > 1 else ''}"
    )


def ours(tables: VonradTables, seed: int, title: str) -> str:
    """Return our accuracies beside the paper's findings. title: of the network."""
    rows = methods(tables)
    rows = rows[(rows.seed == seed) & (rows.retraining == "iterative")].sort_values("accuracy", ascending=False)
    if rows.empty:
        return "Our run has no network that was retrained iteratively yet."
    best = ", ".join(f"{PRUNINGS[row.pruning].title} {percent(row.accuracy)}" for row in rows.itertuples())
    return f"Our run on {title}, pruned by {percent(CURVE_RATE, 0)} and retrained iteratively, reaches: {best}."
