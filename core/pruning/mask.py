"""Masks: bool by parameter name, True = kept. Stored beside the weights, never in the module."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.pruning.groups import row_by_row
from core.pruning.paths import image_arrives
from core.results import LayerCount

Mask = dict[str, Tensor]


def full_mask(weights: Mapping[str, Tensor], names: tuple[str, ...]) -> Mask:
    """Return a mask that keeps everything."""
    return {name: torch.ones_like(weights[name], dtype=torch.bool) for name in names}


def count_left(kept: Tensor, weights: Tensor) -> int:
    """Count the weights that are kept and not zero. kept: bool of the weight's shape, or of its
    groups.
    """
    return sum(int(torch.count_nonzero((values != 0) & stays)) for stays, values in row_by_row(kept, weights))


def count_layers(
    weights: Mapping[str, Tensor], mask: Mapping[str, Tensor], kinds: Mapping[str, str]
) -> tuple[LayerCount, ...]:
    """Count each layer of a pruned network.

    Args:
        weights: by name, those outside the mask zero. mask: empty for a dense network. kinds:
            "conv" or "linear" by name of the weight.
    """
    return tuple(_count_layer(name, kind, weights[name], mask.get(name)) for name, kind in kinds.items())


def _count_layer(name: str, kind: str, values: Tensor, kept: Tensor | None) -> LayerCount:
    left, inside = int(torch.count_nonzero(values)), values.numel() if kept is None else int(torch.count_nonzero(kept))
    return LayerCount(name=name, kept=left, total=values.numel(), kind=kind, already_zero=inside - left)


def is_collapsed(network: nn.Module, mask: Mapping[str, Tensor], input_shape: tuple[int, int, int]) -> bool:
    """Return True if no path of remaining weights connects input and output, so that every image
    gets the same answer.

    Args:
        network: any CNN, in eval mode; shapes are enough (device "meta"), values are ignored. mask:
        True where left, by name of the weight; weights without a mask are complete. input_shape:
        (channels, height, width).
    """
    if all(bool(kept.flatten(1).any(dim=1).all()) for kept in mask.values() if kept.dim() > 1):
        return False  # every output channel of every layer still has an input
    return not image_arrives(network, mask, input_shape)
