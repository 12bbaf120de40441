"""Correlations, resampling and signed ranks from their definitions: plain loops, None where
undefined.
"""

from __future__ import annotations

import itertools
import math

from tests.reference.measures import pearson, ranks, spearman

Values = list[float]


def kendall(a: Values, b: Values) -> float | None:
    """Tau-b: concordant minus discordant pairs, over the geometric mean of the pairs that are not
    tied in a and in b.
    """
    both = untied_a = untied_b = 0
    for i, j in itertools.combinations(range(len(a)), 2):
        sign_a, sign_b = sign(a[i] - a[j]), sign(b[i] - b[j])
        both += sign_a * sign_b
        untied_a += abs(sign_a)
        untied_b += abs(sign_b)
    return both / math.sqrt(untied_a * untied_b) if untied_a and untied_b else None


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


def correlations(a: Values, b: Values) -> dict[str, float | None]:
    """All three over the points where both are numbers; None for fewer than three."""
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(pairs) < 3:
        return {"pearson": None, "spearman": None, "kendall": None}
    x, y = ([pair[side] for pair in pairs] for side in (0, 1))
    return {"pearson": pearson(x, y), "spearman": spearman(x, y), "kendall": kendall(x, y)}


def mean_defined(values: Values) -> float | None:
    kept = [value for value in values if not math.isnan(value)]
    return math.fsum(kept) / len(kept) if kept else None


def drawn_mean(values: Values, counts: list[int]) -> float | None:
    """Mean over a draw, the images written out as often as they were drawn."""
    places = [place for place, count in enumerate(counts) for _ in range(int(count))]
    return mean_defined([values[place] for place in places])


def signed_rank_p(differences: Values) -> float | None:
    """Two-sided exact p: every way of giving signs to the differences that are not 0, ranks of
    equals shared.
    """
    kept = [value for value in differences if value != 0]
    if not kept:
        return None
    places = ranks([abs(value) for value in kept])
    middle = sum(places) / 2
    found = abs(sum(place for place, value in zip(places, kept, strict=True) if value > 0) - middle)
    ways = [
        sum(place for place, up in zip(places, signs, strict=True) if up)
        for signs in itertools.product((0, 1), repeat=len(kept))
    ]
    return sum(abs(way - middle) >= found - 1e-9 for way in ways) / len(ways)


def paired_by_class(score: Values, correct: list[bool], label: list[int], least: int) -> dict[int, float]:
    """By class that counts: mean score of right minus wrong predictions."""
    result = {}
    for kind in sorted(set(label)):
        groups: dict[bool, Values] = {True: [], False: []}
        for value, right, own in zip(score, correct, label, strict=True):
            if own == kind and not math.isnan(value):
                groups[right].append(value)
        if min(len(group) for group in groups.values()) >= least:
            result[kind] = math.fsum(groups[True]) / len(groups[True]) - math.fsum(groups[False]) / len(groups[False])
    return result
