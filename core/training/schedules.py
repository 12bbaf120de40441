"""Iterative pruning with weight reset, between runs of the training loop."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from core.pruning.mask import Mask
from core.pruning.select import openlth_threshold_mask


def next_level_mask(trained: Mapping[str, Tensor], mask: Mapping[str, Tensor], share: float = 0.2) -> Mask:
    """Returns the mask of the next level: one global magnitude threshold over the remaining trained
    weights (OpenLTH's k + 1 rule).

    Args:
        trained: weights of this level by name. mask: of this level. share: of the remaining weights
            to remove.
    """
    scores = {name: trained[name].abs() for name in mask}
    flat_scores = torch.cat([values.flatten() for values in scores.values()])
    flat_alive = torch.cat([kept.flatten() for kept in mask.values()])
    kept = openlth_threshold_mask(flat_scores, flat_alive, share)
    parts = kept.split([values.numel() for values in mask.values()])
    return {name: part.view(mask[name].shape) for name, part in zip(mask, parts, strict=True)}
