"""Cards: what must be known of a network to load, prune, explain and show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from core.base.progress import Progress
from core.models.building import blank, skeleton
from core.models.layers import Layer, target_layers
from core.pruning.groups import conv_groups
from core.specs import ModelSpec, PruningSpec, Schedule

State = dict[str, Tensor]
LoadWeights = Callable[[Path, Progress | None], State]  # folder for downloads -> a complete state dict
PRUNABLE_KINDS = {nn.Conv2d: "conv", nn.Linear: "linear"}
RANDOM = "random"  # the weights that every network has: untrained, drawn from the seed
# Without retraining natural networks die early (at 50 % most have lost half of their right answers,
# at 75 % nearly all).
FINE_STEPS = tuple(step / 1000 for step in range(0, 601, 25))


@dataclass(frozen=True, kw_only=True)
class InputRule:
    """How a picture becomes a network's input.

    size_px: (height, width). resize_px: the shorter side is scaled to this before the centre is cut
    out; None: straight to size_px.
    mean, std: of each channel, in units of [0, 1]; one channel is a grey network. interpolation:
    "bilinear" or "bicubic", of the scaling.
    """

    size_px: tuple[int, int]
    resize_px: int | None = None
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"

    @property
    def channels(self) -> int:
        return len(self.mean)

    def __call__(self, images: Tensor) -> Tensor:
        """Network input of images (N, channels, H, W) in [0, 1]: minus mean, divided by standard
        deviation.
        """
        if not any(self.mean) and set(self.std) == {1.0}:
            return images
        mean, std = (
            torch.tensor(values, device=images.device, dtype=images.dtype)[:, None, None]
            for values in (self.mean, self.std)
        )
        return (images - mean) / std


@dataclass(frozen=True, kw_only=True)
class Series:
    """A trained series of networks. targets: of each level, from 0 on, the share of the pruned
    weights that was to go.
    """

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
    """One set of dense weights. load: None for those that the store keeps under the model's key
    (trained here); series: theirs.
    """

    summary: str
    series: Series | None = None
    load: LoadWeights | None = None
    origin: str = ""  # package or address
    licence: str = ""
    bytes: int = 0
    file: str = ""  # what `load` reads, below the folder for downloads; "" for a package or a value in memory
    found: Callable[[Path], bool] = field(default=lambda folder: True)  # whether they are on this machine already


@dataclass(frozen=True, kw_only=True)
class Card:
    """One network.

    build: makes it with random weights (its ReLUs do not work in place). target_layer: where
    heatmaps are made unless the question says otherwise. images: "digits" or "photos", what it
    looks at. classifier: the weight that makes the logits.
    seeds: of the trained networks there are. dense: the pruning whose stored weights are the dense
    network (level 0 of a trained series is its dense network). levels: last level of the longest
    trained series, if any. grid: sparsities that curves are drawn over.
    notes: what to know of the card itself, in plain sentences.
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

    def __hash__(self) -> int:  # equal cards have equal ones; a card is part of the key of what pages keep
        return hash((self.target_layer, self.classifier, self.images))

    @property
    def reads_digits(self) -> bool:
        """Whether it looks at grey digits; else at photographs."""
        return self.images == "digits"

    def series_of(self, weights: str) -> Series | None:
        """The trained series of these weights; None where there is none."""
        source = self.weights.get(weights)
        return source.series if source else None

    def first_model(self, name: str) -> ModelSpec:
        """The first weights of this card and their first seed, under the card's name."""
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
        """Shape of every tensor of the state dict, without memory for their values."""
        return {name: tuple(values.shape) for name, values in self._skeleton.state_dict().items()}

    @cached_property
    def prunable(self) -> tuple[str, ...]:
        """Names of the weights that pruning may remove: those of convolutions and linear layers
        (biases never).
        """
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

    @property
    def skeleton(self) -> nn.Module:
        """The network in evaluation mode on the device "meta": shapes without values.

        Shared: not to be changed.
        """
        return self._skeleton

    @cached_property
    def conv_groups(self) -> dict[str, int]:
        """Number of groups by name of the weight, of convolutions that have more than one."""
        return conv_groups(self._skeleton)

    @cached_property
    def parameters(self) -> int:
        """How many there are, of every sort."""
        return sum(parameter.numel() for parameter in self._skeleton.parameters())

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can be a target layer, in the order in which they run."""
        try:
            return target_layers(self._skeleton, self.input_shape)
        except (RuntimeError, NotImplementedError):  # somebody's own code that looks at values
            return target_layers(self.build().eval(), self.input_shape)

    def blank(self) -> nn.Module:
        """The network for `load_state_dict`: its parameters have no values yet, so it is made at
        once, however large it is.
        """
        return blank(self.build)

    @cached_property
    def _skeleton(self) -> nn.Module:
        return skeleton(self.build)
