"""What is measured of maps and predictions. Pure, batched functions of tensors.

Every measure of maps takes batches (N, H, W) of floats in [0, 1] (those of similarity and of one
map take raw saliency maps as well) and answers one float32 value for each image, (N,). Inside
tensors NaN marks an **undefined** value: a correlation with a constant map, an overlap where no
object is marked, any map that is not finite. It is to be counted and left out of means, and
`optional` turns it into None where a value leaves the tensors.

**Empty maps.** A heatmap that is zero everywhere is empty. One rule holds for all of them:

- Against truth an empty map scores 0: by every measure of group "overlap", by `box_iou`, and by
every way of fitting. A network that loses
  its evidence must not gain by it. Whoever reports a mean reports the number of empty maps and the
  mean without them as well.
- Similarities (group "similarity") are undefined where either map is empty.
- A saliency map with the same value in every cell becomes an empty heatmap, because scaling
subtracts the smallest value
  (`core.saliency.normalise`). Its state stays "constant", so that a page can tell the two apart.
- A map with a value that is not finite is **invalid**, not empty: every measure of it is undefined,
never 0.

MEASURES lists them by name; the fact "group" says what a measure takes: "overlap" (maps, truth),
"similarity" (maps, maps), "map" (maps).
"""

from core.measures.base import MEASURES, Group, measures_of, optional
from core.measures.classification import probabilities, top1
from core.measures.maps import gini, mean, std, zero_share
from core.measures.overlap import energy_inside, iou_top_p, jaccard_curve, pointing_game, soft_iou
from core.measures.similarity import cosine, iou_top_p_of_maps, pearson, soft_iou_of_maps, spearman, ssim

__all__ = [
    "MEASURES",
    "Group",
    "cosine",
    "energy_inside",
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
