"""Criteria: the importance of each weight, higher = kept. Adding a criterion = registering one function here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from core.device import torch_generator
from core.registry import Registry

Scores = dict[str, Tensor]
Criterion = Callable[[Mapping[str, Tensor], int], Scores]
CRITERIA: Registry[Criterion] = Registry("criterion")


@CRITERIA.register(
    "magnitude",
    "Magnitude (L1)",
    "Small weights go first.",
    "Han et al. 2015, Learning both weights and connections",
)
def magnitude(weights: Mapping[str, Tensor], seed: int) -> Scores:
    """|w|. Args: weights by name, any shapes; seed unused."""
    return {name: values.abs() for name, values in weights.items()}


@CRITERIA.register(
    "random",
    "Random",
    "Weights go in a random order: the control line that every criterion must beat.",
    "Control; uniform scores, one generator per seed and layer",
)
def random(weights: Mapping[str, Tensor], seed: int) -> Scores:
    """Uniform numbers in [0, 1). Args: weights by name (only their shapes are used); seed: of the draw."""
    return {
        name: torch.rand(values.shape, generator=torch_generator("random criterion", seed, name)).to(values.device)
        for name, values in weights.items()
    }
