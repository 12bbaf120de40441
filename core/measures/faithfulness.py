"""Faithfulness: does the answer depend on the pixels that a heatmap highlights?

Every measure runs the network on changed images, so it takes a `predict` callable besides images
(N, channels, H, W), as the network receives them, and heatmaps (N, H, W) in [0, 1]; it returns one
float32 value per image, (N,). Pixels are removed in the order of the map, ties by position; the
number of pixels at each step is exact. A map that is constant or not finite has no order: every
measure of it is undefined (NaN).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from core.measures.base import constant, not_finite, undefined

Predict = Callable[[Tensor], Tensor]  # images (N, channels, H, W) -> logits (N, C)
STEPS = 20
BLUR_SHARE = 5 / 224  # standard deviation of the blur, in sides of the image: 5 pixels of 224


def deletion(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict, steps: int = STEPS) -> Tensor:
    """Area under the probability of the class while the most relevant pixels are replaced by the
    baseline; lower is more faithful.

    The baseline is 0 in the network's input: the mean colour of its training images, black for
    digits.

    Args:
        classes: (N,) the class whose probability is followed.
    Source: Petsiuk et al. 2018 (RISE); trapezoid rule over the exact shares of removed pixels, both
    end points included.
    """
    return _area(images, torch.zeros_like(images), maps, classes, predict, steps)


def insertion(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict, steps: int = STEPS) -> Tensor:
    """Area under the probability of the class while the most relevant pixels are inserted into a
    blurred image; higher is more faithful.

    Args:
        classes: (N,) the class whose probability is followed.
    Source: Petsiuk et al. 2018 (RISE): Gaussian blur with a standard deviation of 5 pixels at 224 x
    224, here in proportion to the side.
    """
    return _area(blurred(images), images, maps, classes, predict, steps)


def average_drop(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict) -> Tensor:
    """Share of the probability of the class that is lost if only the highlighted part of the image
    remains, 0 if none is lost; lower is more faithful.

    Source: Chattopadhay et al. 2018 (Grad-CAM++): the image times the map.
    """
    whole, part = _with_and_without(images, maps, classes, predict)
    return ordered(maps, ((whole - part).clamp(min=0) / whole))


def increase(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict) -> Tensor:
    """1 where the probability of the class rises if only the highlighted part of the image remains,
    else 0; higher is more faithful.

    Source: Chattopadhay et al. 2018 (Grad-CAM++): "increase in confidence".
    """
    whole, part = _with_and_without(images, maps, classes, predict)
    return ordered(maps, (part > whole).float())


def blurred(images: Tensor) -> Tensor:
    """Apply a Gaussian blur in proportion to the image's side; borders are reflected."""
    channels, side = images.shape[1], max(images.shape[-2:])
    sigma = BLUR_SHARE * side
    reach = max(1, min(round(2 * sigma), min(images.shape[-2:]) - 1))
    steps = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-(steps**2) / (2 * sigma**2))
    weights = (weights / weights.sum()).expand(channels, 1, 1, -1)
    padded = functional.pad(images, (reach,) * 4, mode="reflect")
    rows = functional.conv2d(padded, weights, groups=channels)
    return functional.conv2d(rows, weights.transpose(2, 3), groups=channels)


def _area(start: Tensor, end: Tensor, maps: Tensor, classes: Tensor, predict: Predict, steps: int) -> Tensor:
    """Area under the probability while the pixels of `end` replace those of `start`, (N,)."""
    counts = _counts(maps[0].numel(), steps)
    heights = torch.stack([probability(mixed, classes, predict) for mixed in _mixed(start, end, maps, counts)], 1)
    shares = torch.tensor(counts, dtype=heights.dtype, device=heights.device) / counts[-1]
    return ordered(maps, torch.trapezoid(heights, shares, dim=1))


def _counts(pixels: int, steps: int) -> list[int]:
    """Pixels that are replaced at each step, 0 and all of them included."""
    return list(dict.fromkeys(step * pixels // steps for step in range(steps + 1)))


def _mixed(start: Tensor, end: Tensor, maps: Tensor, counts: list[int]) -> Iterator[Tensor]:
    """Yield the images of each step; the first and the last are `start` and `end` themselves."""
    place = places_of(maps)
    yield start
    for count in counts[1:-1]:
        yield torch.where(place < count, end, start)
    yield end


def places_of(maps: Tensor) -> Tensor:
    """Return the place of every pixel in the order of relevance, 0 for the most relevant; ties by
    position. (N, 1, H, W)
    """
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1).view(-1, 1, *maps.shape[-2:])


def _with_and_without(images: Tensor, maps: Tensor, classes: Tensor, predict: Predict) -> tuple[Tensor, Tensor]:
    """Probabilities of the class for the images, and for the images times their maps."""
    return probability(images, classes, predict), probability(images * maps[:, None].to(images), classes, predict)


def probability(images: Tensor, classes: Tensor, predict: Predict) -> Tensor:
    """Return the probability of each image's class, (N,)."""
    with torch.no_grad():
        return predict(images).float().softmax(dim=1).gather(1, classes[:, None])[:, 0]


def ordered(maps: Tensor, values: Tensor) -> Tensor:
    """Return the values (N,), NaN for maps without an order."""
    flat = maps.flatten(1)
    return undefined(values, not_finite(flat) | constant(flat))
