"""Model cards: all that is needed to load, prune, explain and show a network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Number
from operator import index
from pathlib import Path
from typing import SupportsFloat

import torch
from torch import Tensor, nn

from core.base.brief import brief
from core.base.progress import Progress
from core.models.building import blank, skeleton
from core.models.layers import Layer, target_layers
from core.models.unprunable import unprunable
from core.pruning.groups import conv_groups
from core.specs import ModelSpec, PruningSpec, Schedule

State = dict[str, Tensor]
LoadWeights = Callable[[Path, Progress | None], State]  # folder for downloads -> a complete state dict
PRUNABLE_KINDS = {nn.Conv2d: "conv", nn.Linear: "linear"}
RANDOM = "random"  # weights that every network has: untrained, drawn from the seed
WEIGHTS_TITLES = {  # what people read for sets of weights
    "imagenet": "ImageNet",
    "by-hand": "Your copy, unverified",
    RANDOM: "Untrained (control)",
    "merkle-layer": "Less is More, per layer",
    "merkle-global": "Less is More, global",
}
# Without retraining, networks for photographs fail early: at 50 % most have lost half of their
# correct answers, at 75 % nearly all.
FINE_STEPS = tuple(step / 1000 for step in range(0, 601, 25))


def _number(value: SupportsFloat) -> float:
    """Convert to float, but no text: "05" is not 0 and 5."""
    if isinstance(value, str):
        raise TypeError
    return float(value) + 0.0


@dataclass(frozen=True, kw_only=True)
class InputRule:
    """How an image becomes a network's input.

    size_px: (height, width); a single number for a square. resize_px: the shorter side is scaled to
    this before the centre crop; None: the image is scaled directly to size_px.
    mean, std: of each channel, in units of `value_range` and in `channel_order`; one channel means
    grey images, a fourth one is opaque everywhere. interpolation: "bilinear" or "bicubic", of the
    scaling. channel_order: "RGB", or "BGR" (Caffe, OpenCV). value_range: what black and white are
    before the mean is subtracted: (0, 1), (0, 255) or (-1, 1).
    """

    size_px: tuple[int, int]
    resize_px: int | None = None
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"
    channel_order: str = "RGB"
    value_range: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        """Bring equal rules into one form: 64 is (64, 64), lists are tuples, -0 is 0. What is no
        number stays, for `check_rule` to refuse.
        """
        for name, convert in (("size_px", index), ("mean", _number), ("std", _number), ("value_range", _number)):
            value = getattr(self, name)
            with suppress(TypeError, ValueError, OverflowError):
                several = [value] * (2 if name == "size_px" else 1) if isinstance(value, Number) else value
                object.__setattr__(self, name, tuple(map(convert, several)))

    @property
    def channels(self) -> int:
        return len(self.mean)

    def __call__(self, images: Tensor) -> Tensor:
        """Turn images (N, channels, H, W) in [0, 1] into a network's input: order the channels,
        stretch to the value range, subtract the mean, divide by the standard deviation.
        """
        if self.channels == 4 and images.shape[1] == 3:
            images = torch.cat([images, torch.ones_like(images[:, :1])], dim=1)
        if self.channel_order == "BGR":
            images = torch.cat([images[:, :3].flip(1), images[:, 3:]], dim=1)
        low, high = self.value_range
        if (low, high) != (0, 1):
            images = images * (high - low) + low
        if not any(self.mean) and set(self.std) == {1.0}:
            return images
        mean, std = (
            torch.tensor(values, device=images.device, dtype=images.dtype)[:, None, None]
            for values in (self.mean, self.std)
        )
        return (images - mean) / std


@dataclass(frozen=True, kw_only=True)
class Series:
    """A trained series of networks. targets: the requested sparsity of each level from 0 on."""

    targets: tuple[float, ...]
    seeds: tuple[int, ...]
    schedule: Schedule = "retrained"

    @property
    def last(self) -> int:
        """The last level."""
        return len(self.targets) - 1

    @property
    def levels(self) -> tuple[tuple[PruningSpec, float], ...]:
        """Each level's spec and target."""
        return tuple((PruningSpec.at_level(level, self.schedule), target) for level, target in enumerate(self.targets))


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One set of dense weights. load: None for weights that the store keeps under the model's key
    (trained here). series: the trained series that starts from them.
    """

    summary: str
    series: Series | None = None
    load: LoadWeights | None = None
    origin: str = ""  # package or address
    licence: str = ""
    bytes: int = 0
    file: str = ""  # file that `load` reads, below the folder for downloads; "" for a package or a value in memory
    found: Callable[[Path], bool] = field(default=lambda folder: True)  # whether they are already on this machine


@brief
@dataclass(frozen=True, kw_only=True)
class Card:
    """One network.

    build: builds it with random weights (without in-place ReLUs). target_layer: default layer of
    heatmaps. images: "digits" or "photos", the kind of input. classifier: the weight of the layer
    that computes the logits.
    seeds: of the available trained networks. dense: the pruning whose stored weights are the dense
    network (level 0 of a trained series). levels: last level of the longest trained series, if any.
    grid: sparsities of curves.
    notes: remarks on the card itself, in sentences.
    """

    build: Callable[[], nn.Module]
    target_layer: str
    input: InputRule
    classes: tuple[str, ...]
    weights: dict[str, Weights]
    classifier: str
    images: str = "photos"
    seeds: tuple[int, ...] = (0,)
    dense: PruningSpec = field(default_factory=PruningSpec)
    levels: int | None = None
    grid: tuple[float, ...] = FINE_STEPS
    notes: tuple[str, ...] = ()

    def __hash__(self) -> int:  # equal cards have equal hashes; a card is part of cache keys of pages
        return hash((self.target_layer, self.classifier, self.images))

    @property
    def reads_digits(self) -> bool:
        """Whether its input is grey digits; otherwise photographs."""
        return self.images == "digits"

    def series_of(self, weights: str) -> Series | None:
        """Return the trained series of these weights, or None."""
        source = self.weights.get(weights)
        return source.series if source else None

    def first_model(self, name: str) -> ModelSpec:
        """Return the first weights of this card and their first seed."""
        weights = next(iter(self.weights))
        series = self.series_of(weights)
        return ModelSpec(name=name, weights=weights, seed=(series.seeds if series else self.seeds)[0])

    @property
    def input_px(self) -> tuple[int, int]:
        """(height, width)"""
        return self.input.size_px

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)"""
        return (self.input.channels, *self.input.size_px)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor of the state dict, found without allocating values."""
        return {name: tuple(values.shape) for name, values in self._skeleton.state_dict().items()}

    @cached_property
    def prunable(self) -> tuple[str, ...]:
        """Names of the prunable weights: those of convolutions and linear layers, never biases."""
        return tuple(self.kinds)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """ "conv" or "linear" by name of each prunable weight, in the order of the network's
        definition.
        """
        modules = self._skeleton.named_modules()
        found = {
            f"{name}.weight": kind
            for name, module in modules
            for cls, kind in PRUNABLE_KINDS.items()
            if isinstance(module, cls)
        }
        return {name: kind for name, kind in found.items() if name in self.shapes}

    @cached_property
    def unprunable(self) -> dict[str, str]:
        """Why a weight is never pruned, by its name: it belongs to a layer of another kind, such as
        a transposed convolution. Biases, norms and other vectors are not listed.
        """
        return unprunable(self._skeleton, self.prunable)

    @property
    def skeleton(self) -> nn.Module:
        """The network in evaluation mode on the device "meta": shapes without values.

        Shared: do not modify it.
        """
        return self._skeleton

    @cached_property
    def conv_groups(self) -> dict[str, int]:
        """Number of groups by name of the weight, for convolutions that have more than one."""
        return conv_groups(self._skeleton)

    @cached_property
    def parameters(self) -> int:
        """Number of parameters of every kind."""
        return sum(parameter.numel() for parameter in self._skeleton.parameters())

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The possible target layers, in the order in which they run."""
        try:
            return target_layers(self._skeleton, self.input_shape)
        except Exception:  # custom code that depends on values, whatever it raises without any
            return target_layers(self.build().eval(), self.input_shape)

    def blank(self) -> nn.Module:
        """Build the network for `load_state_dict`: its parameters have no values yet, so that this
        is fast even for large networks.
        """
        return blank(self.build)

    @cached_property
    def _skeleton(self) -> nn.Module:
        return skeleton(self.build)
