"""Count the multiply-adds of one image from the shapes of a real pass."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

COUNTED = (nn.modules.conv._ConvNd, nn.Linear)


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-adds of one layer for one image: all, and those whose weight is not zero."""

    all: int
    left: int


def multiply_adds(network: nn.Module, example: Tensor) -> dict[str, MultiplyAdds]:
    """Count the multiply-adds of every convolution and linear layer in a pass, by name of the
    layer.

    Each weight multiplies once at every position of its layer's output (of a transposed
    convolution: of its input); groups are in the weight's shape. Biases, BatchNorm, activations and
    pooling are left out, as is usual in papers.

    Args:
        network: in eval mode. example: (N, channels, H, W); the count is for one of the N.
    Source: the usual count, e.g. He et al. 2015, Table 1 ("FLOPs" there are multiply-adds).
    """
    counts: dict[str, MultiplyAdds] = {}

    def count(name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Tensor) -> None:
            places = _places(module, inputs[0] if getattr(module, "transposed", False) else output) // len(example)
            before = counts.get(name, MultiplyAdds(0, 0))  # a layer that is used twice counts twice
            kept = int(torch.count_nonzero(module.weight))
            counts[name] = MultiplyAdds(before.all + module.weight.numel() * places, before.left + kept * places)

        return hook

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, COUNTED):
                hooks.callback(module.register_forward_hook(count(name)).remove)
        network(example)
    return counts


def zeros(network: nn.Module) -> int:
    """Count the parameters of every kind that are zero."""
    return sum(values.numel() - int(torch.count_nonzero(values)) for values in network.parameters())


def _places(module: nn.Module, values: Tensor) -> int:
    """Return the cells of a layer's values over the whole batch: images x positions."""
    return values.numel() // values.shape[-1] if isinstance(module, nn.Linear) else values.numel() // values.shape[1]
