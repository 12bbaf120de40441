"""Where a unit fires: its map over single images, and the weights that it has left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.saliency.capture import evaluating
from core.specs import VariantSpec
from core.units.exemplars import hooked
from core.units.study import UnitStudy


def firing_maps(
    study: UnitStudy, variant: VariantSpec, layer: str, unit: int, rows: Sequence[int]
) -> list[NDArray[np.float32]]:
    """Return the unit's map for each image, after a ReLU, (h, w) each, divided by the largest value
    among them; zeros if it is nowhere above 0.

    Args:
        rows: images of the data set; one that cannot be read has no map.
    Raises as `UnitStudy.run`.
    """
    (found,) = [one for one in study.layers(variant.model) if one.name == layer]
    order = torch.tensor(sorted(set(rows)))
    kept: list[Tensor] = []
    known: dict[int, Tensor] = {}

    def keep(module: object, given: object, answer: Tensor) -> None:
        kept[:] = [answer[:, unit].relu().float().cpu()]

    with study.sweep.engine.store.borrow(variant) as network:
        dtype = next(network.parameters()).dtype
        with evaluating(network), hooked(network, {found.read: keep}), torch.no_grad():
            for batch in study.sweep.batches(variant.model).batches(rows=order):
                network(batch.images.to(dtype))
                known |= dict(zip(batch.rows.tolist(), kept[0], strict=True))
    peak = max((float(one.max()) for one in known.values()), default=0.0)
    return [(known[row] / (peak or 1.0)).numpy() for row in rows if row in known]


def weights_left(study: UnitStudy, variant: VariantSpec, layer: str, unit: int) -> tuple[int, int]:
    """Return how many of the unit's weights are not 0, and how many it has. Raises as
    `UnitStudy.run`.
    """
    with study.sweep.engine.store.borrow(variant) as network:
        own = network.get_parameter(f"{layer}.weight")[unit]
        return int(own.count_nonzero()), own.numel()
