"""Exact number and choice of the weights to remove."""

from __future__ import annotations

import math
from collections.abc import Collection
from decimal import ROUND_HALF_UP, Decimal

import torch
from torch import Tensor

from core.base.errors import BadSpec, UnknownName


def count_to_remove(sparsity: float, total: int) -> int:
    """Return round(sparsity x total), halves up, computed in decimals so that 0.3 is three tenths
    and not 0.29999.
    """
    return int((Decimal(str(sparsity)) * total).to_integral_value(ROUND_HALF_UP))


def check_layers(prunable: Collection[str], excluded: Collection[str], by_hand: Collection[str] = ()) -> None:
    """Check names of layers.

    Raises:
        UnknownName: a name is not a prunable weight; the message gives the nearest one. BadSpec:
        every layer is excluded.
    """
    for name in (*excluded, *by_hand):
        if name not in prunable:
            raise UnknownName("prunable weight", name, prunable)
    if prunable and set(prunable) <= set(excluded):
        raise BadSpec(
            "Every layer is excluded.",
            "Pruning needs at least one layer.",
            "Remove a layer from the list.",
        )


def openlth_threshold_mask(scores: Tensor, alive: Tensor, share: float = 0.2) -> Tensor:
    """Return the mask of one pruning step by OpenLTH's rule, which removes one weight more than
    requested.

    The threshold is the k-th smallest score (counted from 0) among the weights still alive, k =
    ceil(share x alive); weights strictly above it are kept, so k + 1 weights are removed if no
    scores tie.

    Args:
        scores: (n,) importance, higher = kept.
        alive: (n,) bool, weights not removed before.
        share: share of the alive weights to remove in this step.

    Returns:
        (n,) bool, True = kept; a subset of `alive`. All False if too few are left for a threshold.

    Source: open_lth, pruning/sparse_global.py (Frankle, 2020).
    """
    living = scores[alive]
    k = math.ceil(Decimal(str(share)) * len(living))
    if k >= len(living):
        return torch.zeros_like(alive)
    return alive & (scores > living.sort().values[k])
