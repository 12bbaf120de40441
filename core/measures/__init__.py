"""Measures of maps and predictions: pure, batched functions of tensors.

Every measure of maps takes batches (N, H, W) of floats in [0, 1] (those of similarity and of one
map also take raw saliency maps) and returns one float32 value for each image, (N,). In tensors, NaN
marks an **undefined** value: a correlation with a constant map, an overlap where no object is
marked, any map that is not finite. Callers count it and leave it out of means; `optional` converts
it to None when a value leaves the tensors.

**Empty maps.** A heatmap that is zero everywhere is empty. One rule holds for all of them:

- Against truth an empty map scores 0: by every measure of group "overlap", by `box_iou`, and by
  every way of fitting. A network that loses its evidence must not gain by it. Every mean is
  reported with the number of empty maps and the mean without them.
- Similarities (group "similarity") are undefined if either map is empty.
- A saliency map with the same value in every cell becomes an empty heatmap, because scaling
  subtracts the smallest value (`core.saliency.normalise`). Its state remains "constant",
  so that pages can distinguish the two.
- A map with a value that is not finite is **invalid**, not empty: every measure of it is
  undefined, never 0.

MEASURES lists them by name; the fact "group" states what a measure takes: "overlap" (maps, truth),
"similarity" (maps, maps), "map" (maps).
"""

from core.measures.base import MEASURES, Group, measures_of, optional
from core.measures.classification import probabilities, top1
from core.measures.maps import entropy, gini, mean, std, zero_share
from core.measures.overlap import energy_inside, iou_top_p, jaccard_curve, pointing_game, soft_iou
from core.measures.similarity import cosine, iou_top_p_of_maps, pearson, soft_iou_of_maps, spearman, ssim

__all__ = [
    "MEASURES",
    "Group",
    "cosine",
    "energy_inside",
    "entropy",
    "gini",
    "iou_top_p",
    "iou_top_p_of_maps",
    "jaccard_curve",
    "mean",
    "measures_of",
    "optional",
    "pearson",
    "pointing_game",
    "probabilities",
    "soft_iou",
    "soft_iou_of_maps",
    "spearman",
    "ssim",
    "std",
    "top1",
    "zero_share",
]
