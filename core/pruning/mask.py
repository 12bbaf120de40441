"""Masks: bool by parameter name, True = kept. Kept beside the weights, never inside the module."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

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

    Kept weights become 1, everything else 0, and an image of ones goes through: something arrives exactly when a path
    exists, because sums, ReLU and pooling keep what is positive positive.

    Args:
        network: feed-forward, of convolutions, linear layers, ReLU and pooling.
        mask: of all its weights.
        input_shape: (channels, height, width).
    """
    if all(bool(kept.flatten(1).any(dim=1).all()) for kept in mask.values()):
        return False  # every output channel of every layer still hears something
    ones = {
        name: mask[name].double() if name in mask else torch.zeros_like(p, dtype=torch.double) for name, p in network.named_parameters()
    }
    for name, module in network.named_modules():  # BatchNorm hands on what arrives
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            ones |= {f"{name}.{part}": torch.ones(module.num_features, dtype=torch.double) for part in ("weight", "running_var")}
            ones[f"{name}.running_mean"] = torch.zeros(module.num_features, dtype=torch.double)
    device = next(iter(mask.values())).device
    with torch.no_grad():
        arrived = functional_call(network, ones, torch.ones(1, *input_shape, dtype=torch.double, device=device))
    return not bool((arrived > 0).any())
