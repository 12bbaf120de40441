"""Fit of the box around a heatmap's largest bright region to boxes that people drew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from core.measures.base import constant, not_finite, undefined, unordered

BRIGHT = 0.2  # of the map's maximum, as in the paper
Boxes = Sequence[Sequence[float]]  # x0, y0, x1, y1 in pixels; x1 and y1 are exclusive


def box_iou(maps: Tensor, boxes: Sequence[Boxes]) -> Tensor:
    """Intersection over union of the map's box with the best-fitting box that people drew, (N,) in
    [0, 1]; 0 for an empty map.

    The map's box encloses the largest connected region (sides, not corners) of pixels of at least
    BRIGHT x the map's maximum; of equally large regions, the first by position counts.

    Args:
        maps: (N, H, W), not negative. boxes: of each image, in pixels of the map.
    Returns:
        NaN for a map with the same nonzero value everywhere, for one that is not finite, and if
        there is no box.
    Source:
        Zhou et al. 2016, Learning deep features for discriminative localization, section 3.2
        (arXiv:1512.04150).
    Differs from the paper: a share instead of correct or not at 0.5; of several boxes, the best one
    counts; the paper does not define the score of an empty map.
    """
    flat = maps.flatten(1)
    unmarked = torch.tensor([not len(found) for found in boxes], dtype=torch.bool, device=maps.device)
    nowhere = unordered(flat) | not_finite(flat) | unmarked
    pairs = zip(maps.cpu().float().numpy(), boxes, (nowhere | constant(flat)).tolist(), strict=True)
    best = [
        0.0 if skip else max(_iou(bright_box(heatmap), tuple(box)) for box in found) for heatmap, found, skip in pairs
    ]
    return undefined(torch.tensor(best, device=maps.device), nowhere)


def bright_box(heatmap: np.ndarray) -> tuple[float, float, float, float]:
    """Return the box around the largest region of one map (H, W) that is not constant."""
    regions, _ = ndimage.label(heatmap >= BRIGHT * heatmap.max())
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0  # pixels that are not bright
    rows, columns = ndimage.find_objects(regions)[sizes.argmax() - 1]
    return columns.start, rows.start, columns.stop, rows.stop


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width, height = (max(0.0, min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])) for axis in (0, 1))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
