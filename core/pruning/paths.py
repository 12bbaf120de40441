"""Check whether the output depends on the image, whatever the values of the kept weights are.

Every value carries a second one: 1 if it depends on the image, else 0 (forward-mode derivatives).
Convolutions and linear layers propagate it along kept weights; all else (sums, products, pooling,
concatenation) is computed as usual on positive values with positive derivatives, so that nothing
cancels and a product depends on the image if one of its factors does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from threading import Lock
from typing import Any

import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

Rule = Callable[[Tensor], Tensor]  # dependence on the image before a layer -> after it; 0 or positive
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
ROWS = 1024  # of a linear layer's mask that are converted to numbers at once
ONE_AT_A_TIME = Lock()  # forward-mode derivative levels are global to the process
# Elementwise: each output depends on the image if its input does. A dead gate is a constant, not
# zero.
ELEMENTWISE = (
    *(nn.Identity, nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.LocalResponseNorm),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Softplus),
    *(nn.Sigmoid, nn.Hardsigmoid, nn.Tanh, nn.Hardtanh),
)


def image_arrives(network: nn.Module, mask: Mapping[str, Tensor], input_shape: tuple[int, int, int]) -> bool:
    """Return whether a path of kept weights connects the input and at least one output.

    Args:
        network: in eval mode; shapes are enough (device "meta"), values are ignored. It is not
            changed; a copy without values is used.
        mask: bool by name of the weight; weights without one are kept.
        input_shape: (channels, height, width).
    """
    network = _without_values(network)
    for name, module in network.named_modules():
        rule = _rule(module, mask.get(f"{name}.weight"))
        if rule is not None or _is_leaf(module):
            module.forward = _watched(module.forward, rule)
    # A warning of torch itself, about how it loads forward-mode rules.
    quiet = warnings.catch_warnings(action="ignore", category=FutureWarning)
    with ONE_AT_A_TIME, torch.no_grad(), quiet, forward_ad.dual_level():
        image = _dual(torch.ones(1, *input_shape))
        outputs = functional_call(network, dict(_others(network, mask)), image)
        return any(bool((_reach(values) > 0).any()) for values in _tensors(outputs))


def _without_values(network: nn.Module) -> nn.Module:
    """Return a copy whose parameters take no memory."""
    meta: dict[int, Tensor] = {
        id(values): nn.Parameter(values.detach().to("meta"), False) for values in network.parameters()
    }
    return deepcopy(network, meta | {id(values): values.to("meta") for values in network.buffers()})


def _watched(forward: Callable[..., Any], rule: Rule | None) -> Callable[..., Any]:
    def call(values: Any, *more: Any, **options: Any) -> Any:
        if rule is not None:
            return _dual(rule(_reach(values)))
        try:
            outputs = forward(values, *more, **options)
        except (RuntimeError, NotImplementedError):  # a custom operation without forward-mode derivatives
            plain, reach = forward(forward_ad.unpack_dual(values).primal, *more, **options), _reach(values)
            return _dual(reach if plain.shape == reach.shape else reach.amax().expand(plain.shape))
        return _dual(_reach(outputs)) if isinstance(outputs, Tensor) else outputs

    return call


def _dual(reach: Tensor) -> Tensor:
    """Return positive values, larger where they depend on the image, so that max pooling prefers
    those.
    """
    reach = (reach > 0).float()
    return forward_ad.make_dual(1 + reach, reach)


def _reach(values: Tensor) -> Tensor:
    plain, tangent = forward_ad.unpack_dual(values)
    return torch.zeros_like(plain) if tangent is None else tangent


def _rule(module: Any, mask: Tensor | None) -> Rule | None:
    if isinstance(module, CONVOLUTIONS) and type(module).forward in [kind.forward for kind in CONVOLUTIONS]:
        return lambda reach: module._conv_forward((reach > 0).float(), _kept(module, mask).float(), None)
    if isinstance(module, nn.Linear) and type(module).forward is nn.Linear.forward:
        return lambda reach: torch.cat(
            [F.linear((reach > 0).float(), rows.float()) for rows in _kept(module, mask).split(ROWS)], -1
        )
    if isinstance(module, nn.GroupNorm):
        return lambda reach: _over(reach.unflatten(1, (module.num_groups, -1)), 2).view(reach.shape)
    if isinstance(module, nn.modules.instancenorm._InstanceNorm):
        return lambda reach: _over(reach, 2)
    if isinstance(module, nn.LayerNorm):
        return lambda reach: _layer_norm(module, reach)
    return (lambda reach: reach) if isinstance(module, ELEMENTWISE) else None


def _kept(module: Any, mask: Tensor | None) -> Tensor:
    return torch.ones(module.weight.shape, dtype=torch.bool) if mask is None else mask.cpu()


def _over(reach: Tensor, first: int) -> Tensor:
    """Values that are normalised together depend on the image if any of them does."""
    return reach.amax(tuple(range(first, reach.dim())), keepdim=True).expand(reach.shape).contiguous()


def _layer_norm(module: nn.LayerNorm, reach: Tensor) -> Tensor:
    """Normalise over the last dimensions, or over the channels if a subclass moves them to the end
    and back.
    """
    dims = len(module.normalized_shape)
    if tuple(reach.shape[-dims:]) == tuple(module.normalized_shape):
        return _over(reach, reach.dim() - dims)
    return reach.amax(1, keepdim=True).expand(reach.shape)


def _is_leaf(module: nn.Module) -> bool:
    return not any(True for _ in module.children())


def _others(network: nn.Module, mask: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield values without a rule: masks of layers with custom computations, ones for the scale of
    a block and the like.
    """
    for name, module in network.named_modules():
        if _rule(module, None) is None:
            for part, values in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
                full = f"{name}.{part}" if name else part
                if values.is_floating_point():
                    yield full, mask[full].float().cpu() if full in mask else torch.ones(values.shape)


def _tensors(outputs: Any) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else [values for values in outputs if isinstance(values, Tensor)]
