"""Non-inferiority from its definition: slow and obvious."""

from __future__ import annotations

import math
from statistics import NormalDist

from scipy.optimize import minimize_scalar


def share_bound(gained: int, lost: int, total: int, confidence: float = 0.95) -> float:
    """Tango 1998: the smallest difference that the score test does not reject, searched on a grid
    of 1/10,000. The nuisance share maximises the likelihood of the counts under the difference.
    """
    wanted, bound = NormalDist().inv_cdf(confidence), None
    for step in range(-9999, 10_000):
        difference = step / 10_000
        if difference >= (gained - lost) / total:
            break
        if score(gained, lost, total, difference) <= wanted:
            bound = difference
            break
    return (gained - lost) / total if bound is None else bound


def score(gained: int, lost: int, total: int, difference: float) -> float:
    """(gained - lost - n difference) over its standard deviation under the difference."""
    least, most = max(0.0, -difference), (1 - difference) / 2

    def unlikely(share: float) -> float:
        parts = ((gained, share + difference), (lost, share), (total - gained - lost, 1 - difference - 2 * share))
        return -sum(count * math.log(max(chance, 1e-300)) for count, chance in parts if count)

    share = minimize_scalar(unlikely, bounds=(least, most), method="bounded", options={"xatol": 1e-10}).x
    variance = total * (2 * share + difference - difference**2)
    gap = gained - lost - total * difference
    return gap / math.sqrt(variance) if variance > 1e-9 else math.inf
