"""Is a share of images at most a limit; and how many images would tell?

Bounds are exact: they are wrong with at most the stated probability for any number of images, also
where the share is near 0, where those of Wilson's interval are wrong more often.

Source: Clopper and Pearson 1934, Biometrika 26: 404-413.
"""

from __future__ import annotations

from core.base.errors import BadSpec
from core.specs import exact_share, whole
from core.stats.noninferiority import CONFIDENCE, MOST_IMAGES
from core.stats.power import POWER


def at_most(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """Compute the upper bound of a share, one-sided: count of total images, at least 1."""
    from scipy.special import betaincinv

    count, total = _checked(count, total)
    return 1.0 if count == total else float(betaincinv(count + 1, total - count, confidence))


def at_least(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """Compute the lower bound of a share, one-sided."""
    count, total = _checked(count, total)
    return 1 - at_most(total - count, total, confidence)


def images_below(share: float, limit: float, confidence: float = CONFIDENCE, power: float = POWER) -> int | None:
    """Compute how many images show that a share is at most a limit, by the bound `at_most`, with a
    probability of `power`: the smallest number from which all larger ones do, up to the steps of
    the binomial distribution.

    Args:
        share: the true one.
    Returns:
        None if no number is enough, because the share is the limit or beyond it, or if it is more
        than MOST_IMAGES.
    """
    share, limit = exact_share(share), exact_share(limit, "limit")
    if share >= limit:
        return None
    few, many = 0, 1
    while _power(many, share, limit, confidence) < power:
        few, many = many, 2 * many
        if few > MOST_IMAGES:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        if _power(middle, share, limit, confidence) < power:
            few = middle
        else:
            many = middle
    return many if many <= MOST_IMAGES else None


def _power(images: int, share: float, limit: float, confidence: float) -> float:
    """Return the probability that the bound of so many images is at most the limit."""
    from scipy.special import bdtr, bdtrik

    if limit == 1:
        return 1.0
    passing = bdtrik(1 - confidence, images, limit)  # the largest count that passes; NaN or below 0: none does
    if not passing >= 0 or bdtr(0, images, limit) > 1 - confidence:
        return 0.0
    return float(bdtr(int(passing + 1e-9), images, share))


def _checked(count: int, total: int) -> tuple[int, int]:
    count, total = whole(count, "number of images counted"), whole(total, "number of images", 1)
    if count > total:
        raise BadSpec(f"{count} of {total} is not a share.", "There cannot be more than all images.")
    return count, total
