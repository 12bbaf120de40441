"""What a pruning would remove, before it is applied."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.specs import PruningSpec

FATES = {
    "ranked": "goes by the ranking",
    "by hand": "has an amount of its own",
    "left alone": "excluded, stays whole",
}


@dataclass(frozen=True, kw_only=True)
class LayerPlan:
    """One layer. name: of the weight; kind: "conv" or "linear"; fate: a key of FATES; groups: what the granularity counts."""

    name: str
    kind: str
    fate: str
    groups: int
    removed_groups: int
    weights: int
    removed: int

    @property
    def kept(self) -> int:
        return self.weights - self.removed


@dataclass(frozen=True, kw_only=True)
class PruningPlan:
    """Layer by layer, in the network's order, and what a person should know first. Biases that go with whole filters are not counted."""

    pruning: PruningSpec
    layers: tuple[LayerPlan, ...]
    other_parameters: int  # biases and all else that is no weight of a layer
    notes: tuple[str, ...] = ()  # plain sentences

    @property
    def sparsity(self) -> float:
        """Removed share of the weights in layers that are not left alone."""
        touched = [layer for layer in self.layers if layer.fate != "left alone"]
        return sum(layer.removed for layer in touched) / sum(layer.weights for layer in touched)

    @property
    def compression_ratio(self) -> float:
        """All parameters / parameters left; infinite when none is."""
        left = self.other_parameters + sum(layer.kept for layer in self.layers)
        return (self.other_parameters + sum(layer.weights for layer in self.layers)) / left if left else math.inf

    @property
    def conv_compression_ratio(self) -> float | None:
        """Weights of all convolutions / those left; None without convolutions."""
        convs = [layer for layer in self.layers if layer.kind == "conv"]
        left = sum(layer.kept for layer in convs)
        if not convs:
            return None
        return sum(layer.weights for layer in convs) / left if left else math.inf

    @property
    def emptied(self) -> tuple[str, ...]:
        """Layers of which nothing is left."""
        return tuple(layer.name for layer in self.layers if layer.kept == 0)
