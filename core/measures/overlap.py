"""Overlap of a heatmap with the object: heatmaps (N, H, W) against the clean grey image's ink (N,
H, W), all in [0, 1].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.measures.base import MEASURES, constant, not_finite, undefined, unordered, zero
from core.specs import exact_share

TOP_SHARE = 0.10
CHUNK = 256  # maps at a time, so that intermediate results stay in the processor's cache


@MEASURES.register(
    "soft-iou",
    "Soft IoU",
    "How much the highlighted area and the ink coincide, brightness included: 0 means not at all, 1 the same picture.",
    "Lukkien, Eq. 2.7: sum(min) / sum(max)",
    group="overlap",
    range="0 to 1",
)
def soft_iou(maps: Tensor, truth: Tensor) -> Tensor:
    """Sum of the pixelwise minimum over the sum of the pixelwise maximum, (N,).

    An empty map scores 0, as in the thesis. Undefined (NaN) where both are zero everywhere. Differs
    from the paper: the thesis prints no sums in Eq. 2.8; this reading reproduces its numbers.
    """
    a, b = maps.flatten(1), truth.flatten(1)
    pairs = zip(a.split(CHUNK), b.split(CHUNK), strict=True)
    both = torch.cat([torch.minimum(x, y).sum(dim=1) for x, y in pairs]) if len(a) else a.sum(dim=1)
    either = a.sum(dim=1) + b.sum(dim=1) - both  # min + max of two numbers is their sum
    return undefined(both / either, (either == 0) | not_finite(a, b))


@MEASURES.register(
    "iou-top-p",
    "IoU at top p",
    "Jaccard index of the brightest tenth of the heatmap and the brightest tenth of the image.",
    "Jaccard 1901; share p as in Merkle et al.'s occlusion maps",
    group="overlap",
    range="0 to 1",
    truth="ink",
)
def iou_top_p(maps: Tensor, truth: Tensor, p: float = TOP_SHARE) -> Tensor:
    """Jaccard index of the top p share of pixels of each, (N,).

    Args:
        p: share of pixels; k = floor(p x n) of them are kept, ties by position.

    An empty map scores 0. Undefined (NaN) if the map has the same nonzero value everywhere, if the
    truth is constant, and if k is 0.
    """
    a, b = maps.flatten(1), truth.flatten(1)
    return undefined(jaccard_of_top(a, b, p).masked_fill(zero(a), 0), unordered(a) | constant(b) | not_finite(a, b))


def jaccard_of_top(a: Tensor, b: Tensor, p: float = TOP_SHARE) -> Tensor:
    """Return the Jaccard index of the top p share of two flat maps (N, n), whatever their values;
    NaN if that share is no pixel.
    """
    count = math.floor(exact_share(p, "top share") * a.shape[1] + 1e-9)  # 0.29 * 100 is 28.999999999999996
    if count == 0:
        return torch.full_like(a[:, :0].sum(dim=1), torch.nan)
    both = (top(a, count) & top(b, count)).sum(dim=1)
    return both / (2 * count - both)


def top(flat: Tensor, count: int) -> Tensor:
    """Return which pixels of each flat map (N, n) are among its `count` largest, bool (N, n); ties
    by position.
    """
    edge = flat.topk(count, dim=1).values[:, -1:]  # the smallest value that is still included
    above, level = flat > edge, flat == edge
    room = count - above.sum(dim=1, keepdim=True)
    return above | (level & (level.cumsum(dim=1) <= room))


def jaccard_curve(maps: Tensor, truth: Tensor, thresholds: Tensor) -> Tensor:
    """Return the Jaccard index of the pixels at or above a threshold with the ink, for each
    threshold.

    Args:
        maps, truth: (N, H, W); ink is every pixel of truth above 0.
        thresholds: (T,), highlighted is map >= threshold; at 0 that is every pixel, but none of an
            empty map.

    Returns:
        (N, T); NaN where no pixel is highlighted and there is no ink, and where a map is not
        finite.
    """
    flat, grey = maps.flatten(1), truth.flatten(1)
    ink, some = grey > 0, ~zero(flat)[:, None]
    rising, places = thresholds.to(flat).sort()
    reached = torch.searchsorted(rising, flat.contiguous(), right=True)  # of the thresholds, by each pixel
    lit, both = (_reaching(reached, pixels, len(rising)) for pixels in (some.expand_as(ink), ink & some))
    either = lit + ink.sum(dim=1, keepdim=True) - both
    curve = undefined(both / either, (either == 0) | not_finite(flat, grey)[:, None])
    return curve[:, places.argsort()]


def jaccard_above(maps: Tensor, truth: Tensor, threshold: float) -> Tensor:
    """Return the Jaccard index of the pixels at or above one threshold above 0 with the ink, (N,).

    As `jaccard_curve` at this threshold, but faster.
    """
    flat, grey = maps.flatten(1), truth.flatten(1)
    lit, ink = flat >= threshold, grey > 0
    both, either = (lit & ink).sum(dim=1), (lit | ink).sum(dim=1)
    return undefined(both / either, (either == 0) | not_finite(flat, grey))


def _reaching(reached: Tensor, pixels: Tensor, thresholds: int) -> Tensor:
    """Count the pixels that reach each of the rising thresholds, (N, T).

    Args:
        reached: how many of the thresholds each pixel reaches, (N, n). pixels: which of them count,
            bool (N, n).
    """
    exactly = reached.new_zeros(len(reached), thresholds + 1).scatter_add_(1, reached, pixels.long())
    return exactly.flip(1).cumsum(dim=1).flip(1)[:, 1:]


@MEASURES.register(
    "energy-inside",
    "Energy inside the ink",
    "The share of the heatmap's total brightness that lies on the ink.",
    "Wang et al. 2020, Score-CAM, section 4.3 (energy-based pointing game)",
    group="overlap",
    range="0 to 1",
)
def energy_inside(maps: Tensor, truth: Tensor) -> Tensor:
    """Sum of the map over the ink (truth above 0) divided by its whole sum, (N,).

    An empty map scores 0. Undefined (NaN) where there is no ink.
    Differs from the paper: inside is the ink itself, not a bounding box; the paper does not define
    the score of an empty map.
    """
    flat, grey = maps.flatten(1), truth.flatten(1)
    inside = (flat * (grey > 0)).sum(dim=1) / flat.sum(dim=1)
    return undefined(inside.masked_fill(zero(flat), 0), zero(grey) | not_finite(flat, grey))


@MEASURES.register(
    "pointing-game",
    "Pointing game",
    "1 if the heatmap's brightest pixel lies on the ink, else 0; over many images, the share of hits.",
    "Zhang et al. 2016, Excitation Backprop, section 4.1",
    group="overlap",
    range="0 or 1",
)
def pointing_game(maps: Tensor, truth: Tensor) -> Tensor:
    """1 if the largest pixel (the first by position among equals) lies on the ink (truth above 0),
    else 0, (N,).

    An empty map scores 0: it points nowhere. Undefined (NaN) if the map has the same nonzero value
    everywhere, and without ink. Differs from the paper: no tolerance of 15 pixels around a hit; the
    paper does not define the score of an empty map.
    """
    flat, grey = maps.flatten(1), truth.flatten(1)
    peak = flat.argmax(dim=1, keepdim=True)
    hit = (grey.gather(1, peak)[:, 0] > 0) & ~zero(flat)
    return undefined(hit, unordered(flat) | zero(grey) | not_finite(flat, grey))
