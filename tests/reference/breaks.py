"""Where explanations and answers break, image by image: slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Sequence


def stays_broken_from(broken: Sequence[bool], grid: Sequence[float]) -> float:
    """The lowest sparsity such that it is broken there and at all higher ones; NaN: none."""
    for place, sparsity in enumerate(grid):
        if all(broken[place:]):
            return sparsity
    return math.nan


def breaks_first_at(broken: Sequence[bool], grid: Sequence[float]) -> float:
    """The lowest sparsity at which it is broken; NaN: none."""
    for sparsity, one in zip(grid, broken, strict=True):
        if one:
            return sparsity
    return math.nan
