"""Build networks around existing tensors, or with uninitialised memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from core.models.building import fill
from core.models.cards import Card
from core.store.weights import Weights


def around(card: Card, weights: Weights) -> nn.Module:
    """Build a network whose parameters and buffers are these tensors, without memory of its own.

    In eval mode, parameters frozen.
    """
    network = card.blank()
    fill(network, weights, assign=True)
    device = next(iter(weights.values())).device
    return network.requires_grad_(False).eval().to(device)  # moves tensors that no state dict holds


def empty(card: Card, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Build a network with memory of its own whose parameters have no values yet.

    In eval mode, parameters frozen.
    """
    network, made = card.blank(), dict[int, nn.Parameter]()
    for module in network.modules():
        for name, old in module._parameters.items():
            if old is not None:
                new = made.setdefault(
                    id(old), nn.Parameter(torch.empty(old.shape, dtype=dtype, device=device), requires_grad=False)
                )
                module._parameters[name] = new
        for name, values in module._buffers.items():
            if values is not None:
                module._buffers[name] = values.to(
                    device, dtype if values.is_floating_point() else values.dtype, copy=True
                )
    return network.eval()


def takes_and_gives(network: nn.Module, device: torch.device, dtype: torch.dtype, home: torch.device) -> nn.Module:
    """Make the network accept inputs of any device and precision, and return its logits in float32
    on `home`.

    Args:
        device, dtype: of its parameters. home: device of the logits.
    """

    def taken(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            values.to(device, dtype) if isinstance(values, Tensor) and values.is_floating_point() else values
            for values in inputs
        )

    network.register_forward_pre_hook(taken)
    network.register_forward_hook(
        lambda module, inputs, logits: logits.to(home, torch.float32) if isinstance(logits, Tensor) else logits
    )
    return network
