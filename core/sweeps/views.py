"""The sweep of one view: its network, pruned to every amount of its curve, over a data set."""

from __future__ import annotations

from core.engine.amounts import thinned
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, PruningSpec, VariantSpec, n_of_m
from core.sweeps.spec import ANSWERS, DENSE, SweepSpec

OF_MAPS = ("empty", "pearson")
OF_TRUTH = ("soft-iou", "energy-inside", "pointing-game")
MEASURES = (*ANSWERS, *OF_MAPS, *OF_TRUTH)
BASELINE = "centre-blob"  # costs no pass, and knows neither network nor picture


def of_view(
    engine: Engine,
    variant: VariantSpec,
    cam: CamSpec,
    data: DataSpec,
    images: int | None,
    reference: VariantSpec | None = None,
) -> SweepSpec:
    """Return the sweep that asks about many images what a view asks about one.

    Args:
        variant: its amount does not matter. images: how many; all if the data set has no more, or
            if None. reference: what every network is compared with; the dense one if None.
    Raises:
        as `Engine.inputs`.
    """
    inputs = engine.inputs(data, variant.model)
    prunings = [one.pruning for one in thinned(engine.series(variant))]
    fixed = [PruningSpec()] if n_of_m(variant.pruning.granularity) and variant.pruning.is_one_shot else []
    return SweepSpec(
        models=(variant.model,),
        prunings=(*fixed, *prunings),
        data=data,
        images=images if images is not None and images < len(inputs) else None,
        cams=(cam, CamSpec(method=BASELINE, layer=cam.layer, target=cam.target)),
        reference=DENSE if reference in (None, variant.dense) else reference,
        measures=MEASURES if inputs.has_truth else (*ANSWERS, *OF_MAPS),
    )
