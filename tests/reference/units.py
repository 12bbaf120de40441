"""The interpretability score of units and their relevance, image by image and task by task."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def extremes(activations: Sequence[float], order: Sequence[int], depth: int) -> tuple[list[int], list[int], int, int]:
    """The images that excite a unit most and least, and how many were cut off at ties of each side.

    order: position of each image in the shuffle that decides between equal activations.
    """
    strong = sorted(range(len(activations)), key=lambda image: (-activations[image], order[image]))
    weak = sorted(range(len(activations)), key=lambda image: (activations[image], order[image]))
    ties = [
        sum(activations[image] == activations[ranked[depth - 1]] for image in ranked[depth:])
        for ranked in (strong, weak)
    ]
    return strong[:depth], weak[:depth], *ties


def similarity_to(image: int, others: Sequence[int], similar: Callable[[int, int], float]) -> float:
    return sum(similar(image, other) for other in others) / len(others)


def difference(
    strong: Sequence[int], weak: Sequence[int], strong_query: int, weak_query: int, similar: Callable[[int, int], float]
) -> float:
    """D of one task, by its definition."""
    of_strong = similarity_to(strong_query, strong, similar) - similarity_to(strong_query, weak, similar)
    of_weak = similarity_to(weak_query, strong, similar) - similarity_to(weak_query, weak, similar)
    return of_strong - of_weak


def score(differences: Sequence[float]) -> float:
    return sum(1 / (1 + math.exp(-value / 0.16)) for value in differences) / len(differences)


def relevance(network: nn.Module, images: Tensor, layer: nn.Module, unit: int) -> float:
    """Mean over images of |sum of gradient x activation| for the predicted class' logit."""
    found = []
    for image in images:
        kept: list[Tensor] = []
        handle = layer.register_forward_hook(lambda module, given, answer, kept=kept: kept.append(answer))
        logits = network(image[None].clone().requires_grad_())
        handle.remove()
        (gradient,) = torch.autograd.grad(logits[0, logits.argmax()], kept[0])
        found.append(abs(float((gradient[0, unit] * kept[0][0, unit].detach()).sum())))
    return sum(found) / len(found)


def without_unit(network: nn.Module, images: Tensor, layer: nn.Module, unit: int) -> Tensor:
    """The logits if the map of a unit is 0, by whole passes."""

    def silence(module: nn.Module, given: object, answer: Tensor) -> Tensor:
        answer = answer.clone()
        answer[:, unit] = 0
        return answer

    handle = layer.register_forward_hook(silence)
    try:
        with torch.no_grad():
            return network(images)
    finally:
        handle.remove()
