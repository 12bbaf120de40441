"""Granularities: which weights are removed together. Scores and masks of groups have the shape of
the weight, with 1 along the dimensions of a group.

| granularity | a group is | groups of a weight (O, I, kh, kw) | of a linear layer (O, I) |
| weight, N:M | one weight | (O, I, kh, kw) | (O, I) |
| kernel | the connection of one input channel to one output channel | (O, I, 1, 1) | (O, I) |
| channel | everything that reads one input channel | (1, I, 1, 1) | (1, I) |
| filter | everything that makes one output channel | (O, 1, 1, 1) | (O, 1) |

In a convolution of several groups (G) an output channel reads only the I of its own group, and
input channel c is number c mod I of group c // I: the scores of channels then have shape (G, 1, I,
1, 1) over the weight seen as (G, O / G, I, kh, kw). In a depthwise convolution a filter is a
kernel, and the same weights as an input channel where each channel has one filter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.specs import n_of_m

CONVOLUTIONS = nn.modules.conv._ConvNd
ROWS_IN_ONE_GO = 1 << 22  # weights that are processed together


def conv_groups(network: nn.Module) -> dict[str, int]:
    """Return the number of groups by name of the weight, for convolutions with more than one."""
    modules = network.named_modules()
    return {
        f"{name}.weight": module.groups
        for name, module in modules
        if isinstance(module, CONVOLUTIONS) and module.groups > 1
    }


def as_seen(values: Tensor, granularity: str, groups: int = 1) -> Tensor:
    """View a weight in the shape that fits its groups: its own, except for input channels of a
    convolution of several groups.
    """
    if granularity == "channel" and groups > 1:
        return values.reshape(groups, -1, *values.shape[1:])
    return values


def _together(granularity: str, dimensions: int) -> tuple[int, ...]:
    """Return the dimensions of a viewed weight that a group extends over."""
    if granularity == "weight" or n_of_m(granularity):
        return ()
    if granularity == "channel" and dimensions == 5:
        return (1, 3, 4)
    kernel = tuple(range(2, dimensions))
    return {"kernel": kernel, "channel": (0, *kernel), "filter": (1, *kernel)}[granularity]


def group_shape(weight: Tensor, granularity: str, groups: int = 1) -> tuple[int, ...]:
    """Return the shape of the scores of a weight's groups."""
    seen = as_seen(weight, granularity, groups)
    together = _together(granularity, seen.dim())
    return tuple(1 if place in together else size for place, size in enumerate(seen.shape))


def group_mean(values: Tensor, granularity: str, groups: int = 1) -> Tensor:
    """Return the mean over each group, in the shape of group_shape."""
    seen = as_seen(values, granularity, groups)
    together = _together(granularity, seen.dim())
    return seen.mean(together, keepdim=True) if together else seen


def whole(kept: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Expand a mask of groups to a bool of the weight's shape."""
    return kept.expand(seen_shape(kept, shape)).reshape(shape)


def seen_shape(kept: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which a weight is viewed for groups of these dimensions."""
    return shape if kept.dim() == len(shape) else (kept.shape[0], shape[0] // kept.shape[0], *shape[1:])


def row_by_row(groups: Tensor, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the values of groups, repeated for each of their weights, with the weights: pairs of
    equal shape, some rows at a time.
    """
    seen = weights.view(seen_shape(groups, tuple(weights.shape)))
    step = max(1, ROWS_IN_ONE_GO // max(1, seen[0].numel()))
    yield from zip(groups.expand(seen.shape).split(step), seen.split(step), strict=True)


def group_size(kept: Tensor, shape: tuple[int, ...]) -> int:
    """Return the number of weights in each group."""
    return math.prod(shape) // kept.numel()


@dataclass(frozen=True)
class Pattern:
    """N:M: keeps the N weights with the highest scores of every M consecutive ones; of equal ones,
    the first are removed first.

    A row holds the weights of one output channel (or output feature), in the order (input channel,
    kernel row, kernel column): the order of summation and of memory. If M does not divide the row,
    the rest at its end is kept.

    Source: Mishra et al. 2021, Accelerating Sparse Deep Neural Networks (arXiv:2104.08378).
    Differs from the paper: its library sorts convolutions so that the M weights come from M input
    channels at one kernel position.
    """

    n: int
    m: int

    def removed(self, shape: tuple[int, ...]) -> int:
        """Return how many weights are removed from a weight of this shape."""
        rows = shape[0] if shape else 1
        return rows * (math.prod(shape) // max(1, rows) // self.m) * (self.m - self.n)

    def keep(self, scores: Tensor) -> Tensor:
        """Return bool of the scores' shape (O, ...), True = kept; the sign of scores is ignored."""
        rows = scores.flatten(1)
        width = rows.shape[1] // self.m * self.m
        kept = torch.ones_like(rows, dtype=torch.bool)
        if width == 0:
            return kept.view(scores.shape)
        step = max(1, ROWS_IN_ONE_GO // rows.shape[1])
        for start in range(0, len(rows), step):
            blocks = rows[start : start + step, :width].abs().reshape(-1, self.m)
            order = blocks.sort(dim=1, stable=True).indices
            stay = torch.ones_like(blocks, dtype=torch.bool).scatter_(1, order[:, : self.m - self.n], False)
            kept[start : start + step, :width] = stay.view(-1, width)
        return kept.view(scores.shape)
