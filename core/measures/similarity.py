"""Similarity of two maps of the same image: saliency maps (N, h, w) at the target layer's cells, or
heatmaps (N, H, W).

All measures ignore the scale of a map: correlations, cosine and ranks by definition, and for SSIM
and soft IoU each map is first divided by its largest value. The maximum of heatmaps is already 1;
that of raw saliency maps is not.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from core.measures.base import MEASURES, constant, not_finite, undefined, zero
from core.measures.overlap import jaccard_of_top, soft_iou

WINDOW = 7  # side of SSIM's window, in cells or pixels


@MEASURES.register(
    "pearson",
    "Pearson correlation",
    "Whether the two maps are bright and dark in the same places: 1 means the same pattern, 0 none in common, -1 the "
    "opposite.",
    "Pearson 1895",
    group="similarity",
    range="-1 to 1",
)
def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation over the cells, (N,). Undefined (NaN) where either map is constant."""
    return _pearson(a.flatten(1).double(), b.flatten(1).double())


@MEASURES.register(
    "spearman",
    "Spearman correlation",
    "Whether the two maps rank the places alike, from least to most important, however strong the differences are.",
    "Spearman 1904; Adebayo et al. 2018 for saliency maps",
    group="similarity",
    range="-1 to 1",
)
def spearman(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of the ranks, (N,); equal values share their average rank.

    Undefined (NaN) for a constant map.
    """
    flat_a, flat_b = a.flatten(1), b.flatten(1)
    return undefined(_pearson(_ranks(flat_a), _ranks(flat_b)), not_finite(flat_a, flat_b))


@MEASURES.register(
    "cosine",
    "Cosine similarity",
    "The cosine of the angle between the two maps as vectors: 1 means the same map up to its strength, 0 nothing in "
    "common.",
    "Salton and McGill 1983",
    group="similarity",
    range="0 to 1",
)
def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Inner product over the product of the lengths, (N,).

    Undefined (NaN) where either map is zero everywhere.
    """
    a, b = _peak_to_one(a.flatten(1).double()), _peak_to_one(b.flatten(1).double())
    value = (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1))
    return undefined(value.clamp(-1, 1), zero(a) | zero(b) | not_finite(a, b))


@MEASURES.register(
    "ssim",
    "SSIM",
    "Whether small neighbourhoods are alike in brightness, contrast and pattern: 1 means the same picture.",
    "Wang et al. 2004, Eq. 13",
    group="similarity",
    range="-1 to 1",
)
def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity over all 7 x 7 windows inside the map, data range 1, (N,).

    Undefined (NaN) for maps smaller than the window, and where either map is empty.
    Differs from the paper: equal weights within a window and the sample covariance, the defaults of
    scikit-image.
    """
    flat_a, flat_b = a.flatten(1), b.flatten(1)
    nowhere = zero(flat_a) | zero(flat_b) | not_finite(flat_a, flat_b)
    if min(a.shape[1:]) < WINDOW or len(a) == 0:
        return undefined(flat_a.sum(dim=1), torch.ones_like(nowhere))
    x = _peak_to_one(flat_a.double()).view(a.shape)
    y = _peak_to_one(flat_b.double()).view(b.shape)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    sample = WINDOW**2 / (WINDOW**2 - 1)
    var_x = sample * (_window_mean(x * x) - mean_x**2)
    var_y = sample * (_window_mean(y * y) - mean_y**2)
    covariance = sample * (_window_mean(x * y) - mean_x * mean_y)
    c1, c2 = 0.01**2, 0.03**2
    values = (2 * mean_x * mean_y + c1) * (2 * covariance + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return undefined(values.mean(dim=(1, 2)), nowhere)


@MEASURES.register(
    "soft-iou-of-maps",
    "Soft IoU of the two maps",
    "How much the two highlighted areas coincide, each map at its full strength: 0 means not at all, 1 the same map.",
    "Lukkien, Eq. 2.7: sum(min) / sum(max)",
    group="similarity",
    range="0 to 1",
)
def soft_iou_of_maps(a: Tensor, b: Tensor) -> Tensor:
    """Soft IoU of two maps, each divided by its largest value, (N,).

    Undefined (NaN) where either map is empty.
    """
    flat_a, flat_b = a.flatten(1), b.flatten(1)
    return undefined(soft_iou(_peak_to_one(flat_a), _peak_to_one(flat_b)), zero(flat_a) | zero(flat_b))


@MEASURES.register(
    "iou-top-p-of-maps",
    "IoU at top p of the two maps",
    "Jaccard index of the brightest tenth of the places of each map.",
    "Jaccard 1901; share p as in Merkle et al.'s occlusion maps",
    group="similarity",
    range="0 to 1",
)
def iou_top_p_of_maps(a: Tensor, b: Tensor) -> Tensor:
    """IoU at top 10 % of two maps, (N,).

    Undefined (NaN) where either is constant or has fewer than ten cells.
    """
    flat_a, flat_b = a.flatten(1), b.flatten(1)
    return undefined(jaccard_of_top(flat_a, flat_b), constant(flat_a) | constant(flat_b) | not_finite(flat_a, flat_b))


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    """Return the correlation of flat maps (N, n) in float64; NaN for constant maps and maps that
    are not finite.
    """
    nowhere = constant(a) | constant(b) | not_finite(a, b)
    a, b = (_peak_to_one(flat - flat.mean(dim=1, keepdim=True)) for flat in (a, b))
    value = (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1))
    return undefined(value.clamp(-1, 1), nowhere)


def _ranks(flat: Tensor) -> Tensor:
    """Return ranks from 1 within each flat map (N, n), float64; equal values share the average of
    their ranks.
    """
    ordered = flat.sort(dim=1).values
    below = torch.searchsorted(ordered, flat.contiguous(), right=False)
    up_to = torch.searchsorted(ordered, flat.contiguous(), right=True)
    return (below + up_to + 1).double() / 2


def _peak_to_one(flat: Tensor) -> Tensor:
    """Divide each flat map (N, n) by its largest magnitude, so that squares of tiny values do not
    underflow; zero stays zero.
    """
    peak = flat.abs().amax(dim=1, keepdim=True)
    return flat / torch.where(peak == 0, 1.0, peak)


def _window_mean(maps: Tensor) -> Tensor:
    return functional.avg_pool2d(maps[:, None], WINDOW, stride=1)[:, 0]
