"""Cache of which pruned networks are collapsed. Masks of one ranking are nested, so one check
answers for many sparsities.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from core.base.device import give_memory_back


class Collapses:
    """By ranking, the highest sparsity known to be connected and the lowest known to be collapsed.
    Thread-safe.
    """

    def __init__(self) -> None:
        self._whole: dict[Hashable, float] = {}
        self._collapsed: dict[Hashable, float] = {}

    def ask(self, ranking: Hashable, sparsity: float, look: Callable[[], bool]) -> bool:
        """Return whether the network is collapsed at this sparsity. ranking: of nested masks. look:
        checks the network if the answer is not known yet.
        """
        if sparsity <= self._whole.get(ranking, -1.0):
            return False
        if sparsity >= self._collapsed.get(ranking, 2.0):
            return True
        collapsed = look()  # a second thread that checks at the same time gets the same answer
        give_memory_back()  # a check temporarily takes several times the memory of a mask
        known = self._collapsed if collapsed else self._whole
        known[ranking] = sparsity
        return collapsed
