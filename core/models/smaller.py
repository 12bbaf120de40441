"""Architectures with fewer channels: which layers differ from the full network, and how to build
them again.

Only sizes are stored, never code. Physical removal (core/pruning/structured.py) changes the sizes
of layers and adds biases; it inserts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from core.base.errors import BadFile
from core.models.efficientnet_lite import StemOrHead

NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
RESIZED = (nn.Conv2d, nn.Linear, nn.PReLU, *NORMS)
MOST_CHANNELS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class LayerSize:
    """Size of a layer. inputs, outputs: channels; of a normalisation, both are the same. groups: of
    a convolution. bias: whether it has one.
    """

    inputs: int
    outputs: int
    groups: int = 1
    bias: bool = True


@dataclass(frozen=True, kw_only=True)
class Smaller:
    """What makes a network smaller than its architecture, and what it was.

    layers: those that differ, by name. rescales: whether GoogLeNet or Inception rescales its
    input; None for other networks. title: of the network that was shrunk. variant: its key.
    filters, filters_before: of all layers but the classifier, now and in the full architecture.
    origin, licence: of the weights.
    """

    layers: Mapping[str, LayerSize]
    rescales: bool | None
    title: str
    variant: str
    filters: int
    filters_before: int
    origin: str = ""
    licence: str = ""

    @property
    def removed(self) -> int:
        return self.filters_before - self.filters

    def facts(self) -> dict[str, Any]:
        """Return the description for JSON."""
        return asdict(self)

    @classmethod
    def read(cls, facts: dict[str, Any]) -> Smaller:
        """Read the description. Raises KeyError, TypeError or ValueError if it is invalid."""
        layers = {str(name): LayerSize(**size) for name, size in dict(facts["layers"]).items()}
        for name, size in layers.items():
            numbers = (size.inputs, size.outputs, size.groups)
            if not all(type(number) is int and 0 < number <= MOST_CHANNELS for number in numbers):
                raise ValueError(f"{name} has {size.inputs} inputs, {size.outputs} outputs, {size.groups} groups")
            if size.inputs % size.groups or size.outputs % size.groups or type(size.bias) is not bool:
                raise ValueError(f"{name} has {size.groups} groups of {size.inputs} inputs and {size.outputs} outputs")
        return cls(**{**facts, "layers": layers})


def sizes(network: nn.Module) -> dict[str, LayerSize]:
    """Return the size of every layer that physical removal can change, by name."""
    return {name: _size(module) for name, module in network.named_modules() if isinstance(module, RESIZED)}


def changed(full: nn.Module, small: nn.Module) -> dict[str, LayerSize]:
    """Return the sizes of the layers that differ between two networks of the same architecture."""
    before = sizes(full)
    return {name: size for name, size in sizes(small).items() if size != before[name]}


def filters(network: nn.Module, classifier: str) -> int:
    """Count the filters of all convolutions and linear layers but the classifier."""
    layers = {f"{name}.weight": module for name, module in network.named_modules()}
    return sum(
        len(layer.weight)
        for name, layer in layers.items()
        if isinstance(layer, nn.Conv2d | nn.Linear) and name != classifier
    )


def build(full: Callable[[], nn.Module], smaller: Smaller) -> nn.Module:
    """Build the smaller network; its changed layers have no values yet.

    Raises BadFile if a layer does not exist or has another kind.
    """
    network = full()
    for name, size in smaller.layers.items():
        try:
            _resize(network.get_submodule(name), size)
        except (AttributeError, TypeError) as error:
            raise BadFile(
                f"The description of a smaller network names the layer '{name[:80]}', which its architecture lacks.",
                "The description is written when the network is saved.",
                "Save the smaller network again.",
            ) from error
    if smaller.rescales is not None and hasattr(network, "transform_input"):
        network.transform_input = smaller.rescales  # type: ignore[assignment]
    return with_head(network)


def with_head(network: nn.Module) -> nn.Module:
    """Return the same network. EfficientNet-lite tells its last activation from its first by the
    number of channels, which physical removal changes.
    """
    for parent in list(network.modules()):
        for activation in parent.children():
            if isinstance(activation, StemOrHead):
                activation.head_channels = parent.get_submodule("_conv_head").out_channels  # type: ignore[assignment]
    return network


def _size(module: Any) -> LayerSize:
    bias = getattr(module, "bias", None) is not None
    if isinstance(module, nn.Conv2d):
        return LayerSize(inputs=module.in_channels, outputs=module.out_channels, groups=module.groups, bias=bias)
    if isinstance(module, nn.Linear):
        return LayerSize(inputs=module.in_features, outputs=module.out_features, bias=bias)
    count = module.num_parameters if isinstance(module, nn.PReLU) else module.num_features
    return LayerSize(inputs=count, outputs=count, bias=bias)


def _resize(module: Any, size: LayerSize) -> None:
    """Give a layer this size. Raises TypeError for a layer of another kind."""
    if isinstance(module, nn.Conv2d):
        module.in_channels, module.out_channels, module.groups = size.inputs, size.outputs, size.groups
        module.weight = _unset(size.outputs, size.inputs // size.groups, *module.kernel_size)
    elif isinstance(module, nn.Linear):
        module.in_features, module.out_features = size.inputs, size.outputs
        module.weight = _unset(size.outputs, size.inputs)
    elif isinstance(module, nn.PReLU):
        module.num_parameters, module.weight = size.outputs, _unset(size.outputs)
        return
    elif isinstance(module, NORMS):
        module.num_features = size.outputs
        module.weight = None if module.weight is None else _unset(size.outputs)
        for name in ("running_mean", "running_var"):
            if getattr(module, name) is not None:
                setattr(module, name, torch.zeros(size.outputs))
    else:
        raise TypeError(type(module).__name__)
    module.bias = _unset(size.outputs) if size.bias else None


def _unset(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape))
