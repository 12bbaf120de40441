"""Calibration of the agreement of heatmaps: verdicts of two methods over many images, for pruned
networks and for networks that differ only in their training seed. Counts, not times."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from bench.measure import BENCHES
from core.base.device import describe
from core.engine.engine import Engine
from core.models.zoo import default_model, named
from core.results import ELSEWHERE_BELOW, SAME_FROM, Agreement, summarise
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec

IMAGES = 100
SPARSITIES = (0.3, 0.5, 0.7)
SERIES = ("merkle-layer", "merkle-global")  # of the retrained network that is included
SEED_LAYERS = ("relu2", "pool2")
METHODS = ("grad-cam", "grad-cam++")
Row = dict[str, Any]


@BENCHES.register(
    "agreement",
    "Agreement",
    "What two CAM methods say of 100 images: pruned networks at three sparsities, and networks of different training"
    " seeds.",
)
def agreements(engine: Engine, n: int | None) -> Row:
    """`rows` are of pruned networks, `seeds` of pairs of dense thesis CNNs (images that both give
    the same class).

    Photographs are those that SPARSIGHT_PHOTOS names, else the gallery's ten.
    """
    images = n or IMAGES
    rows = [row for variants in _pruned(engine) for row in _rows(engine, variants, images)]
    seeds = [_seeds(engine, CamSpec(method=method, layer=layer), images) for layer in SEED_LAYERS for method in METHODS]
    return {"bench": "agreement", "device": describe(engine.device), "n": images, "rows": rows, "seeds": seeds}


def _pruned(engine: Engine) -> list[tuple[VariantSpec, ...]]:
    """The included networks, each at three sparsities."""
    models = [ModelSpec(), default_model("efficientnet-lite0")]
    found = [
        tuple(VariantSpec(model=model, pruning=PruningSpec.one_shot(share)) for share in SPARSITIES) for model in models
    ]
    for name in (name for name in engine.catalogue if name.endswith("@imagenette-128")):
        for weights in SERIES:
            levels = engine.levels(ModelSpec(name=name, weights=weights, seed=0))
            found.append(tuple(levels[level][0] for level in (1, 3, 5) if level < len(levels)))
    return found


def _rows(engine: Engine, variants: Sequence[VariantSpec], most: int) -> list[Row]:
    cam = CamSpec()
    rows = []
    for variant in variants:
        images = engine.images_like(_first(engine, variant.model), variant.model, most)
        found = [engine.agreement(variant, image, cam) for image in images]
        rows.append({"variant": variant.key, "sparsity": round(engine.report(variant).sparsity, 4)} | _summary(found))
    return rows


def _first(engine: Engine, model: ModelSpec) -> ImageRef:
    """An image of the source that this network is asked about."""
    if engine.card(model).reads_digits:
        return ImageRef()
    folder = os.environ.get("SPARSIGHT_PHOTOS")
    return ImageRef(source=f"folder:{folder}", name="0") if folder else ImageRef(source="gallery", name="coffee")


def _seeds(engine: Engine, cam: CamSpec, most: int) -> Row:
    """Dense networks of two seeds on the same images, for the class that both predict."""
    seeds = [VariantSpec(model=ModelSpec(seed=seed)) for seed in named("thesis-cnn").seeds]
    answers = [
        engine.compare(other, image, replace(cam, target="own"), one)
        for image in engine.images_like(ImageRef(), ModelSpec(), most)
        for one, other in combinations(seeds, 2)
    ]
    found = [answer.agreement for answer in answers if not answer.flipped]
    return {"layer": cam.layer} | _summary(found)


def _summary(found: Sequence[Agreement]) -> Row:
    total = summarise(found)
    spread = {name: _quantiles(values) for name, values in (("first", total.values), ("second", total.second_values))}
    return {
        "methods": [found[0].method, found[0].second_method],
        "pairs": total.n,
        "verdicts": {verdict.name.lower(): count for verdict, count in total.verdicts.items()},
        "below_elsewhere": [
            _share(values, lambda value: value < ELSEWHERE_BELOW) for values in (total.values, total.second_values)
        ],
        "from_same": [
            _share(values, lambda value: value >= SAME_FROM) for values in (total.values, total.second_values)
        ],
    } | spread


def _share(values: Sequence[float], holds: Any) -> float | None:
    return round(sum(map(holds, values)) / len(values), 3) if values else None


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median, quartiles and the outer twentieths."""
    return (
        {f"q{round(100 * q):02d}": round(float(np.quantile(values, q)), 3) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
        if values
        else {}
    )
