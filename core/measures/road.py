"""ROAD: does the answer survive if the relevant pixels are removed so that no trace of the removal
remains?

Removed pixels are filled in by noisy linear imputation: each is the weighted mean of its eight
neighbours, which may be removed ones themselves, so all of them are the solution of one linear
system. A little noise hides how smooth the result is.

Source: Rong et al. 2022, A consistent and efficient evaluation strategy for attribution methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.base.draws import torch_generator
from core.measures.faithfulness import Predict, ordered, places_of, probability

SHARES = (0.2, 0.4, 0.6, 0.8)  # of the pixels that are removed
NOISE = 0.01  # standard deviation, in the network's input
TOLERANCE = 1e-5  # of the residual, in shares of the right side
MOST_STEPS = 5000
COARSEST, SMOOTHINGS, DAMPING = 4, 10, 0.8  # of the multigrid cycle: its smallest side, steps there, of Jacobi's
DIRECT, DIAGONAL = 1 / 6, 1 / 12  # weights of neighbours


def road_most(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict) -> Tensor:
    """Mean probability of the class after the most relevant 20, 40, 60 and 80 % of the pixels are
    removed; lower is more faithful.
    """
    return _mean(images, maps, classes, predict, most=True)


def road_least(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict) -> Tensor:
    """Mean probability of the class after the least relevant 20, 40, 60 and 80 % of the pixels are
    removed; higher is more faithful.
    """
    return _mean(images, maps, classes, predict, most=False)


def imputed(images: Tensor, removed: Tensor) -> Tensor:
    """Fill in the removed pixels (N, H, W) of images (N, channels, H, W) linearly, without noise.

    An image of which everything is removed becomes zero.
    """
    hole = removed[:, None].float()
    whole = images.float()
    filled = _solve(_levels(hole), hole * _neighbours(whole * (1 - hole)))
    return torch.where(removed[:, None], filled, whole).to(images.dtype)


def _neighbours(values: Tensor) -> Tensor:
    """Sum the neighbours of every pixel by their weights; beyond the border there are none."""
    wide = functional.pad(values, (1, 1, 1, 1))
    above_and_below = wide[..., :-2, :] + wide[..., 2:, :]
    direct = above_and_below[..., 1:-1] + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
    return DIRECT * direct + DIAGONAL * (above_and_below[..., :-2] + above_and_below[..., 2:])


@dataclass(frozen=True, eq=False)
class _Level:
    """The system of the removed pixels, at one resolution: that of a weighted graph, so symmetric.

    hole: (N, 1, h, w), 1 where a pixel is removed. weights: (1, 1, h, w), of all neighbours, less
    at the border.
    """

    hole: Tensor
    weights: Tensor

    def apply(self, x: Tensor) -> Tensor:
        return self.hole * (self.weights * x - _neighbours(x))

    def smoothed(self, x: Tensor, right: Tensor) -> Tensor:
        return x + DAMPING * (right - self.apply(x)) / self.weights


def _levels(hole: Tensor) -> list[_Level]:
    """Return the system at every resolution; a coarser pixel is removed if all four of it are."""
    found = [_Level(hole, _neighbours(torch.ones_like(hole[:1])))]
    while min(hole.shape[-2:]) > COARSEST:
        hole = 1 - functional.max_pool2d(1 - hole, 2, ceil_mode=True)
        found.append(_Level(hole, _neighbours(torch.ones_like(hole[:1]))))
    return found


def _cycle(levels: list[_Level], right: Tensor) -> Tensor:
    """Solve approximately: smooth, correct by the solution at half the resolution, smooth again."""
    here, *coarser = levels
    x = DAMPING * right / here.weights
    if not coarser:
        for _ in range(SMOOTHINGS):
            x = here.smoothed(x, right)
        return x
    left = functional.avg_pool2d(right - here.apply(x), 2, ceil_mode=True, divisor_override=1)
    correction = _cycle(coarser, coarser[0].hole * left)
    height, width = right.shape[-2:]
    x = x + here.hole * functional.interpolate(correction, scale_factor=2)[..., :height, :width]
    return here.smoothed(x, right)


def _solve(levels: list[_Level], right: Tensor) -> Tensor:
    """Solve by conjugate gradients, preconditioned by a multigrid cycle, for every image and
    channel.
    """

    def product(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=(2, 3), keepdim=True)

    found, residual = torch.zeros_like(right), right.clone()
    direction = better = _cycle(levels, residual)
    size, enough = product(residual, better), product(right, right) * TOLERANCE**2
    for _ in range(MOST_STEPS):
        left = product(residual, residual) > enough
        if not bool(left.any()):
            break
        changed = levels[0].apply(direction)
        step = torch.where(left, size / product(direction, changed), 0)
        found += step * direction
        residual -= step * changed
        better = _cycle(levels, residual)
        smaller = product(residual, better)
        direction = better + torch.where(left, smaller / size, 0) * direction
        size = smaller
    return found


def _mean(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict, most: bool) -> Tensor:
    heights = [probability(changed, classes, predict) for changed in _removed(images, maps, most)]
    return ordered(maps, torch.stack(heights).mean(dim=0))


def _removed(images: Tensor, maps: Tensor, most: bool) -> Iterator[Tensor]:
    place, pixels = places_of(maps)[:, 0], maps[0].numel()
    generator = torch_generator("road")  # the same noise for every image, whatever its batch
    noise = NOISE * torch.randn(images.shape[1:], generator=generator).to(images)
    for share in SHARES:
        count = round(share * pixels)
        hole = place < count if most else place >= pixels - count
        yield torch.where(hole[:, None], imputed(images, hole) + noise, images)
