"""Slow, obvious definitions of pruning."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

Place = tuple[int, ...]  # of one weight in its tensor


def remove_lowest(scores: list[float], count: int) -> list[bool]:
    """True = kept. The `count` lowest scores go; among equals the one that stands first goes
    first.
    """
    order = sorted(range(len(scores)), key=lambda place: (scores[place], place))
    gone = set(order[:count])
    return [place not in gone for place in range(len(scores))]


def rounded_half_up(share: str, total: int) -> int:
    """round(share x total) in exact fractions, halves up."""
    return math.floor(Fraction(share) * total + Fraction(1, 2))


def groups_of(shape: tuple[int, ...], granularity: str, conv_groups: int = 1) -> list[list[Place]]:
    """The weights of each group, weight by weight: which output, which input channel of the whole
    layer, which kernel.
    """
    outputs_each = shape[0] // conv_groups

    def name(place: Place) -> tuple[int, ...]:
        # Channel: among all inputs of the layer.
        output, channel = (place[0], place[1] + place[0] // outputs_each * shape[1])
        return {"weight": place, "kernel": (output, channel), "channel": (channel,), "filter": (output,)}[granularity]

    found: dict[tuple[int, ...], list[Place]] = {}
    for place in np.ndindex(*shape):
        found.setdefault(name(place), []).append(place)
    return [found[key] for key in sorted(found)]


def pattern_groups(shape: tuple[int, ...], m: int) -> Iterator[list[Place]]:
    """Blocks of M consecutive weights along (input, kernel row, kernel column) of each output; what
    is left over is in none.
    """
    for output in range(shape[0]):
        row = [(output, *rest) for rest in np.ndindex(*shape[1:])]
        yield from (row[start : start + m] for start in range(0, len(row) - m + 1, m))


def mean_size(weight: Tensor) -> Callable[[list[Place]], float]:
    """L1."""
    return lambda group: sum(abs(float(weight[place])) for place in group) / len(group)


def root_mean_square(weight: Tensor) -> Callable[[list[Place]], float]:
    """L2."""
    return lambda group: math.sqrt(sum(float(weight[place]) ** 2 for place in group) / len(group))


def lamp(sizes: list[float]) -> list[float]:
    """Lee et al. 2021, Eq. 4: units in ascending order; each one's square over the sum of its own
    and all later squares.
    """
    order = sorted(range(len(sizes)), key=lambda place: (sizes[place], place))
    scores = [0.0] * len(sizes)
    for rank, place in enumerate(order):
        tail = sum(sizes[later] ** 2 for later in order[rank:])
        scores[place] = sizes[place] ** 2 / tail if tail else 0.0
    return scores


def mean_sensitivity(weight: Tensor, gradient: Tensor) -> Callable[[list[Place]], float]:
    """SNIP: mean |g w|."""
    return lambda group: sum(abs(float(weight[place]) * float(gradient[place])) for place in group) / len(group)


def taylor(weight: Tensor, gradient: Tensor) -> Callable[[list[Place]], float]:
    """Molchanov et al. 2019, Eq. 9: (sum of g w)^2, here its root per weight."""
    return lambda group: abs(sum(float(weight[place]) * float(gradient[place]) for place in group)) / len(group)


def wanda(weight: Tensor, norms: Tensor, conv_groups: int) -> Callable[[list[Place]], float]:
    """Mean |w| times the norm of the channel that it reads."""
    outputs_each = weight.shape[0] // conv_groups

    def channel(place: Place) -> int:
        return place[1] + place[0] // outputs_each * weight.shape[1]

    return lambda group: sum(abs(float(weight[place])) * float(norms[channel(place)]) for place in group) / len(group)


def openlth_step(scores: list[float], alive: list[bool], share: str = "0.2") -> list[bool]:
    """OpenLTH: threshold = the k-th smallest living score, counted from 0, k = ceil(share x
    living); keep what is larger.
    """
    living = sorted(score for score, lives in zip(scores, alive, strict=True) if lives)
    k = math.ceil(Fraction(share) * len(living))
    if k >= len(living):
        return [False] * len(scores)
    return [lives and score > living[k] for score, lives in zip(scores, alive, strict=True)]


def has_path(conv1: Tensor, conv2: Tensor, fc: Tensor) -> bool:
    """Whether kept weights of the thesis CNN join its input to an output: conv1 (4,1,3,3), conv2
    (8,4,3,3), fc (10,200) bool.
    """
    for output in range(10):
        for feature in range(200):
            channel = feature // 25  # the 200 features are 8 channels of 5 x 5
            if not fc[output, feature]:
                continue
            for between in range(4):
                if bool(conv2[channel, between].any()) and bool(conv1[between].any()):
                    return True
    return False


def random_mask(shape: tuple[int, ...], density: float, seed: int) -> Tensor:
    """A random bool mask."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < density


def apply_mask(weights: Mapping[str, Tensor], mask: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights with everything outside the mask set to +0; names without a mask as they are."""
    return {name: torch.where(mask[name], values, 0) if name in mask else values for name, values in weights.items()}
