"""Read the answers of a sweep: one frame with a row an image, or a mean a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas

from core.evaluation.columns import AGAINST_TRUTH, needs
from core.stats.bootstrap import mean_interval
from core.stats.intervals import wilson
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Cell

NETWORK = ("network", "model", "weights", "seed", "schedule", "granularity", "scope", "criterion", "level", "sparsity")
HEATMAP = ("heatmap", "layer", "target")


def frame(sweep: Sweep, columns: Sequence[str] = ()) -> pandas.DataFrame:
    """Return the rows of all networks that are done: one for every image and heatmap.

    Args:
        columns: measures to read; defaults to all of the sweep.
    Returns:
        columns NETWORK, HEATMAP, "image", "predicted", and the measures. The network's columns are
        categories: they take little memory.
    """
    wanted = tuple(columns) or sweep.spec.measures
    parts = [_named(cell, rows, facts) for cell, rows, facts in _cells(sweep, wanted)]
    if not parts:
        return pandas.DataFrame(columns=[*NETWORK, *HEATMAP, "image", "predicted", *wanted])
    whole = pandas.concat(parts, ignore_index=True)
    return whole.astype(dict.fromkeys((*NETWORK[:-1], *HEATMAP), "category"))


def summary(sweep: Sweep) -> pandas.DataFrame:
    """Return a row for every network, heatmap and measure: the mean with its 95 % interval, and the
    n images for which the measure is defined.

    Shares have Wilson's interval, other means Student's t interval over the images. empty: maps
    that are zero everywhere, which score 0 against any truth.
    """
    found = []
    for cell, rows, facts in _cells(sweep, (*sweep.spec.measures, "empty")):
        head = dict(zip((*NETWORK, *HEATMAP), _names(cell, facts), strict=True))
        for name in (name for name in sweep.spec.measures if name in rows):
            empty = int(rows["empty"].sum()) if "empty" in rows and needs(name) in AGAINST_TRUTH else None
            found.append(head | {"measure": name, "images": len(rows), "empty": empty} | _mean(rows[name]))
    return pandas.DataFrame(found)


def done(sweep: Sweep) -> int:
    """Return how many networks have every answer."""
    return sum(not sweep.missing(variant) for variant in sweep.variants)


def _cells(sweep: Sweep, wanted: Sequence[str]) -> Iterator[tuple[Cell, pandas.DataFrame, dict[str, Any]]]:
    """Yield the rows of every network and heatmap: the answers beside the heatmap's measures."""
    for variant in sweep.variants:
        identity = sweep.identity(variant)
        first, *others = sweep.cells(variant)
        answers = sweep.tables.read(first, identity)
        for cell in others or [first]:
            found = sweep.tables.read(cell, identity)
            if answers is None or found is None:
                continue
            rows = answers[0] if cell == first else answers[0].merge(found[0], on="image", validate="one_to_one")
            yield (
                cell,
                rows[[name for name in dict.fromkeys(("image", "predicted", *wanted)) if name in rows]],
                found[1],
            )


def _names(cell: Cell, facts: dict[str, Any]) -> tuple[Any, ...]:
    model, pruning, cam = cell.variant.model, cell.variant.pruning, cell.cam
    ranking = (pruning.granularity, pruning.scope, pruning.criterion) if pruning.is_one_shot else ("", "", "")
    asked = (pruning.schedule, *ranking, pruning.level)
    return (
        *(cell.variant.key, model.name, model.weights, model.seed, *asked, facts["sparsity"]),
        *((cam.method, cam.layer, str(cam.target)) if cam else ("", "", "")),
    )


def _named(cell: Cell, rows: pandas.DataFrame, facts: dict[str, Any]) -> pandas.DataFrame:
    names = dict(zip((*NETWORK, *HEATMAP), _names(cell, facts), strict=True))
    return pandas.DataFrame({name: [value] * len(rows) for name, value in names.items()}).join(
        rows.reset_index(drop=True)
    )


def _mean(values: pandas.Series) -> dict[str, Any]:
    if values.dtype == bool:
        low, high = wilson(int(values.sum()), len(values))
        return {"mean": float(values.mean()), "low": low, "high": high, "n": len(values)}
    found = mean_interval(values.astype(float).to_numpy())
    return {"mean": found.value, "low": found.low, "high": found.high, "n": int(values.notna().sum())}
