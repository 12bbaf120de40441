"""Every registered network of photographs with random weights, small enough for tests."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.models.cards import RANDOM
from core.models.dense import dense_weights
from core.models.zoo import MODELS, named
from core.specs import ModelSpec

LARGE = ("alexnet", "vgg", "densenet", "convnext", "googlenet", "resnet50")
PHOTO_CARDS = [name for name, entry in MODELS.items() if entry.value.images == "photos"]
SIDE_PX = 96  # every network still has more than one cell at its target layer


@cache
def images(count: int = 2) -> Tensor:
    """(count, 3, 96, 96), a photograph of a cat, then mirrored and turned upside down."""
    from skimage.data import chelsea
    from skimage.transform import resize

    small = torch.tensor(
        resize(chelsea()[:, 75:375], (SIDE_PX, SIDE_PX), anti_aliasing=True), dtype=torch.float32
    ).permute(2, 0, 1)
    return torch.stack([small, small.flip(2), small.flip(1)][:count])


def untrained(name: str, seed: int = 0) -> nn.Module:
    """A registered network with random weights, as the store makes it."""
    from pathlib import Path

    network = named(name).blank()
    state = dense_weights(named(name), ModelSpec(name=name, weights=RANDOM, seed=seed), Path("unused"))
    assert state is not None
    network.load_state_dict(state)
    return network.requires_grad_(False).eval()


def without_large(names: Iterable[str]) -> list[Any]:
    """Parameters of a test: the largest networks, which take seconds, are left to make test-all."""
    return [pytest.param(name, marks=pytest.mark.long) if name.startswith(LARGE) else name for name in names]
