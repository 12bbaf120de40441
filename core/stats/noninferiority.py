"""Is one network not worse than another on the same images, by more than a tolerance; and how many
images would tell?
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from core.base.errors import BadSpec
from core.specs import exact_share, whole
from core.stats.power import POWER

CONFIDENCE = 0.95  # one-sided
STEPS = 60  # of the bisection: beyond the precision of floats
MOST_IMAGES = 10_000_000  # a number beyond this helps nobody


def mean_bound(values: ArrayLike, confidence: float = CONFIDENCE) -> float | None:
    """Compute the lower bound of a mean by Student's t, one-sided.

    Args:
        values: (N,), such as paired differences; NaN where undefined.
    Returns:
        None for fewer than two defined values.

    Source: Student 1908.
    """
    from scipy.special import stdtrit

    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    if len(x) < 2:
        return None
    return float(x.mean() - stdtrit(len(x) - 1, confidence) * x.std(ddof=1) / math.sqrt(len(x)))


def share_bound(gained: int, lost: int, total: int, confidence: float = CONFIDENCE) -> float:
    """Compute the lower bound of the difference of two shares of the same images, one-sided, by
    Tango's score test. Unlike an interval of the mean it is sound for few images, and if no answer
    changed.

    Args:
        gained: images that only the first network classifies correctly. lost: those that only the
            second one does. total: all images, at least 1.
    Returns:
        the bound of (gained - lost) / total, from -1 to 1.

    Source: Tango 1998, Statistics in Medicine 17: 891-908.
    """
    gained, lost = whole(gained, "number of gained answers"), whole(lost, "number of lost answers")
    if gained + lost > whole(total, "number of images", 1):
        raise BadSpec(f"{gained} and {lost} answers changed, of {total} images.", "There cannot be more than images.")
    wanted, low, high = NormalDist().inv_cdf(confidence), -1.0, (gained - lost) / total
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _score(gained, lost, total, middle) > wanted:
            low = middle
        else:
            high = middle
    return low


def images_needed(
    gained: float, lost: float, tolerance: float, confidence: float = CONFIDENCE, power: float = POWER
) -> int | None:
    """Compute how many images show that one network is not worse than another by more than a
    tolerance, by the test of `share_bound`, with a probability of `power`.

    ((z_a sqrt(v0) + z_b sqrt(v1)) / (gained - lost + tolerance))^2, with the variances of the
    difference at the limit and at the shares.

    Args:
        gained: true share of images that only the first network classifies correctly. lost: of
            those that only the second one does. tolerance: 0 with a confidence of 0.975 tells two
            networks apart, two-sided 95 %.
    Returns:
        None if no number is enough, because the difference is the limit or beyond it, or if it is
        more than MOST_IMAGES.

    Source: Nam 1997, Biometrics 53: 1422-1430.
    """
    gained, lost = exact_share(gained, "share of gained answers"), exact_share(lost, "share of lost answers")
    limit, difference = -exact_share(tolerance, "tolerance"), gained - lost
    if difference - limit <= 0:
        return None
    at_limit = 2 * _likely(gained, lost, 1, limit) + limit * (1 - limit)
    z_a, z_b = NormalDist().inv_cdf(confidence), NormalDist().inv_cdf(power)
    spread = z_a * math.sqrt(max(0.0, at_limit)) + z_b * math.sqrt(max(0.0, gained + lost - difference**2))
    images = max(1, math.ceil((spread / (difference - limit)) ** 2))
    return images if images <= MOST_IMAGES else None


def _score(gained: int, lost: int, total: int, difference: float) -> float:
    """Return the score statistic of a difference."""
    variance = total * (2 * _likely(gained, lost, total, difference) + difference * (1 - difference))
    gap = gained - lost - total * difference
    return math.inf if variance <= 0 < gap else gap / math.sqrt(variance) if variance > 0 else 0.0


def _likely(gained: float, lost: float, total: float, difference: float) -> float:
    """Return the most likely share of lost answers under a difference."""
    a, c = 2 * total, -lost * difference * (1 - difference)
    b = -gained - lost + (2 * total - gained + lost) * difference
    return (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
