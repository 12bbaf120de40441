"""Sources of pruned networks: dense weights, pruning indexes and calibration images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.base.stamps import Stamp
from core.models.cards import Card
from core.models.catalogue import Catalogue
from core.pruning.calibration import Calibration, calibrate
from core.pruning.companions import companion_masks, companions
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask
from core.pruning.scores import Evidence
from core.specs import ModelSpec, PruningSpec, VariantSpec
from core.store.memory import MemoryCache
from core.store.shells import around
from core.store.weights import Stored, Weights, network_bytes, read_stored, stored_key

Images = Callable[[ModelSpec], tuple[Tensor, Tensor | None]]  # network inputs (N, C, H, W), classes (N,) or None
Key = tuple[str, Stamp]  # of a cached value: its name, and the stamp of the files it depends on
SMALL = 1024  # bytes counted for a value of a few numbers


@dataclass(frozen=True, eq=False)
class Origin:
    """Where weights come from: the networks and their files, a folder of downloads, and images for
    criteria that need some.
    """

    catalogue: Catalogue
    downloads: Path
    images: Images | None = None


class Sources:
    """Weights and indexes on one device, under the budget of one cache. They are lent: those in use
    cannot be evicted.

    Every call takes the stamp of the variant's files (store/stamps.py), read before the call.

    Args:
        origin: where they come from. cache, device: where they are kept.
        beyond: sources in RAM, for those of a GPU.
    """

    def __init__(self, origin: Origin, cache: MemoryCache, device: torch.device, beyond: Sources | None = None) -> None:
        self.origin, self.cache, self.device, self._beyond = origin, cache, device, beyond

    def card(self, variant: VariantSpec) -> Card:
        """Return the card of the variant's network. Raises UnknownName."""
        return self.origin.catalogue.card(variant.model)

    @contextmanager
    def weights(self, variant: VariantSpec, stamp: Stamp) -> Iterator[Stored]:
        """Lend the weights of a dense network or of a trained level.

        Raises MissingData, BadFile, UnknownName, BadSpec.
        """
        card = self.card(variant)
        key, expected = weights_key(variant, card, stamp), network_bytes(card)
        with self.cache.borrow(key, lambda: self._load(variant, stamp), exclusive=False, expected=expected) as stored:
            yield stored

    @contextmanager
    def index(self, variant: VariantSpec, stamp: Stamp) -> Iterator[tuple[Stored, PruningIndex]]:
        """Lend dense weights and the index of a one-shot spec's ranking.

        Raises as `weights`; BadSpec for scores that are NaN.
        """
        card = self.card(variant)
        with self.weights(variant.dense, stamp) as stored:

            def build() -> tuple[PruningIndex, int]:
                index = index_of(variant.pruning, card, stored.weights, self._calibration(variant.model, stamp))
                return index, index.bytes

            key, under = index_key(variant, stamp), weights_key(variant.dense, card, stamp)
            expected = 0 if self.cache.holds(key) else index_bytes(variant.pruning, card)
            with self.cache.borrow(key, build, exclusive=False, expected=expected, under=under) as index:
                yield stored, index

    def has_index(self, variant: VariantSpec, stamp: Stamp) -> bool:
        """Return whether the index is cached, so that the variant can be written quickly."""
        return self.cache.holds(index_key(variant, stamp))

    def write(self, variant: VariantSpec, stamp: Stamp, out: Mapping[str, Tensor]) -> None:
        """Write all values of a variant into buffers by name, of the weights' shapes, of any type,
        on any device.
        """
        if variant.pruning.is_one_shot:
            with self.index(variant, stamp) as (stored, index):
                self._write(variant, index, stored.weights, out)
            return
        with self.weights(variant, stamp) as stored:
            for name, values in stored.weights.items():
                out[name].copy_(values)

    def pruned_in_place(self, variant: VariantSpec, stamp: Stamp) -> Weights:
        """Return a one-shot variant written over its own copy of the dense weights, for machines
        that cannot hold both. Slow; nothing is cached.
        """
        weights = self._load(variant.dense, stamp)[0].weights
        measured = self._calibration(variant.model, stamp)
        self._write(variant, index_of(variant.pruning, self.card(variant), weights, measured), weights, weights)
        return weights

    def companion_masks(self, variant: VariantSpec, index: PruningIndex) -> Mask:
        """Return masks, by name, of the biases and norms that are removed with whole filters; empty
        for other granularities.
        """
        pruning, found = variant.pruning, self.card(variant)
        if pruning.granularity != "filter":
            return {}

        def find() -> tuple[dict[str, tuple[str, ...]], int]:
            return companions(found.skeleton, torch.zeros(1, *found.input_shape, device="meta")), SMALL

        key = f"companions/{variant.model.name}", self.origin.catalogue.look_at(variant.model.name)
        with self.cache.borrow(key, find, exclusive=False) as partners:
            return companion_masks(index.keep(sparsity_of(pruning), pruning.overrides, pruning.excluded), partners)

    def _write(self, variant: VariantSpec, index: PruningIndex, weights: Weights, out: Mapping[str, Tensor]) -> None:
        pruning = variant.pruning
        index.write(
            sparsity_of(pruning), pruning.overrides, {name: weights[name] for name in out}, out, pruning.excluded
        )
        for name, kept in self.companion_masks(variant, index).items():
            out[name].mul_(kept.to(out[name].device))

    def _load(self, variant: VariantSpec, stamp: Stamp) -> tuple[Stored, int]:
        if self._beyond is None:
            stored = read_stored(self.origin.catalogue.files, self.origin.downloads, variant, self.card(variant))
        else:
            with self._beyond.weights(variant, stamp) as there:
                stored = Stored({name: values.to(self.device) for name, values in there.weights.items()}, there.mask)
        return stored, stored.bytes

    def _calibration(self, model: ModelSpec, stamp: Stamp) -> Callable[[], Calibration] | None:
        """Return a function that measures gradients and input norms of the dense network on a few
        images, and caches them.
        """
        images, card = self.origin.images, self.origin.catalogue.card(model)
        if images is None:
            return None

        def measure() -> tuple[Calibration, int]:
            inputs, classes = images(model)
            with self.weights(VariantSpec(model=model), stamp) as stored:
                network = around(card, stored.weights)  # a separate one, so that nobody waits for it
                classes = None if classes is None else classes.to(self.device)
                calibration = calibrate(network, card.prunable, inputs.to(self.device), classes)
            return calibration, calibration.bytes

        def ask() -> Calibration:
            key, expected = (f"calibration/{model.key}", stamp), network_bytes(card)
            with self.cache.borrow(key, measure, exclusive=False, expected=expected) as calibration:
                return calibration

        return ask


