"""Statistics of a single map: (N, H, W) heatmaps or (N, h, w) saliency maps."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.measures.base import MEASURES, not_finite, undefined, zero


@MEASURES.register(
    "mean",
    "Mean",
    "The average brightness of the map: how much of the picture is highlighted.",
    "Lukkien: mean of the heatmaps",
    group="map",
    range="0 to 1",
)
def mean(maps: Tensor) -> Tensor:
    """Arithmetic mean, (N,)."""
    flat = maps.flatten(1)
    return undefined(flat.mean(dim=1), not_finite(flat))


@MEASURES.register(
    "std",
    "Standard deviation",
    "How much bright and dark places of the map differ: 0 means the same everywhere.",
    "Lukkien: standard deviation of the heatmaps",
    group="map",
    range="0 to 0.5",
)
def std(maps: Tensor) -> Tensor:
    """Population standard deviation (divided by n), (N,)."""
    flat = maps.flatten(1)
    return undefined((flat - flat.mean(dim=1, keepdim=True)).square().mean(dim=1).sqrt(), not_finite(flat))


@MEASURES.register(
    "zero-share",
    "Share of zeros",
    "The share of the picture that is not highlighted at all.",
    "Weber et al.: non-zero cells, as its complement",
    group="map",
    range="0 to 1",
)
def zero_share(maps: Tensor) -> Tensor:
    """Share of values that are exactly 0, (N,)."""
    flat = maps.flatten(1)
    return undefined((flat == 0).float().mean(dim=1), not_finite(flat))


@MEASURES.register(
    "gini",
    "Gini index",
    "How concentrated the map is: near 0 it is spread evenly over the picture, near 1 it is a single spot.",
    "Hurley and Rickard 2009, Table I; Chalasani et al. 2020 for explanations",
    group="map",
    range="0 to 1",
)
def gini(maps: Tensor) -> Tensor:
    """Gini index of the values (not negative), (N,). Undefined (NaN) for a zero map."""
    flat = maps.flatten(1)
    n = flat.shape[1]
    ordered = flat.double().sort(dim=1).values
    places = 2 * torch.arange(1, n + 1, dtype=torch.float64, device=flat.device) - n - 1
    value = (ordered * places).sum(dim=1) / (n * ordered.sum(dim=1))
    return undefined(value, zero(flat) | not_finite(flat))


@MEASURES.register(
    "entropy",
    "Entropy",
    "How widely the map is spread: 1 means evenly over the whole picture, 0 a single spot.",
    "Shannon 1948, of the map divided by its sum; divided by that of an even map",
    group="map",
    range="0 to 1",
)
def entropy(maps: Tensor) -> Tensor:
    """Entropy of the values (not negative) as shares of their sum, over log n, (N,).

    Undefined (NaN) for a zero map, and for a map of a single value.
    """
    flat = maps.flatten(1)
    shares = flat.double() / flat.double().sum(dim=1, keepdim=True)
    value = -torch.special.xlogy(shares, shares).sum(dim=1) / math.log(max(flat.shape[1], 2))
    return undefined(value, zero(flat) | not_finite(flat) | torch.full_like(zero(flat), flat.shape[1] < 2))
