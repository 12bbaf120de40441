"""Ways of fitting a heatmap to a segmentation: the thesis' open question, several answers side by
side.

A heatmap has grey values, a segmentation is binary: how they are compared decides what the score
means. FITTINGS lists the ways. Each takes `rank(maps, ink)`, which holds a batch and orders its
pixels once, and returns (N,). The fact "needs" states its scope: "image" scores every image
separately, so that batches may be processed in turn; "set" needs the **whole set** at once.
In batches:

    batches = [rank(maps, ink) for maps, ink in ...]  # each with its Jaccard curve (N, T)
    curve = torch.cat([batch.curve for batch in batches])
    threshold = choose_threshold(curve)              # one for the set, or for all levels: show it
    scores = curve[:, threshold.place]               # "best-single-threshold"

Ink is every pixel of the clean grey image above 0. An empty map scores 0 by every way of fitting
(see `core.measures`). NaN means undefined; it is counted and left out of means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.base.registry import Registry
from core.measures.base import not_finite, undefined, unordered, zero
from core.measures.overlap import jaccard_curve, soft_iou

STEPS = 50
# Not 0: every map is at or above 0 everywhere, so an empty map would score the ink's share of the
# picture.
THRESHOLDS = torch.arange(1, STEPS + 1) / STEPS


@dataclass(frozen=True, eq=False)
class Ranked:
    """Maps and grey images (N, H, W) in [0, 1], and their pixels from the map's brightest down;
    equals by position.

    values, grey: (N, n) map and image in that order. nowhere: (N,) which pairs hold a value that is
    not finite.
    """

    maps: Tensor
    ink: Tensor
    values: NDArray[np.float32]
    grey: NDArray[np.float32]
    nowhere: Tensor

    def scored(self, values: Tensor) -> Tensor:
        """Return the scores (N,) of a fitting by pixel order: 0 for an empty map, NaN where there
        is no order or no ink.
        """
        flat = self.maps.flatten(1)
        return undefined(values.masked_fill(zero(flat), 0), unordered(flat) | self.nowhere | zero(self.ink.flatten(1)))

    @cached_property
    def curve(self) -> Tensor:
        """Jaccard index of the pixels at or above each of THRESHOLDS with the ink, (N, T)."""
        return jaccard_curve(self.maps, self.ink, THRESHOLDS)


Fitting = Callable[[Ranked], Tensor]
FITTINGS: Registry[Fitting] = Registry("way of fitting")


def fittings_per_image() -> dict[str, Fitting]:
    """Return the fittings that score every image separately."""
    return {name: entry.value for name, entry in FITTINGS.items() if entry.facts["needs"] == "image"}


@dataclass(frozen=True)
class Threshold:
    """One threshold for a whole set. place: its column in the curve; mean: the Jaccard index it
    reaches, over n images.
    """

    value: float
    place: int
    mean: float
    n: int


def rank(maps: Tensor, ink: Tensor) -> Ranked:
    """Order the pixels of each map, on the CPU. maps, ink: (N, H, W) in [0, 1], the heatmaps and
    the clean grey images.
    """
    flat, grey = maps.flatten(1).float().cpu().numpy(), ink.flatten(1).float().cpu().numpy()
    order = np.argsort(-flat, axis=1, kind="stable")
    values, grey = np.take_along_axis(flat, order, axis=1), np.take_along_axis(grey, order, axis=1)
    return Ranked(maps, ink, values, grey, not_finite(maps.flatten(1), ink.flatten(1)))


def choose_threshold(curve: Tensor) -> Threshold | None:
    """Return the threshold with the highest mean Jaccard index over a set; the lowest among equals,
    None if nothing is defined.

    Args:
        curve: (N, T) of the whole set, columns as THRESHOLDS; several levels or seeds may be
            concatenated.
    """
    counts = (~curve.isnan()).sum(dim=0)
    means = curve.nansum(dim=0, dtype=torch.float64) / counts
    if not counts.any():
        return None
    place = int(means.nan_to_num(-1).argmax())
    return Threshold(round(float(THRESHOLDS[place]), 6), place, float(means[place]), int(counts[place]))


@FITTINGS.register(
    "soft-iou",
    "Soft IoU",
    "No threshold: brightness of the map against brightness of the ink, pixel by pixel.",
    "Lukkien, Eq. 2.7: sum(min) / sum(max)",
    needs="image",
)
def soft(ranked: Ranked) -> Tensor:
    """Soft IoU of map and grey image, (N,). Undefined (NaN) where both are zero everywhere."""
    return soft_iou(ranked.maps, ranked.ink)


@FITTINGS.register(
    "best-single-threshold",
    "Best single threshold",
    "Every pixel at or above one brightness counts as found; that brightness is the same for all images, the best for "
    "the set.",
    "Jaccard 1901; threshold as in Zhou et al. 2016, section 3.2, where it is a fixed share of the maximum",
    needs="set",
)
def single_threshold(ranked: Ranked) -> Tensor:
    """Jaccard index at the one threshold that is best for these images together, (N,). The batch
    must be the whole set.

    The threshold is chosen on the images that it is scored on. NaN where no pixel is lit and there
    is no ink.
    """
    chosen = choose_threshold(ranked.curve)
    return ranked.curve[:, chosen.place if chosen else 0]


@FITTINGS.register(
    "best-threshold-per-image",
    "Best threshold per image (upper bound)",
    "The threshold is chosen for every image with knowledge of the ink: an upper bound that no real threshold reaches.",
    "Jaccard 1901",
    needs="image",
)
def threshold_per_image(ranked: Ranked) -> Tensor:
    """Largest Jaccard index over THRESHOLDS, (N,).

    An upper bound: the threshold is chosen with knowledge of the ink.
    """
    highest = ranked.curve.nan_to_num(-1).amax(dim=1)
    return undefined(highest, highest < 0)


@FITTINGS.register(
    "top-p-of-ink",
    "As many pixels as there is ink",
    "The map's brightest pixels, exactly as many as the image has ink, count as found: position matters, brightness "
    "does not.",
    "Jaccard 1901; a share of pixels as in Merkle et al.'s occlusion maps",
    needs="image",
)
def top_p_of_ink(ranked: Ranked) -> Tensor:
    """Jaccard index of the ink and the map's k brightest pixels, k = pixels of ink, (N,); ties by
    position, first come first.

    An empty map scores 0. Undefined (NaN) for a map with the same nonzero value everywhere, and
    without ink.
    """
    ink = ranked.grey > 0
    count = ink.sum(axis=1, keepdims=True)
    both = (ink & (np.arange(ink.shape[1]) < count)).sum(axis=1, keepdims=True)
    value = torch.from_numpy(both / np.maximum(2 * count - both, 1))[:, 0].float().to(ranked.maps.device)
    return ranked.scored(value)


@FITTINGS.register(
    "histogram-matched",
    "Histogram matched",
    "The map takes the image's own grey values, brightest to brightest, and is then compared by soft IoU: blur no "
    "longer matters.",
    "Gonzalez and Woods, Digital Image Processing, section 3.3 (histogram specification); then Lukkien, Eq. 2.7",
    needs="image",
)
def histogram_matched(ranked: Ranked) -> Tensor:
    """Soft IoU after the map's k-th brightest pixel takes the image's k-th brightest value, (N,).

    Equal pixels of the map share the mean of their values, so that the order of pixels does not
    matter. An empty map scores 0. Undefined (NaN) for a map with the same nonzero value everywhere,
    and without ink.
    """
    matched = _shared_by_equals(ranked.values, np.sort(ranked.grey, axis=1)[:, ::-1].astype(np.float64))
    both, total = np.minimum(matched, ranked.grey).sum(axis=1), ranked.grey.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        value = both / (2 * total - both)  # map and image now have the same sum
    return ranked.scored(torch.from_numpy(value).float().to(ranked.maps.device))


def _shared_by_equals(ordered: NDArray[np.float32], given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average the given values (N, n) over runs of equal numbers in a row of `ordered` (N, n)."""
    first = np.ones(ordered.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(starts, append=ordered.size)
    sums = np.add.reduceat(given.ravel(), starts) if ordered.size else given.ravel()
    return np.repeat(sums / sizes, sizes).reshape(ordered.shape)
