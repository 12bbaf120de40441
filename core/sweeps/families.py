"""The families of a sweep: the networks of one model and seed that are pruned in one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas

from core.base.errors import BadSpec
from core.specs import VariantSpec
from core.sweeps.read import LABEL, check_heatmap, frame
from core.sweeps.spec import DENSE, SweepSpec
from core.sweeps.sweep import Sweep

FAMILY = ["schedule", "granularity", "scope", "criterion"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The networks of one family, and their reference: a row for each network and image."""

    rows: pandas.DataFrame
    reference: pandas.DataFrame


def first_of(spec: SweepSpec) -> dict[str, VariantSpec]:
    """Return the first network of each family that a sweep asks about, by the name that `families`
    gives it. Nothing is read.
    """
    found: dict[str, dict[str, VariantSpec]] = {}
    for variant in (each for model in spec.models for each in spec.variants(model)):
        pruning = variant.pruning
        if pruning.schedule == "none" or pruning.level == 0:
            continue
        ranking = (pruning.granularity, pruning.scope, pruning.criterion) if pruning.is_one_shot else ()
        name = " ".join((variant.model.key, pruning.schedule, *ranking))
        found.setdefault(name, {}).setdefault(pruning.family, variant)
    return {
        name if len(ways) == 1 else f"{name} ({way})": variant
        for name, ways in found.items()
        for way, variant in ways.items()
    }


def families(sweep: Sweep, measures: Sequence[str], heatmap: str = "", label: int | None = None) -> dict[str, Family]:
    """Return the families of a sweep with the rows of one heatmap.

    Args:
        heatmap: by default the first one that is done. label: only images of this class; by default
            all.
    Raises:
        BadSpec: the reference is not among the sweep's networks that are done, or no network has
        all measures. UnknownName.
    """
    wanted = (*measures, *([] if label is None else [LABEL]))
    rows = frame(sweep, wanted, complete=True)
    if rows.empty and not frame(sweep, wanted).empty:
        raise BadSpec(
            f"No network has all of these measures yet: {', '.join(wanted)}.",
            "All measures are compared on the same images.",
            "Run the sweep, or name other measures.",
        )
    if label is not None:
        rows = rows[rows[LABEL] == label]
    if heatmap:
        check_heatmap(sweep, heatmap)
    done = [cam.method for cam in sweep.spec.cams if (rows.heatmap == cam.method).any()]
    rows = rows[rows.heatmap == (heatmap or next(iter(done), ""))]
    rows = rows.drop_duplicates(["network", "image"])  # a method may be asked for several layers
    pruned_by = {variant.key: variant.pruning.family for variant in sweep.variants}
    found = {}
    for model in sweep.spec.models:
        own = rows[(rows.model == model.name) & (rows.weights == model.weights) & (rows.seed == model.seed)]
        is_dense = (own.schedule == "none") | (own.level == 0)
        asked = sweep.spec.reference_of(model)
        reference = own[is_dense] if sweep.spec.reference == DENSE else rows[rows.network == asked.key]
        if reference.empty:
            raise BadSpec(
                f"The reference {asked.key} is not among the networks that are done.",
                "Every network is compared with it, image by image.",
                "Add it to the sweep's prunings, and run the sweep.",
            )
        for family, some in own[~is_dense].groupby(FAMILY, observed=True, sort=False):
            name = " ".join(filter(None, (model.key, *map(str, family))))
            parts = dict(iter(some.groupby(some.network.map(pruned_by).astype(str), sort=False)))
            for way, part in parts.items():  # they may differ in seeds, excluded layers or repair
                found[name if len(parts) == 1 else f"{name} ({way})"] = Family(rows=part, reference=reference)
    return found
