"""Intervals of counted shares."""

from __future__ import annotations

import math
from statistics import NormalDist

from core.base.errors import BadSpec
from core.specs import whole


def wilson(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's score interval of a share, without continuity correction.

    Args:
        correct: successes, 0 to total.
        total: trials, at least 1.
        confidence: between 0 and 1, exclusive.

    Returns:
        (low, high) as shares; low is exactly 0 for no success, high exactly 1 for no failure.

    Raises:
        BadSpec: counts or confidence outside their range.

    Source: Wilson 1927, JASA 22: 209-212. Importing scipy.stats takes a second.
    """
    correct, total = whole(correct, "number of successes"), whole(total, "number of trials", least=1)
    if correct > total:
        raise BadSpec(f"{correct} of {total} is not a share.", "There cannot be more successes than trials.")
    if not 0 < confidence < 1:
        raise BadSpec(f"A confidence of {confidence} is invalid.", "It must be between 0 and 1.", "0.95 is usual.")
    share, z = correct / total, NormalDist().inv_cdf((1 + confidence) / 2)
    spread = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    low, high = ((share + z * z / (2 * total) + side * spread) / (1 + z * z / total) for side in (-1, 1))
    # exact, where rounding would leave 1e-17
    return 0.0 if correct == 0 else low, 1.0 if correct == total else high


def chance_probability(correct: int, total: int, classes: int) -> float:
    """Compute how probable at least this many right answers are for someone who guesses among the
    classes: the upper tail of the binomial distribution.

    Args:
        correct: right answers, 0 to total. total: answers, at least 1. classes: at least 1.
    """
    share = 1 / classes
    if correct == 0 or share == 1:
        return 1.0
    log_share, log_rest = math.log(share), math.log1p(-share)

    def log_term(right: int) -> float:
        ways = math.lgamma(total + 1) - math.lgamma(right + 1) - math.lgamma(total - right + 1)
        return ways + right * log_share + (total - right) * log_rest

    return min(1.0, math.fsum(math.exp(log_term(right)) for right in range(correct, total + 1)))
