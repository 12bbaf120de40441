"""Weights of dense networks: drawn from a seed, from a package, or downloaded."""

from __future__ import annotations

from pathlib import Path

from core.base.errors import UnknownName
from core.base.progress import Progress
from core.models.building import untrained
from core.models.cards import RANDOM, Card, State
from core.specs import ModelSpec


def dense_weights(card: Card, model: ModelSpec, folder: Path, progress: Progress | None = None) -> State | None:
    """Return the complete state dict of a dense network on the CPU; None for weights that the store
    keeps under the model's key.

    Args:
        folder: holds the downloads. progress: called with bytes done and bytes in total.
    Raises:
        UnknownName: no such weights. MissingData, BadFile: they are missing or damaged.
    """
    if model.weights == RANDOM:
        return untrained(card.build, model.seed)
    source = card.weights.get(model.weights)
    if source is None and all(known.load for known in card.weights.values()):
        raise UnknownName("set of weights", model.weights, [*card.weights, RANDOM])
    return source.load(folder, progress) if source and source.load else None


def is_there(card: Card, model: ModelSpec, folder: Path) -> bool | None:
    """Return whether the dense weights need no download; None for weights that the store keeps
    under the model's key.
    """
    source = card.weights.get(model.weights)
    if model.weights == RANDOM:
        return True
    return source.found(folder) if source and source.load else None
