"""A series of pruned and retrained networks, level by level, stored as it grows."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from core.control import Control
from core.device import describe
from core.models.cards import Card
from core.pruning.index import PruningIndex
from core.pruning.mask import Mask, full_mask
from core.specs import ModelSpec, PruningSpec, RetrainSpec, VariantSpec
from core.store.files import Files
from core.store.sparse import pack_sparse, unpack_sparse
from core.training.finetune import Epoch, Goal, Outcome, finetune, forget
from core.training.images import TrainingImages
from core.training.single import Subject

State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Material:
    """What a series is made from.

    card: of the network; start: the weights it begins with, a whole state dict. validation chooses, test is only counted.
    """

    card: Card
    start: State
    training: TrainingImages
    validation: TrainingImages
    device: torch.device
    files: Files
    control: Control = field(default_factory=Control)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Progress of a series: an epoch of a level, or (epoch None) a level that is done or was found on disk."""

    level: int
    levels: int
    epoch: Epoch | None
    outcome: Outcome | None = None
    found: bool = False


def model_of(spec: RetrainSpec) -> ModelSpec:
    return ModelSpec(name=spec.model, weights=spec.name, seed=spec.seed)


def key_of(spec: RetrainSpec, level: int) -> str:
    """The key of a level's network, the same for every page."""
    return VariantSpec(model=model_of(spec), pruning=PruningSpec.at_level(level, "retrained")).key


def run_series(spec: RetrainSpec, material: Material) -> Iterator[Step]:
    """Trains every level that is not stored yet. Killed at any moment, it goes on after the last finished epoch.

    Raises: as `finetune`; CacheNotWritable.
    """
    levels = len(spec.targets) - 1
    dense: State = material.start
    before: State = material.start
    for level, target in enumerate(spec.targets):
        key = key_of(spec, level)
        if material.files.exists(key):
            before = unpack_sparse(material.files.load(key)[0])[0]
            yield Step(level=level, levels=levels, epoch=None, found=True)
        else:
            scored, begin = _origins(spec, level, material.start, dense, before)
            mask = level_mask(spec, material.card, scored, target)
            before = yield from _level(spec, material, level, (begin, mask))
        dense = before if level == 0 else dense


def _origins(spec: RetrainSpec, level: int, start: State, dense: State, before: State) -> tuple[State, State]:
    """Whose weights are scored, and whose weights a level begins with."""
    if level == 0:
        return start, start
    if spec.pace == "iterative":
        return before, before
    return (before, start) if spec.pace == "reset" else (dense, dense)


def level_mask(spec: RetrainSpec, card: Card, weights: Mapping[str, Tensor], target: float) -> Mask:
    """The mask of a level: lowest scores go, what was removed before (zero) first."""
    names = tuple(name for name in card.prunable if name not in spec.pruning.excluded)
    if target == 0:
        return full_mask(weights, names)
    return PruningIndex({name: weights[name].abs() for name in names}, spec.pruning.scope).mask(target)


def _level(spec: RetrainSpec, material: Material, level: int, origin: tuple[State, Mask]) -> Generator[Step, None, State]:
    """Trains one level and stores it; returns its weights."""
    begin, mask = origin
    network = material.card.build()
    network.load_state_dict(begin)
    recipe = spec.first if level == 0 else spec.each
    subject = Subject(network, mask, material.card.input, spec.seed, f"{spec.name}/level-{level:02d}")
    key, began, levels = key_of(spec, level), time.perf_counter(), len(spec.targets) - 1
    goal = Goal(subject, material.training, material.validation, recipe, material.device, material.files, key, material.control)
    outcome: Outcome | None = None
    for step in finetune(goal):
        if isinstance(step, Epoch):
            yield Step(level=level, levels=levels, epoch=step)
        else:
            outcome = step
    state = {name: values.detach().cpu() for name, values in network.state_dict().items()}
    weights = {name: values * mask[name] if name in mask else values for name, values in state.items()}
    facts = _facts(spec, material, outcome) | {
        "level": level,
        "target": spec.targets[level],
        "seconds": round(time.perf_counter() - began, 1),
    }
    material.files.save(key, pack_sparse(weights, mask), facts)
    forget(goal)
    yield Step(level=level, levels=levels, epoch=None, outcome=outcome)
    return weights


def _facts(spec: RetrainSpec, material: Material, outcome: Outcome | None) -> dict[str, object]:
    """What is worth knowing of a trained level."""
    return {
        "spec": spec.key,
        "outcome": asdict(outcome) if outcome else None,
        "training_images": len(material.training),
        "validation_images": len(material.validation),
        "skipped": list(material.training.skipped[:20]),
        "device": describe(material.device),
    }
