"""Find the inputs of a layer that are zero, or another constant, for every image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from core.base.draws import torch_generator

SUMS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
BATCH_NORMS = nn.modules.batchnorm._BatchNorm
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.modules.instancenorm._InstanceNorm)
Hook = Callable[[nn.Module, Any, Any], Any]


def silent_inputs(network: nn.Module, example: Tensor) -> dict[str, Tensor]:
    """Find the input channels of each convolution and linear layer that are always zero.

    A positive image passes through a network in which every kept parameter is 1: a value is above
    zero exactly if a path of kept weights, biases and BatchNorm shifts leads to it. Activations are
    unchanged, so that a sigmoid, which maps zero to 0.5, is a source as well; a product with zero
    is zero. Each layer's output is scaled to between 0.5 and 1.5 by random numbers, so that values
    stay bounded and the difference of two branches does not cancel.

    Args:
        network: in eval mode; of sums, products, pooling, and activations that keep positive values
            positive.
        example: (N, channels, H, W); only its shape, type and device are used.
    Returns:
        by name of the layer: (input channels,) bool on the CPU, True where always zero. Grouped
        convolutions are left out.
    """
    silent: dict[str, Tensor] = {}
    generator = torch_generator("reach")
    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, SUMS) and getattr(module, "groups", 1) == 1:
                hooks.callback(module.register_forward_pre_hook(_record(silent, name)).remove)
            if hook := _after(module, generator):
                hooks.callback(module.register_forward_hook(hook).remove)
        functional_call(network, _kept_as_ones(network), torch.ones_like(example[:1]))
    return silent


def fixed_inputs(network: nn.Module, example: Tensor) -> dict[str, Tensor]:
    """Find the inputs of each convolution and linear layer that are the same for every image, with
    their values.

    An image of NaN passes through the unchanged network. NaN passes sums, products, pooling and
    activations, and stands for "depends on the image"; a convolution or linear layer propagates it
    along kept weights only. Any other value is the same for every image.

    Args: as `silent_inputs`.
    Returns:
        by name of the layer: (input channels, positions) on the example's device, NaN where the
        image matters; a position is a pixel of a convolution's input or a token of a linear
        layer's. Grouped convolutions are left out.
    """
    fixed: dict[str, Tensor] = {}
    asking = False  # whether a hook runs its own layer, whose hook must then do nothing

    def hook(name: str) -> Hook:
        def hand_on(module: Any, inputs: Any, output: Tensor) -> Tensor:
            nonlocal asking
            if asking:
                return output
            values, unknown = inputs[0], inputs[0].isnan()
            if getattr(module, "groups", 1) == 1:
                seen = values.transpose(-1 if isinstance(module, nn.Linear) else 1, 0).flatten(1)
                fixed[name] = fixed[name].where(fixed[name] == seen, torch.nan) if name in fixed else seen
            bias = {} if module.bias is None else {"bias": torch.zeros_like(module.bias)}
            asking = True
            reached = (
                functional_call(module, {"weight": _is_kept(module.weight), **bias}, unknown.to(values.dtype)) != 0
            )
            asking = False
            return module.forward(values.masked_fill(unknown, 0)).masked_fill(reached, torch.nan)

        return hand_on

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, SUMS):
                hooks.callback(module.register_forward_hook(hook(name)).remove)
        network(torch.full_like(example[:1], torch.nan))
    return fixed


def _record(found: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any], None]:
    def hook(module: nn.Module, inputs: Any) -> None:
        values = inputs[0].transpose(-1 if isinstance(module, nn.Linear) else 1, 0)
        silent = (values.flatten(1) == 0).all(1).cpu()
        found[name] = found[name] & silent if name in found else silent  # a layer that is used twice

    return hook


def _after(module: nn.Module, generator: torch.Generator) -> Hook | None:
    """Return a hook that replaces a layer's output: the same zeros, or positive everywhere if zeros
    do not pass channel by channel.
    """
    if isinstance(module, SUMS) or (isinstance(module, BATCH_NORMS) and module.running_mean is not None):
        return lambda module, inputs, output: (output != 0) * _positive(output, generator)
    foreign = next(module.parameters(recurse=False), None) is not None and not isinstance(module, nn.PReLU)
    if foreign or isinstance(module, (BATCH_NORMS, *NORMS)):
        return lambda module, inputs, output: _positive(output, generator) if isinstance(output, Tensor) else output
    return None


def _positive(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(like.shape, generator=generator).to(like) + 0.5


def _kept_as_ones(network: nn.Module) -> dict[str, Tensor]:
    """Return 1 for each parameter that is not zero; in BatchNorm, for each shift that results from
    mean, variance, weight and bias.
    """
    ones = {name: _is_kept(values) for name, values in network.named_parameters()}
    for name, module in network.named_modules():
        if isinstance(module, BATCH_NORMS) and module.running_mean is not None and module.running_var is not None:
            prefix = f"{name}." if name else ""
            scale = (module.running_var + module.eps).rsqrt() * (1 if module.weight is None else module.weight)
            shift = _is_kept((0 if module.bias is None else module.bias) - module.running_mean * scale)
            ones[f"{prefix}running_var"] = torch.ones_like(module.running_var)
            ones[f"{prefix}running_mean"] = -shift if module.bias is None else torch.zeros_like(shift)
            if module.bias is not None:
                ones[f"{prefix}bias"] = shift
    return ones


def _is_kept(values: Tensor) -> Tensor:
    return (values != 0).to(values.dtype)
