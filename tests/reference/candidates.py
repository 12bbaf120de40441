"""Holm's method and the Pareto front from their definitions: slow and obvious."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def holm(passes: Sequence[Callable[[float], bool]], level: float = 0.05) -> list[bool]:
    """Each hypothesis has a p value: the smallest level at which it is rejected, found by
    bisection. In ascending order, each is rejected at level / (those left), until one is not.
    """

    def p_value(passes_at: Callable[[float], bool]) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if passes_at(1 - middle) else (middle, high)
        return high

    values = [p_value(each) for each in passes]
    rejected = [False] * len(values)
    for left, place in zip(range(len(values), 0, -1), sorted(range(len(values)), key=values.__getitem__), strict=True):
        if values[place] > level / left:
            break
        rejected[place] = True
    return rejected


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """(goodness, cost): whether no other point is as good in both and better in one."""
    found = []
    for good, cost in points:
        beaten = False
        for other_good, other_cost in points:
            as_good = other_good >= good and other_cost <= cost
            better = other_good > good or other_cost < cost
            beaten = beaten or (as_good and better)
        found.append(not beaten)
    return found
