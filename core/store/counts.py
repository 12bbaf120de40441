"""Counts of a network, from its tensors: what is left, what its pruning removed, whether it is
collapsed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from core.models.zoo import card
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask, count_layers, is_collapsed
from core.results import LayerCount, MaskReport
from core.specs import VariantSpec
from core.store.sources import amount_of
from core.store.weights import Stored


def count_stored(variant: VariantSpec, stored: Stored) -> MaskReport:
    """The counts of a dense network or of a trained level."""
    found = card(variant.model)
    layers = count_layers(stored.weights, stored.mask, found.kinds)
    left = {layer.name: stored.weights[layer.name] != 0 for layer in layers if layer.kept < layer.total}
    return _report(variant, layers, stored, is_collapsed(found.skeleton, left, found.input_shape))


def count_pruned(
    variant: VariantSpec, stored: Stored, index: PruningIndex, companions: Mask, collapsed: bool
) -> MaskReport:
    """The counts of a one-shot variant.

    Args:
        stored: the dense network. index: of its ranking. companions: masks of the biases and norms
            that go with whole filters.
    """
    found, layers = card(variant.model), []
    for name, left in index.left(*amount_of(variant)).items():
        total = math.prod(index.shapes[name])
        zeros = total - index.nonzero[name]
        layers.append(LayerCount(name=name, kept=left, total=total, kind=found.kinds[name], already_zero=zeros))
    gone = sum(int(torch.count_nonzero(stored.weights[name][~kept])) for name, kept in companions.items())
    return _report(variant, layers, stored, collapsed, gone)


def cuts_off(variant: VariantSpec, stored: Stored, mask: Mask) -> bool:
    """Whether a one-shot mask leaves no path from input to output. stored: the dense network."""
    found = card(variant.model)
    return is_collapsed(
        found.skeleton, {name: kept & (stored.weights[name] != 0) for name, kept in mask.items()}, found.input_shape
    )


def _report(
    variant: VariantSpec, layers: Sequence[LayerCount], stored: Stored, collapsed: bool, removed_others: int = 0
) -> MaskReport:
    """layers: all that are prunable. stored: holds the zeros that no pruning made."""
    found, excluded = card(variant.model), variant.pruning.excluded
    ranked = tuple(layer for layer in layers if layer.name not in excluded)
    alone = tuple(layer for layer in layers if layer.name in excluded)
    others = [stored.weights[name] for name, _ in found.skeleton.named_parameters() if name not in found.kinds]
    zeros = sum(values.numel() - int(torch.count_nonzero(values)) for values in others)
    return MaskReport(
        variant=variant,
        layers=ranked,
        excluded=alone,
        other_parameters=found.parameters - sum(layer.total for layer in ranked),
        removed_others=removed_others,
        zero_others=zeros + sum(layer.already_zero for layer in alone),
        collapsed=collapsed,
    )
