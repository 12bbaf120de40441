"""Masks: bool by parameter name, True = kept. Kept beside the weights, never inside the module."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.pruning.paths import image_arrives
from core.results import LayerCount

Mask = dict[str, Tensor]


def apply_mask(weights: Mapping[str, Tensor], mask: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights with everything outside the mask set to +0; names without a mask as they are."""
    return {name: torch.where(mask[name], values, 0) if name in mask else values for name, values in weights.items()}


def full_mask(weights: Mapping[str, Tensor], names: tuple[str, ...]) -> Mask:
    """Everything kept."""
    return {name: torch.ones_like(weights[name], dtype=torch.bool) for name in names}


def count_layers(mask: Mapping[str, Tensor], kinds: Mapping[str, str] | None = None) -> tuple[LayerCount, ...]:
    """Kept and all weights of each layer, counted from the tensors. kinds: "conv" (also where nothing is said) or "linear" by name."""
    return tuple(
        LayerCount(name=name, kept=int(kept.sum()), total=kept.numel(), kind=(kinds or {}).get(name, "conv")) for name, kept in mask.items()
    )


def is_collapsed(network: nn.Module, mask: Mapping[str, Tensor], input_shape: tuple[int, int, int]) -> bool:
    """True when no path of kept weights joins input and output, so that every image gets the same answer.

    Args:
        network: any CNN, in eval mode; shapes are enough (device "meta"), values are not looked at.
        mask: by name of the weight; weights without one are kept.
        input_shape: (channels, height, width).
    """
    if all(bool(kept.flatten(1).any(dim=1).all()) for kept in mask.values() if kept.dim() > 1):
        return False  # every output channel of every layer still hears something
    return not image_arrives(network, mask, input_shape)
