"""ModelStore: a network as it stands after pruning, ready on the device, from wherever it is cheapest to get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import BadFile, BadSpec, MissingData
from core.models.cards import Card
from core.models.zoo import card, dense_weights, is_there
from core.pruning.calibration import Calibration, calibrate
from core.pruning.companions import companion_masks, companions
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask, apply_mask, count_layers, full_mask, is_collapsed
from core.pruning.scores import Evidence
from core.results import CachePart, MaskReport
from core.specs import ModelSpec, PruningSpec, VariantSpec
from core.store.budgets import MEGABYTE, Budgets
from core.store.files import Files
from core.store.memory import MemoryCache
from core.store.sparse import unpack_sparse

Weights = dict[str, Tensor]
CalibrationImages = Callable[[ModelSpec], tuple[Tensor, Tensor | None]]  # network inputs (N, C, H, W), classes (N,) or None
# Networks of more bytes share one buffer a model, overwritten in place: a slider allocates nothing, and memory does not grow.
SLOT_BYTES = 64 * MEGABYTE


@dataclass(eq=False)
class _Slot:
    """One network of a large model, and the variant that it holds now; None while it is written."""

    network: nn.Module
    variant: VariantSpec | None = None


class ModelStore:
    """Networks by VariantSpec, least recently used go first. Safe for threads: one lock a network, held while it is borrowed.

    Args:
        files: where trained networks lie. device: where they run. budgets: bytes that may stay in memory. images: what criteria that
            are measured on images are measured on.
    """

    def __init__(self, files: Files, device: torch.device, budgets: Budgets | None = None, images: CalibrationImages | None = None) -> None:
        budgets = budgets or Budgets()
        self.files, self.device, self._images = files, device, images
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
        if not self._in_slot(variant):
            with self._networks.borrow(variant.key, lambda: self._build(variant)) as network:
                yield network
            return
        with self._networks.borrow(f"{variant.model.key}/slot", lambda: self._empty_slot(variant)) as slot:
            if slot.variant != variant:
                slot.variant = None  # what an error leaves behind is nobody's network
                self._write(variant, slot.network)
                slot.variant = variant
            yield slot.network

    def _in_slot(self, variant: VariantSpec) -> bool:
        return variant.pruning.schedule == "one-shot" and 4 * card(variant.model).parameters > SLOT_BYTES

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
        """Whether the dense weights of this model are nowhere on this machine."""
        there = is_there(model, self.downloads)
        return not (self.files.exists(_stored_key(VariantSpec(model=model))) if there is None else there)

    def _build(self, variant: VariantSpec) -> tuple[nn.Module, int]:
        """A dense network shares its weights with the RAM tier where both lie in the same memory."""
        weights, mask = self._weights_and_mask(variant)
        network = card(variant.model).blank()
        network.load_state_dict(weights if variant == variant.dense else apply_mask(weights, mask), assign=True)
        network.requires_grad_(False).eval().to(self.device)
        return network, _bytes(network.state_dict())

    def _empty_slot(self, variant: VariantSpec) -> tuple[_Slot, int]:
        """A network whose candidates for pruning have memory of their own; all other tensors are the dense network's."""
        found, (weights, _) = card(variant.model), self._stored(variant.dense)
        network = found.blank()
        changing = {*found.prunable, *(name for names in self._partners(variant).values() for name in names)}
        network.load_state_dict({name: values.clone() if name in changing else values for name, values in weights.items()}, assign=True)
        network.requires_grad_(False).eval().to(self.device)
        return _Slot(network), _bytes({name: weights[name] for name in changing})

    def _write(self, variant: VariantSpec, network: nn.Module) -> None:
        """Masks the dense weights into the network's own memory."""
        pruning, (weights, _) = variant.pruning, self._stored(variant.dense)
        state, index = network.state_dict(), self._index(variant)
        index.write(_sparsity(pruning), pruning.overrides, {name: weights[name] for name in index.scores}, state, pruning.excluded)
        for name in {name for names in self._partners(variant).values() for name in names}:
            state[name].copy_(weights[name])
        if pruning.granularity == "filter":
            mask = index.mask(_sparsity(pruning), pruning.overrides, pruning.excluded)
            for name, kept in companion_masks(mask, self._partners(variant)).items():
                state[name].mul_(kept.to(self.device))

    def _weights_and_mask(self, variant: VariantSpec) -> tuple[Weights, Mask]:
        if variant.pruning.schedule != "one-shot":
            return self._stored(variant)
        weights, _ = self._stored(variant.dense)
        pruning = variant.pruning
        mask = self._index(variant).mask(_sparsity(pruning), pruning.overrides, pruning.excluded)
        if pruning.granularity == "filter":
            mask |= companion_masks(mask, self._partners(variant))
        return weights, mask

    def _partners(self, variant: VariantSpec) -> dict[str, tuple[str, ...]]:
        """What belongs to the output channels of each layer, by the name of its weight."""
        found = card(variant.model)

        def find() -> tuple[dict[str, tuple[str, ...]], int]:
            example = torch.zeros(1, *found.input_shape, device="meta")
            return companions(found.skeleton.eval(), example), 1024

        with self._ram.borrow(f"partners/{variant.model.name}", find, exclusive=False) as partners:
            return partners

    def _stored(self, variant: VariantSpec) -> tuple[Weights, Mask]:
        key = _stored_key(variant)

        def load() -> tuple[tuple[Weights, Mask], int]:
            found = card(variant.model)
            weights, mask = None, Mask()
            if variant.pruning in (PruningSpec(), found.dense):
                weights = dense_weights(variant.model, self.downloads)
            if weights is None:
                weights, mask = unpack_sparse(_load_or_explain(self.files, key, variant))
            weights = {name: values.contiguous() for name, values in weights.items()}  # the index walks through memory
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
            measured = (lambda: self._calibration(variant)) if self._images else None
            evidence = Evidence(candidates, pruning.granularity, pruning.seed, measured, card(variant.model).conv_groups)
            index = PruningIndex.of(pruning, evidence)
            return index, index.bytes

        with self._ram.borrow(f"index/{variant.model.key}/{pruning.ranking}", build, exclusive=False) as index:
            return index

    def _calibration(self, variant: VariantSpec) -> Calibration:
        """Gradients and input norms of the dense network on a few images; for criteria that need them."""

        def measure() -> tuple[Calibration, int]:
            assert self._images is not None
            inputs, classes = self._images(variant.model)
            with self.borrow(variant.dense) as network:
                found = calibrate(network, card(variant.model).prunable, inputs.to(self.device), classes)
            gradients, norms = ({k: v.cpu() for k, v in part.items()} for part in (found.gradients, found.input_norms))
            return Calibration(gradients, norms, found.images), found.bytes

        with self._ram.borrow(f"calibration/{variant.model.key}", measure, exclusive=False) as calibration:
            return calibration

    def _count(self, variant: VariantSpec) -> MaskReport:
        found, mask = card(variant.model), self.mask(variant)
        weights = {name: mask[name] for name in found.prunable if name in mask}
        layers = count_layers({name: kept for name, kept in weights.items() if name not in variant.pruning.excluded}, found.kinds)
        excluded = count_layers({name: weights[name] for name in variant.pruning.excluded}, found.kinds)
        return MaskReport(
            variant=variant,
            layers=layers,
            excluded=excluded,
            other_parameters=found.parameters - sum(layer.total for layer in layers),
            removed_others=sum(int((~kept).sum()) for name, kept in mask.items() if name not in weights),
            collapsed=is_collapsed(found.skeleton, weights, found.input_shape),
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
    return pruning.sparsity or 0.0  # a one-shot spec always has one


def _bytes(tensors: dict[str, Tensor]) -> int:
    return sum(values.numel() * values.element_size() for values in tensors.values())
