"""ROAD: does the answer survive if the relevant pixels are removed so that no trace of the removal
remains?

Removed pixels are filled in by noisy linear imputation: each is the weighted mean of its eight
neighbours, which may be removed ones themselves, so all of them are the solution of one linear
system. A little noise hides how smooth the result is.

Source: Rong et al. 2022, A consistent and efficient evaluation strategy for attribution methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from core.base.draws import torch_generator
from core.measures.faithfulness import Predict, ordered, places_of, probability

SHARES = (0.2, 0.4, 0.6, 0.8)  # of the pixels that are removed
NOISE = 0.01  # standard deviation, in the network's input
TOLERANCE = 1e-5  # of the residual, in shares of the right side
MOST_STEPS = 5000
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

    An image of which everything is removed becomes zero. The system is that of a weighted graph, so
    it is symmetric and conjugate gradients solve it.
    """
    kernel = images.new_tensor([[DIAGONAL, DIRECT, DIAGONAL], [DIRECT, 0, DIRECT], [DIAGONAL, DIRECT, DIAGONAL]])
    kernel = kernel.float()[None, None]

    def neighbours(values: Tensor) -> Tensor:
        flat = values.flatten(0, 1)[:, None]
        return functional.conv2d(flat, kernel, padding=1).view(values.shape)

    hole = removed[:, None].float()
    whole = images.float()
    weights = neighbours(torch.ones_like(whole[:1, :1]))  # less at the border
    known = whole * (1 - hole)
    filled = _solve(lambda x: hole * (weights * x - neighbours(x)), hole * neighbours(known))
    return torch.where(removed[:, None], filled, whole).to(images.dtype)


def _solve(system: Callable[[Tensor], Tensor], right: Tensor) -> Tensor:
    """Solve a symmetric, positive system for every image and channel by conjugate gradients."""

    def product(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=(2, 3), keepdim=True)

    found, residual = torch.zeros_like(right), right.clone()
    direction, size = residual.clone(), product(residual, residual)
    enough = size * TOLERANCE**2
    for _ in range(MOST_STEPS):
        if bool((size <= enough).all()):
            break
        changed = system(direction)
        curvature = product(direction, changed)
        step = torch.where(size > enough, size / curvature, 0)
        found += step * direction
        residual -= step * changed
        smaller = product(residual, residual)
        direction = residual + torch.where(size > enough, smaller / size, 0) * direction
        size = torch.where(size > enough, smaller, size)
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
