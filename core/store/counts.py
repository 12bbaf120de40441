"""Count the weights that a network has left and that its pruning removed, and whether it is
collapsed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.models.cards import Card
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask, count_layers, is_collapsed
from core.results import LayerCount, MaskReport
from core.specs import VariantSpec
from core.store.sources import amount_of
from core.store.weights import Stored


@dataclass(frozen=True, eq=False)
class Counter:
    """Counts one variant. stored: its own weights, or those of its dense network."""

    variant: VariantSpec
    card: Card
    stored: Stored

    def trained(self) -> MaskReport:
        """Count a dense network or a trained level."""
        weights, card = self.stored.weights, self.card
        layers = count_layers(weights, self.stored.mask, card.kinds)
        left = {layer.name: weights[layer.name] != 0 for layer in layers if layer.kept < layer.total}
        return self._report(layers, is_collapsed(card.skeleton, left, card.input_shape))

    def pruned(self, index: PruningIndex, companions: Mask, collapsed: bool) -> MaskReport:
        """Count a one-shot variant.

        Args:
            index: of its ranking. companions: masks of the biases and norms that are removed with
                whole filters.
        """
        layers = []
        for name, left in index.left(*amount_of(self.variant)).items():
            total = math.prod(index.shapes[name])
            zeros = total - index.nonzero[name]
            kind = self.card.kinds[name]
            layers.append(LayerCount(name=name, kept=left, total=total, kind=kind, already_zero=zeros))
        gone = sum(int(torch.count_nonzero(self.stored.weights[name][~kept])) for name, kept in companions.items())
        return self._report(layers, collapsed, gone)

    def cuts_off(self, mask: Mask) -> bool:
        """Return whether a one-shot mask leaves no path from input to output."""
        left = {name: kept & (self.stored.weights[name] != 0) for name, kept in mask.items()}
        return is_collapsed(self.card.skeleton, left, self.card.input_shape)

    def _report(self, layers: Sequence[LayerCount], collapsed: bool, removed_others: int = 0) -> MaskReport:
        """Build the report. layers: all prunable layers."""
        weights, card, excluded = self.stored.weights, self.card, self.variant.pruning.excluded
        ranked = tuple(layer for layer in layers if layer.name not in excluded)
        alone = tuple(layer for layer in layers if layer.name in excluded)
        others = [weights[name] for name, _ in card.skeleton.named_parameters() if name not in card.kinds]
        zeros = sum(values.numel() - int(torch.count_nonzero(values)) for values in others)
        return MaskReport(
            variant=self.variant,
            layers=ranked,
            excluded=alone,
            other_parameters=card.parameters - sum(layer.total for layer in ranked),
            removed_others=removed_others,
            zero_others=zeros + sum(layer.already_zero for layer in alone),
            collapsed=collapsed,
        )
