"""The pruning index: sort the scores once, then any sparsity's mask is one comparison away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from core.pruning.mask import Mask
from core.pruning.select import count_to_remove


@dataclass(frozen=True)
class Ranking:
    """Scores that compete with each other, and the same scores in ascending order."""

    scores: Mapping[str, Tensor]
    ascending: Tensor  # (n,)

    @classmethod
    def of(cls, scores: Mapping[str, Tensor]) -> Ranking:
        return cls(scores, torch.cat([values.flatten() for values in scores.values()]).sort().values)

    def keep(self, sparsity: float) -> Mask:
        """The mask that removes exactly count_to_remove(sparsity, n) weights: the lowest scores, ties by position, first first."""
        remove = count_to_remove(sparsity, len(self.ascending))
        if remove == 0:
            return {name: torch.ones_like(values, dtype=torch.bool) for name, values in self.scores.items()}
        threshold = self.ascending[remove - 1]
        tied_to_go = remove - int(torch.searchsorted(self.ascending, threshold))
        mask = {}
        for name, values in self.scores.items():
            tied = values == threshold
            rank = tied.flatten().cumsum(0).view(tied.shape)  # 1 for the first tied weight of this layer
            mask[name] = (values >= threshold) & ~(tied & (rank <= tied_to_go))
            tied_to_go = max(0, tied_to_go - int(tied.sum()))
        return mask


class PruningIndex:
    """All masks of one model under one criterion and scope. Masks nest: what goes at 50 % is also gone at 60 %.

    Args:
        scores: importance by parameter name, higher = kept.
        scope: "global" (one ranking over all layers) or "layer" (one ranking a layer).
    """

    def __init__(self, scores: Mapping[str, Tensor], scope: str) -> None:
        groups = [scores] if scope == "global" else [{name: values} for name, values in scores.items()]
        self.rankings = [Ranking.of(group) for group in groups]

    @property
    def bytes(self) -> int:
        """Memory that the index holds: scores and their sorted copy."""
        return sum(2 * ranking.ascending.numel() * ranking.ascending.element_size() for ranking in self.rankings)

    def mask(self, sparsity: float) -> Mask:
        """The mask at a sparsity in [0, 1]; the count is exact in each ranking."""
        return {name: kept for ranking in self.rankings for name, kept in ranking.keep(sparsity).items()}
