"""Gradual pruning: prunes a network in small steps during training.

Source: Zhu and Gupta 2017, To prune, or not to prune, Eq. 1 (arXiv:1710.01878).
Differs from the paper: removed weights stay removed (in the paper they may grow back until the ramp
ends), so that the counted sparsity holds at every step; any criterion, granularity and scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from core.pruning.mask import Mask
from core.specs import Ramp

# A sparsity and the mask so far -> the next mask, of the same names.
Prune = Callable[[float, Mapping[str, Tensor]], Mask]


class Gradual:
    """Tightens the mask in place when a pruning step is due.

    Args:
        ramp: when to prune. final: the final sparsity.
        prune: computes the next mask from the current weights.
        mask: of the trained network; changed in place, so that all holders see the current one.
    """

    def __init__(self, ramp: Ramp, final: float, prune: Prune, mask: Mapping[str, Tensor]) -> None:
        self.ramp, self.final, self.prune, self.mask = ramp, final, prune, mask

    @property
    def end(self) -> int:
        """The epoch (from 1 on) at whose end the final mask holds."""
        return self.ramp.end

    def due(self, done: int, steps: int) -> int | None:
        """Returns the number of the pruning, 1 to `times`, that is due after `done` steps of the
        level, or None. If several coincide, the last one.

        Args: steps: per epoch.
        """
        since, length = done - self.ramp.begin * steps, self.ramp.epochs * steps
        if not 0 < since <= length:
            return None
        # Prunings that are due by now, each after ceil(place * length / times) steps.
        place = since * self.ramp.times // length
        return place if place > (since - 1) * self.ramp.times // length else None

    def step(self, done: int, steps: int) -> bool:
        """Prunes if due after `done` steps of the level; returns True if the mask has changed."""
        place = self.due(done, steps)
        if place is None:
            return False
        for name, kept in self.prune(self.ramp.sparsity(self.final, place), self.mask).items():
            self.mask[name].copy_(kept)
        return True
