"""Which pruned networks are collapsed, remembered: masks of one ranking nest, so a look at one
sparsity answers for many.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from core.base.device import give_memory_back


class Collapses:
    """By ranking, the highest sparsity that is known to be whole and the lowest that is known to be
    collapsed. Safe for threads.
    """

    def __init__(self) -> None:
        self._whole: dict[Hashable, float] = {}
        self._collapsed: dict[Hashable, float] = {}

    def ask(self, ranking: Hashable, sparsity: float, look: Callable[[], bool]) -> bool:
        """Whether the network is collapsed at this sparsity. ranking: of masks that nest. look:
        answers where nothing is known yet.
        """
        if sparsity <= self._whole.get(ranking, -1.0):
            return False
        if sparsity >= self._collapsed.get(ranking, 2.0):
            return True
        collapsed = look()  # a second thread that looks at the same time finds the same
        give_memory_back()  # a look takes several times the memory of a mask, once
        known = self._collapsed if collapsed else self._whole
        known[ranking] = sparsity
        return collapsed
