"""From exemplars and embeddings to rows: the numbers of a layer's units, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas
import torch
from torch import Tensor

from core.base.draws import torch_generator
from core.units.exemplars import Exemplars, Found
from core.units.layers import UnitLayer
from core.units.meaning import SHOWN, mean_exemplars, meaning, overlap
from core.units.score import bootstrap, confidence, differences, draw_tasks, right

DIGITS = 6  # of means
NETWORK = ""  # the layer of the row of the whole network
MEANINGS = ("clarity", "redundancy", "polysemanticity")  # by the first judge
BESIDE = ("overlap", "alike")  # with the dense network's unit
Judges = dict[str, Tensor]  # embeddings (n, d) of the images, by similarity
Confidences = dict[str, np.ndarray]  # of the tasks of living units (k, tasks), by similarity


def of_layer(found: Exemplars, layer: str, judges: Judges, seed: int) -> tuple[dict[str, Tensor], Confidences]:
    """Return the columns of one layer's units, (K,) each, and the confidence of the tasks of
    the living ones.
    """
    dead = found.dead
    columns = {
        "dead": dead,
        "low": found.low,
        "high": found.high,
        "strongest_ties": found.strongest_ties.int(),
        "weakest_ties": found.weakest_ties.int(),
    }
    tasks = draw_tasks(found.strongest, found.weakest, seed, layer)
    by_chance = draw_tasks(*_shuffled(found, len(next(iter(judges.values()))), seed, layer), seed, layer)
    sure = {}
    for name, vectors in judges.items():
        answers = differences(tasks, vectors)
        sure[name] = confidence(answers)[~dead].numpy()
        columns[f"mis-{name}"] = confidence(answers).mean(1).masked_fill(dead, torch.nan)
        columns[f"right-{name}"] = right(answers).mean(1).masked_fill(dead, torch.nan)
        chance = confidence(differences(by_chance, vectors)).mean(1)
        columns[f"shuffled-{name}"] = chance.masked_fill(dead, torch.nan)
    meant = meaning(found.strongest, next(iter(judges.values())))
    columns |= {name: getattr(meant, name).masked_fill(dead, torch.nan) for name in MEANINGS}
    return columns, sure


def summary(layer: str, units: pandas.DataFrame, sure: Confidences, *purpose: object) -> dict[str, Any]:
    """Return the row of a layer, or of the network: means over its living units.

    Args:
        units: with the columns of `of_layer` and "relevance". purpose: of the seeded draws of
            intervals.
    """
    row: dict[str, Any] = {"layer": layer, "units": len(units), "dead": int(units.dead.sum())}
    for name, values in sure.items():
        low, high = bootstrap(values, *purpose, layer, name)
        weights = units.relevance.where(~units.dead, 0.0)
        mis = units[f"mis-{name}"]
        weighted = float((mis.fillna(0) * weights).sum() / weights.sum()) if weights.sum() > 0 else float("nan")
        row |= {
            f"mis-{name}": float(mis.mean()),
            f"low-{name}": low,
            f"high-{name}": high,
            f"right-{name}": float(units[f"right-{name}"].mean()),
            f"shuffled-{name}": float(units[f"shuffled-{name}"].mean()),
            f"weighted-{name}": weighted,
        }
    row |= {name: float(units[name].mean()) for name in (*MEANINGS, *BESIDE) if name in units}
    return {name: round(value, DIGITS) if isinstance(value, float) else value for name, value in row.items()}


def _shuffled(found: Exemplars, images: int, *purpose: object) -> tuple[Tensor, Tensor]:
    """Return as many images a side, drawn at random for each unit."""
    units, depth = found.strongest.shape
    generator = torch_generator("shuffled-exemplars", *purpose)
    drawn = torch.stack([torch.randperm(images, generator=generator)[: 2 * depth] for _ in range(units)])
    return drawn[:, :depth], drawn[:, depth:]


def beside_dense(strongest: Tensor, dense: Tensor, judges: Judges) -> dict[str, Tensor]:
    """Return how much is left of what the dense network's units mean, (K,) each.

    Args:
        strongest, dense: (K, depth) images.
    """
    vectors = next(iter(judges.values()))
    alike = (mean_exemplars(strongest, vectors) * mean_exemplars(dense, vectors)).sum(1)
    return {"overlap": overlap(strongest, dense), "alike": alike}


def shown_rows(found: Found, layers: Sequence[UnitLayer]) -> pandas.DataFrame:
    """Return a row for every unit and rank: its strongest and weakest images, as rows of the data
    set.
    """
    parts = []
    for place, layer in enumerate(layers):
        one = found.exemplars[layer.name]
        ranks = min(SHOWN, one.strongest.shape[1])
        columns = {
            "layer": np.int16(place),
            "unit": np.repeat(np.arange(layer.units, dtype=np.int16), ranks),
            "rank": np.tile(np.arange(ranks, dtype=np.int8), layer.units),
        }
        for side in ("strongest", "weakest"):
            columns[side] = found.rows[getattr(one, side)[:, :ranks]].flatten().numpy().astype(np.int32)
            columns[f"{side}_value"] = getattr(one, f"{side}_values")[:, :ranks].flatten().numpy()
        parts.append(pandas.DataFrame(columns))
    return pandas.concat(parts, ignore_index=True)
