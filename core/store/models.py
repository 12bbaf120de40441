"""ModelStore: a network as it stands after pruning, ready on the device, from wherever it is cheapest to get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import BadFile, BadSpec, MissingData
from core.models.cards import Card
from core.models.zoo import card, dense_weights, is_there
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask, apply_mask, count_layers, full_mask, is_collapsed
from core.pruning.scores import Evidence
from core.results import CachePart, MaskReport
from core.specs import ModelSpec, PruningSpec, VariantSpec
from core.store.files import Files
from core.store.memory import MemoryCache
from core.store.sparse import unpack_sparse

Weights = dict[str, Tensor]
MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Memory that the store may keep: networks on the device; dense weights, pruning indexes and masks in RAM."""

    device_bytes: int = 512 * MEGABYTE
    ram_bytes: int = 1024 * MEGABYTE


class ModelStore:
    """Networks by VariantSpec, least recently used go first. Safe for threads: one lock a network, held while it is borrowed.

    Args:
        files: where trained networks lie. device: where they run. budgets: bytes that may stay in memory.
    """

    def __init__(self, files: Files, device: torch.device, budgets: Budgets | None = None) -> None:
        budgets = budgets or Budgets()
        self.files, self.device = files, device
        self._networks = MemoryCache("device", budgets.device_bytes)
        self._ram = MemoryCache("RAM", budgets.ram_bytes)

    @property
    def downloads(self) -> Path:
        """The folder in which downloaded weights lie."""
        return self.files.write_root / "downloads"

    @contextmanager
    def borrow(self, variant: VariantSpec) -> Iterator[nn.Module]:
        """The pruned network on the device, in eval mode with frozen parameters, for this borrower alone until the block ends.

        Raises:
            MissingData, BadFile: its weights are not there or damaged. UnknownName: no such model or criterion.
        """
        with self._networks.borrow(variant.key, lambda: self._build(variant)) as network:
            yield network

    def mask(self, variant: VariantSpec) -> Mask:
        """What the pruning keeps, by parameter name; on the CPU, shared: do not change it."""
        return self._weights_and_mask(variant)[1]

    def report(self, variant: VariantSpec) -> MaskReport:
        """Counts of the mask, and whether the network is collapsed."""
        with self._ram.borrow(f"report/{variant.key}", lambda: (self._count(variant), 1024), exclusive=False) as report:
            return report

    def parts(self) -> tuple[CachePart, ...]:
        """Bytes, hits and misses of each tier."""
        return self._networks.report(), self._ram.report()

    def missing(self, model: ModelSpec) -> bool:
        """True when the dense weights of this model are nowhere on this machine."""
        there = is_there(model, self.downloads)
        return not self.files.exists(_stored_key(VariantSpec(model=model))) if there is None else not there

    def _build(self, variant: VariantSpec) -> tuple[nn.Module, int]:
        weights, mask = self._weights_and_mask(variant)
        network = card(variant.model).blank()
        network.load_state_dict(apply_mask(weights, mask))
        network.requires_grad_(False).eval().to(self.device)
        return network, _bytes(network.state_dict())

    def _weights_and_mask(self, variant: VariantSpec) -> tuple[Weights, Mask]:
        if variant.pruning.schedule == "one-shot":
            weights, _ = self._stored(variant.dense)
            pruning = variant.pruning
            return weights, self._index(variant).mask(_sparsity(pruning), pruning.overrides, pruning.excluded)
        return self._stored(variant)

    def _stored(self, variant: VariantSpec) -> tuple[Weights, Mask]:
        key = _stored_key(variant)

        def load() -> tuple[tuple[Weights, Mask], int]:
            found = card(variant.model)
            weights, mask = None, Mask()
            if variant.pruning in (PruningSpec(), found.dense):
                weights = dense_weights(variant.model, self.downloads)
            if weights is None:
                weights, mask = unpack_sparse(_load_or_explain(self.files, key, variant))
            _check_fit(key, found, weights, mask)
            mask = {name: mask[name] for name in found.prunable} if mask else full_mask(weights, found.prunable)
            return (weights, mask), _bytes(weights) + _bytes(mask)

        with self._ram.borrow(f"weights/{key}", load, exclusive=False) as stored:
            return stored

    def _index(self, variant: VariantSpec) -> PruningIndex:
        pruning = variant.pruning

        def build() -> tuple[PruningIndex, int]:
            weights, mask = self._stored(variant.dense)
            candidates = {name: weights[name] for name in mask}
            evidence = Evidence(candidates, pruning.granularity, pruning.seed, None, card(variant.model).conv_groups)
            index = PruningIndex.of(pruning, evidence)
            return index, index.bytes

        with self._ram.borrow(f"index/{variant.model.key}/{pruning.ranking}", build, exclusive=False) as index:
            return index

    def _count(self, variant: VariantSpec) -> MaskReport:
        found, mask = card(variant.model), self.mask(variant)
        layers = count_layers(mask, found.kinds)
        return MaskReport(
            variant=variant,
            layers=layers,
            other_parameters=found.parameters - sum(layer.total for layer in layers),
            collapsed=is_collapsed(found.skeleton, mask, found.input_shape),
        )


def _stored_key(variant: VariantSpec) -> str:
    """The file of a trained network; a dense network is level 0 of its series where it has one."""
    found: Card = card(variant.model)
    pruning = found.dense if variant.pruning.schedule == "none" else variant.pruning
    if pruning.level is not None and (found.levels is None or pruning.level > found.levels):
        raise BadSpec(
            f"{variant.model.name} has no level {pruning.level}.", f"Its levels are 0 to {found.levels}.", "Choose a lower level."
        )
    return VariantSpec(model=variant.model, pruning=pruning).key


def _load_or_explain(files: Files, key: str, variant: VariantSpec) -> Weights:
    try:
        return files.load(key)[0]
    except MissingData as error:
        train_on = variant.model.weights.removeprefix("mnist-")
        raise MissingData(
            f"The network {key} is not on this machine.",
            error.allowed,
            f"Train it with `python -m core protocol run lukkien --train-on {train_on} --seeds {variant.model.seed}`.",
        ) from error


def _check_fit(key: str, found: Card, weights: Weights, mask: Mask) -> None:
    """Raises BadFile when the stored tensors are not this network's."""
    expected = found.shapes
    if {name: tuple(values.shape) for name, values in weights.items()} != expected or set(mask) not in (set(), set(found.prunable)):
        raise BadFile(
            f"The stored network {key} holds the weights of another network.",
            f"It must hold {', '.join(expected)} in their shapes.",
            "Delete that file; a network that comes along is restored with `git checkout models_cache/shipped`.",
        )


def _sparsity(pruning: PruningSpec) -> float:
    assert pruning.sparsity is not None  # a one-shot spec always has one
    return pruning.sparsity


def _bytes(tensors: dict[str, Tensor]) -> int:
    return sum(values.numel() * values.element_size() for values in tensors.values())
