"""Ways of fitting a heatmap to a segmentation, from their definitions: flat lists of numbers, plain
loops, None where undefined.
"""

from __future__ import annotations

import math

from tests.reference.measures import jaccard, soft_iou, top_pixels

Values = list[float]


def curve(a: Values, truth: Values, thresholds: Values) -> list[float | None]:
    return [jaccard(a, truth, threshold) for threshold in thresholds]


def best_threshold_per_image(a: Values, truth: Values, thresholds: Values) -> float | None:
    return max((value for value in curve(a, truth, thresholds) if value is not None), default=None)


def best_place(curves: list[list[float | None]]) -> int | None:
    """The column with the highest mean over the images that have a value there; the first among
    equals.
    """
    best, place = -1.0, None
    for column in range(len(curves[0])):
        values = [row[column] for row in curves if row[column] is not None]
        if values and math.fsum(values) / len(values) > best + 1e-12:
            best, place = math.fsum(values) / len(values), column
    return place


def top_p_of_ink(a: Values, truth: Values) -> float | None:
    ink = {place for place, value in enumerate(truth) if value > 0}
    if not ink or (len(set(a)) == 1 and any(a)):
        return None
    if not any(a):
        return 0.0
    lit = top_pixels(a, len(ink))
    return len(lit & ink) / len(lit | ink)


def matched(a: Values, truth: Values) -> Values:
    """Each pixel of the map gets the mean of those of the image's values, in order, whose ranks its
    equals take up.
    """
    ordered = sorted(truth, reverse=True)
    result = []
    for value in a:
        first, last = sum(other > value for other in a), sum(other >= value for other in a)
        result.append(math.fsum(ordered[first:last]) / (last - first))
    return result


def histogram_matched(a: Values, truth: Values) -> float | None:
    if not any(truth) or (len(set(a)) == 1 and any(a)):
        return None
    if not any(a):
        return 0.0
    return soft_iou(matched(a, truth), truth)


# registered name -> slow twin of (map, image, thresholds), for every fitting that needs one image
# only
TWINS = {
    "soft-iou": lambda a, truth, _: soft_iou(a, truth),
    "best-threshold-per-image": best_threshold_per_image,
    "top-p-of-ink": lambda a, truth, _: top_p_of_ink(a, truth),
    "histogram-matched": lambda a, truth, _: histogram_matched(a, truth),
}
