"""Dense and trained weights from a package, a download, or a file of the store."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.base.errors import BadFile, BadSpec, MissingData
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.models.cards import Card
from core.models.dense import dense_weights
from core.pruning.mask import Mask, full_mask
from core.specs import PruningSpec, VariantSpec

Weights = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Stored:
    """Complete weights by name. Shared: do not modify them. mask: of trained networks; empty for a
    dense one, which keeps everything.
    """

    weights: Weights
    mask: Mask

    @property
    def bytes(self) -> int:
        return sum(values.nbytes for part in (self.weights, self.mask) for values in part.values())


def network_bytes(card: Card, dtype: torch.dtype = torch.float32) -> int:
    """Return the memory of one network of this card, parameters and buffers."""
    return sum(math.prod(shape) for shape in card.shapes.values()) * dtype.itemsize


def stored_key(variant: VariantSpec, card: Card) -> str:
    """Return the key of a trained network's file; a dense network is level 0 of its series if it
    has one.

    Raises BadSpec.
    """
    pruning = card.dense if variant.pruning.is_dense else variant.pruning
    series = card.series_of(variant.model.weights)
    last = series.last if series else card.levels  # weights that no card lists any more may still be on disk
    if pruning.level is not None and (last is None or pruning.level > last):
        allowed = "It has no trained series." if last is None else f"Its levels are 0 to {last}."
        next_step = "Choose a sparsity instead." if last is None else "Choose a lower level."
        raise BadSpec(f"{variant.model.name} has no level {pruning.level}.", allowed, next_step)
    return VariantSpec(model=variant.model, pruning=pruning).key


def read_stored(files: Files, downloads: Path, variant: VariantSpec, card: Card) -> Stored:
    """Read the weights of a dense network or of a trained level, on the CPU.

    Raises:
        UnknownName: no such model or weights. MissingData, BadFile: they are missing, damaged, or
        of another network.
    """
    key, weights, mask = stored_key(variant, card), None, Mask()
    if variant.pruning in (PruningSpec(), card.dense):
        weights = dense_weights(card, variant.model, downloads)
    if weights is None:
        weights, mask = unpack_sparse(_load_or_explain(files, key, variant, card))
    # contiguous, since the index walks through memory; included files hold values rounded to
    # float16
    weights = {
        name: (values.float() if values.is_floating_point() else values).contiguous()
        for name, values in weights.items()
    }
    _check_fit(key, card, weights, mask)
    # a series stores no mask of excluded layers: they keep everything
    whole = full_mask(weights, tuple(name for name in card.prunable if name not in mask)) if mask else {}
    return Stored(weights, {name: (mask | whole)[name] for name in card.prunable} if mask else {})


def _load_or_explain(files: Files, key: str, variant: VariantSpec, card: Card) -> Weights:
    try:
        return files.load(key)[0]
    except MissingData as error:
        train_on = variant.model.weights.removeprefix("mnist-")
        command = f"`python -m core protocol run lukkien --train-on {train_on} --seeds {variant.model.seed}`"
        series = card.series_of(variant.model.weights)
        retrained = series is not None and series.schedule == "retrained"
        how = (
            "Its series is not trained that far: resume its run on the page Retrain."
            if retrained
            else f"Train it with {command}."
        )
        raise MissingData(f"The network {key} is not on this machine.", error.allowed, how) from error


def _check_fit(key: str, card: Card, weights: Weights, mask: Mask) -> None:
    """Check the stored tensors. Raises BadFile if they are not this network's."""
    expected = card.shapes
    if {name: tuple(values.shape) for name, values in weights.items()} != expected or not set(mask) <= set(
        card.prunable
    ):
        raise BadFile(
            f"The stored network {key} holds the weights of another network.",
            f"It must hold {', '.join(expected)} in their expected shapes.",
            "Delete that file; restore an included network with `git checkout models_cache/shipped`.",
        )
