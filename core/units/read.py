"""Read the units of the networks of a sweep: a row a network, a layer or a unit."""

from __future__ import annotations

from collections.abc import Iterator

import pandas

from core.base.errors import MissingData, UnknownName
from core.models.cards import RANDOM
from core.specs import VariantSpec
from core.units.study import UnitStudy, UnitTables
from core.units.tables import NETWORK

NAMES = ("network", "model", "weights", "seed", "schedule", "level", "sparsity", "n", "right", "tasks")


def summary(study: UnitStudy, by_layer: bool = False) -> pandas.DataFrame:
    """Return a row for every network that is measured, or for each of its layers: NAMES, the
    columns of its table.

    Raises:
        MissingData: no network is measured.
    """
    found = []
    for variant, tables in measured(study):
        rows = tables.layers[(tables.layers.layer != NETWORK) if by_layer else (tables.layers.layer == NETWORK)]
        head = named(variant, tables)
        found.append(rows.assign(**head)[[*head, *rows.columns]])
    return _together(found)


def units(study: UnitStudy, layer: str) -> pandas.DataFrame:
    """Return a row for every unit of a layer, of every network that is measured: NAMES and the
    columns of its table.

    Raises UnknownName, MissingData.
    """
    found = []
    for variant, tables in measured(study):
        layers = tables.facts["layers"]
        if layer not in layers:
            raise UnknownName("convolution", layer, layers)
        rows = tables.units[tables.units.layer == layers.index(layer)].drop(columns="layer")
        head = named(variant, tables)
        found.append(rows.assign(**head)[[*head, *rows.columns]])
    return _together(found)


def _together(found: list[pandas.DataFrame]) -> pandas.DataFrame:
    if not found:
        raise MissingData(
            "The units of no network of this sweep are measured yet.", "", "Run `python -m core units run FILE`."
        )
    return pandas.concat(found, ignore_index=True)


def joined(rows: pandas.DataFrame, study: UnitStudy) -> pandas.DataFrame:
    """Return rows of the sweep with the network's columns beside each, NaN where they are not
    measured: "share-dead", and for every judge "mis-", "corrected-mis-" (minus that of the
    untrained network) and "weighted-mis-" (by relevance).

    Raises MissingData: no network is measured.
    """
    found = summary(study)
    columns = {"network": found.network, "share-dead": found.dead / found.units}
    for name in study.options.similarities:
        untrained = found[found.weights == RANDOM].set_index("model")[f"mis-{name}"]
        columns |= {
            f"mis-{name}": found[f"mis-{name}"],
            f"corrected-mis-{name}": found[f"mis-{name}"] - found.model.map(untrained),
            f"weighted-mis-{name}": found[f"weighted-{name}"],
        }
    return rows.astype({"network": str}).merge(pandas.DataFrame(columns), on="network", how="left", validate="m:1")


def measured(study: UnitStudy) -> Iterator[tuple[VariantSpec, UnitTables]]:
    """Yield the networks whose tables are there and of now."""
    for variant in study.variants:
        tables = study.read(variant)
        if tables is not None:
            yield variant, tables


def named(variant: VariantSpec, tables: UnitTables) -> dict[str, object]:
    """Return what names a network, and what it was measured on: n images, of which it classifies
    `right` correctly, and tasks of a unit.
    """
    model, pruning = variant.model, variant.pruning
    values = (variant.key, model.name, model.weights, model.seed, pruning.schedule, pruning.level)
    return dict(zip(NAMES, (*values, *(tables.facts[name] for name in NAMES[len(values) :])), strict=True))
