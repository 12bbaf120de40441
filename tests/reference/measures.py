"""Measures of maps from their definitions: flat lists of numbers, plain loops, None where
undefined.
"""

from __future__ import annotations

import math

Values = list[float]


def soft_iou(a: Values, b: Values) -> float | None:
    low, high = 0.0, 0.0
    for x, y in zip(a, b, strict=True):
        low += min(x, y)
        high += max(x, y)
    return low / high if high > 0 else None


def top_pixels(values: Values, count: int) -> set[int]:
    """Places of the largest values, earlier places first among equals."""
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    return set(order[:count])


def iou_top_p(a: Values, b: Values, percent: int = 10) -> float | None:
    if percent * len(a) // 100 == 0 or len(set(b)) == 1:
        return None
    return iou_top_p_of_maps(a, b, percent) if any(a) else 0.0


def iou_top_p_of_maps(a: Values, b: Values, percent: int = 10) -> float | None:
    count = percent * len(a) // 100
    if count == 0 or len(set(a)) == 1 or len(set(b)) == 1:
        return None
    first, second = top_pixels(a, count), top_pixels(b, count)
    return len(first & second) / len(first | second)


def jaccard(a: Values, truth: Values, threshold: float) -> float | None:
    lit = {place for place, value in enumerate(a) if value >= threshold and any(a)}
    ink = {place for place, value in enumerate(truth) if value > 0}
    return len(lit & ink) / len(lit | ink) if lit | ink else None


def energy_inside(a: Values, truth: Values) -> float | None:
    if not any(truth):
        return None
    if not any(a):
        return 0.0
    return sum(value for value, ink in zip(a, truth, strict=True) if ink > 0) / sum(a)


def pointing_game(a: Values, truth: Values) -> float | None:
    if not any(truth):
        return None
    if not any(a):
        return 0.0
    if len(set(a)) == 1:
        return None
    return 1.0 if truth[a.index(max(a))] > 0 else 0.0


def pearson(a: Values, b: Values) -> float | None:
    if len(set(a)) == 1 or len(set(b)) == 1:
        return None
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    both = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return (
        both / math.sqrt(math.fsum((x - mean_a) ** 2 for x in a)) / math.sqrt(math.fsum((y - mean_b) ** 2 for y in b))
    )


def ranks(values: Values) -> Values:
    """From 1; equal values share the average of the ranks they take up."""
    result = []
    for value in values:
        below = sum(other < value for other in values)
        equal = sum(other == value for other in values)
        result.append(below + (equal + 1) / 2)
    return result


def spearman(a: Values, b: Values) -> float | None:
    return pearson(ranks(a), ranks(b))


def cosine(a: Values, b: Values) -> float | None:
    if not any(a) or not any(b):
        return None
    both = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return both / math.sqrt(math.fsum(x * x for x in a)) / math.sqrt(math.fsum(y * y for y in b))


def peak_to_one(values: Values) -> Values:
    return [value / max(values) for value in values] if any(values) else values


def soft_iou_of_maps(a: Values, b: Values) -> float | None:
    return soft_iou(peak_to_one(a), peak_to_one(b)) if any(a) and any(b) else None


def window(values: Values, side: int, top: int, left: int) -> Values:
    """The 7 x 7 values of a square map of `side` from (top, left) on."""
    return [values[(top + i) * side + left + j] for i in range(7) for j in range(7)]


def ssim(a: Values, b: Values) -> float | None:
    """Wang et al. 2004, Eq. 13, with equal weights and the sample covariance; square maps, scaled
    to a peak of 1.
    """
    side = math.isqrt(len(a))
    if side < 7 or not (any(a) and any(b)):
        return None
    a, b = peak_to_one(a), peak_to_one(b)
    results = []
    for top in range(side - 6):
        for left in range(side - 6):
            x, y = window(a, side, top, left), window(b, side, top, left)
            mx, my = math.fsum(x) / 49, math.fsum(y) / 49
            vx = math.fsum((v - mx) ** 2 for v in x) / 48
            vy = math.fsum((v - my) ** 2 for v in y) / 48
            cov = math.fsum((v - mx) * (u - my) for v, u in zip(x, y, strict=True)) / 48
            likeness = (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2)
            results.append(likeness / ((mx**2 + my**2 + 0.01**2) * (vx + vy + 0.03**2)))
    return math.fsum(results) / len(results)


def mean(a: Values) -> float | None:
    return math.fsum(a) / len(a)


def std(a: Values) -> float | None:
    middle = math.fsum(a) / len(a)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in a) / len(a))


def zero_share(a: Values) -> float | None:
    return sum(value == 0 for value in a) / len(a)


def gini(a: Values) -> float | None:
    """Half the mean absolute difference of all pairs, relative to the mean."""
    if not any(a):
        return None
    differences = math.fsum(abs(x - y) for x in a for y in a)
    return differences / (2 * len(a) * math.fsum(a))


def entropy(a: Values) -> float | None:
    """Shannon's, of the shares of the sum, in units of that of an even map."""
    if not any(a) or len(a) < 2:
        return None
    shares = [value / math.fsum(a) for value in a]
    return -math.fsum(share * math.log(share) for share in shares if share) / math.log(len(a))


# registered name -> slow twin
TWINS = {
    "soft-iou": soft_iou,
    "iou-top-p": iou_top_p,
    "energy-inside": energy_inside,
    "pointing-game": pointing_game,
    "pearson": pearson,
    "spearman": spearman,
    "cosine": cosine,
    "ssim": ssim,
    "soft-iou-of-maps": soft_iou_of_maps,
    "iou-top-p-of-maps": iou_top_p_of_maps,
    "mean": mean,
    "std": std,
    "zero-share": zero_share,
    "gini": gini,
    "entropy": entropy,
}
