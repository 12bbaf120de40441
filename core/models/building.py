"""Build networks without drawing random weights, which takes seconds for a large network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.base.draws import entropy, torch_generator

Build = Callable[[], nn.Module]
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)  # initialised with ones and zeros


class _NoMemory(TorchFunctionMode):
    """Inside, `torch.empty` (parameters begin as such) takes no memory. All else works as usual:
    some networks, RegNets among them, compute their widths with small tensors, which
    `torch.device("meta")` would leave without values."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def skeleton(build: Build) -> nn.Module:
    """Build the network in evaluation mode on the device "meta": shapes without values.

    A pass through it costs almost nothing.
    """
    with _NoMemory():
        return build().to("meta").eval()


def blank(build: Build) -> nn.Module:
    """Build the network on the CPU; its parameters have memory but no values yet."""
    with _NoMemory():
        network = build()
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and parameter.is_meta:
                values = torch.empty(parameter.shape, dtype=parameter.dtype)
                module._parameters[name] = nn.Parameter(values, parameter.requires_grad)
    return network


def fill(network: nn.Module, state: Mapping[str, Tensor], assign: bool = False) -> None:
    """Load a complete state dict, also into MnasNet, which refuses one without its version.

    assign: use these tensors themselves instead of copying their values.
    """
    whole = network.state_dict()  # holds the versions of its modules
    whole.clear()
    whole.update(state)
    network.load_state_dict(whole, assign=assign)


def untrained(build: Build, seed: int) -> dict[str, Tensor]:
    """Return a complete state dict of random weights: Kaiming normal for convolutions and linear
    layers, zero biases, norms as initialised.

    Args:
        seed: each layer has its own generator, so that the same seed gives the same weights.
    """
    with _NoMemory():
        unset = any(_needs_its_own(module) for module in build().modules())
    if unset:  # a layer of another kind: only its own code can initialise it
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(entropy("init", seed))
            return build().state_dict()
    network = blank(build)
    for name, module in network.named_modules():
        if isinstance(module, NORMS):
            module.reset_parameters()
        elif isinstance(module, nn.Conv2d | nn.Linear):
            _draw(module, torch_generator("init", name, seed))
    return network.state_dict()


def _needs_its_own(module: nn.Module) -> bool:
    known = isinstance(module, (nn.Conv2d, nn.Linear, *NORMS))
    return not known and any(parameter is not None and parameter.is_meta for parameter in module._parameters.values())


def _draw(layer: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    with torch.no_grad():
        layer.weight.normal_(0, math.sqrt(2 / layer.weight[0].numel()), generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()
