"""Parameters that are removed with a whole filter: its bias, and the weight and bias of the
BatchNorm that directly follows.

Without this, an emptied channel would still carry a constant. With it, the channel is exactly zero
and can be removed without any change of the outputs. Pruning of single weights, kernels or input
channels keeps biases, as the protocols do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from core.pruning.mask import Mask

LAYERS = (nn.modules.conv._ConvNd, nn.Linear)
BATCH_NORMS = nn.modules.batchnorm._BatchNorm


def companions(network: nn.Module, example: Tensor) -> dict[str, tuple[str, ...]]:
    """Return the names of the parameters of the output channels of each convolution and linear
    layer, by the name of its weight.

    Found in one pass: a BatchNorm follows a layer if its input is the layer's output tensor itself.

    Args:
        network: in eval mode; shapes are enough (device "meta").
        example: (1, channels, H, W) on the network's device.
    """
    partners = {
        f"{name}.weight": [f"{name}.bias"] * (module.bias is not None)
        for name, module in network.named_modules()
        if isinstance(module, LAYERS)
    }
    outputs: list[tuple[str, Tensor]] = []  # kept until the end, so that no other tensor gets the same id
    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, LAYERS):
                hooks.callback(module.register_forward_hook(_remember(outputs, f"{name}.weight")).remove)
            elif isinstance(module, BATCH_NORMS) and module.affine:
                hooks.callback(module.register_forward_pre_hook(_follow(outputs, partners, name)).remove)
        network(example)
    return {weight: tuple(dict.fromkeys(names)) for weight, names in partners.items()}


def companion_masks(mask: Mapping[str, Tensor], partners: Mapping[str, tuple[str, ...]]) -> Mask:
    """Return masks (output channels,) of the parameters of filters that are removed; for
    granularity "filter" only.

    Args:
        mask: of the weights. partners: from `companions`.
    """
    masks: Mask = {}
    for weight, names in partners.items():
        if weight in mask:
            alive = mask[weight].flatten(1).any(1)
            masks |= {name: masks[name] & alive if name in masks else alive for name in names}
    return masks


def _remember(outputs: list[tuple[str, Tensor]], weight: str) -> Callable[[nn.Module, Any, Tensor], None]:
    return lambda module, inputs, output: outputs.append((weight, output))


def _follow(
    outputs: list[tuple[str, Tensor]], partners: dict[str, list[str]], norm: str
) -> Callable[[nn.Module, Any], None]:
    def hook(module: nn.Module, inputs: Any) -> None:
        for weight, output in outputs:
            if output is inputs[0]:
                partners[weight] += [f"{norm}.weight", f"{norm}.bias"]

    return hook