def weights_key(variant: VariantSpec, card: Card, stamp: Stamp) -> Key:
    return f"weights/{stored_key(variant, card)}", stamp


def index_key(variant: VariantSpec, stamp: Stamp) -> Key:
    return f"index/{variant.model.key}/{variant.pruning.ranking}", stamp


def is_of(key: Hashable, model: ModelSpec) -> bool:
    """Return whether the value of this key was made from a model's files."""
    return isinstance(key, tuple) and f"/{model.key}/" in f"{key[0]}/"


def sparsity_of(pruning: PruningSpec) -> float:
    """Return the sparsity of a one-shot spec, which always has one."""
    return pruning.sparsity or 0.0


def amount_of(variant: VariantSpec) -> tuple[float, tuple[tuple[str, float], ...], tuple[str, ...]]:
    """Return the amount of a one-shot variant as arguments of its index."""
    return sparsity_of(variant.pruning), variant.pruning.overrides, variant.pruning.excluded


def index_of(
    pruning: PruningSpec, card: Card, weights: Weights, measured: Callable[[], Calibration] | None
) -> PruningIndex:
    """Build the index of a one-shot spec over the prunable weights of the card."""
    return PruningIndex.of(pruning, _evidence(pruning, card, weights, measured))


def index_bytes(pruning: PruningSpec, card: Card) -> int:
    """Return the memory of an index before it is built, except for its counts."""
    return PruningIndex.expected_bytes(pruning, _evidence(pruning, card, dict(card.skeleton.named_parameters())))


def _evidence(
    pruning: PruningSpec, card: Card, weights: Weights, measured: Callable[[], Calibration] | None = None
) -> Evidence:
    candidates = {name: weights[name] for name in card.prunable}
    return Evidence(candidates, pruning.granularity, pruning.seed, measured, card.conv_groups)
