"""Wilson's interval from what defines it, found by bisection instead of solved."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(correct: int, total: int, confidence: float) -> tuple[float, float]:
    """All true shares whose distance from the observed one is at most z of *their own* standard
    errors.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    observed = correct / total

    def accepted(share: float) -> bool:
        return abs(observed - share) <= z * math.sqrt(share * (1 - share) / total)

    def edge(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if accepted(middle) else (inside, middle)
        return inside

    low = 0.0 if correct == 0 else edge(observed, 0.0)
    high = 1.0 if correct == total else edge(observed, 1.0)
    return low, high
