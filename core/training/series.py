"""A series of pruned and retrained networks, stored level by level."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import torch
from torch import Tensor

from core.base.device import describe
from core.base.errors import BadSpec, MissingData
from core.data.decode import TrainingImages
from core.disk.files import Files
from core.disk.lock import locked
from core.disk.sparse import pack_sparse, unpack_sparse
from core.jobs.control import Control
from core.models.building import fill, untrained
from core.models.cards import Card
from core.models.description import lock_path
from core.pruning.mask import Mask
from core.specs import ModelSpec, PruningSpec, RetrainSpec, TrainSpec, VariantSpec
from core.training.finetune import Epoch, Goal, Outcome, check_pruned, finetune, forget, kept_key
from core.training.gradual import Gradual
from core.training.masks import Measured, Scored, check_amounts, level_mask, with_companions
from core.training.single import Subject, computed_in

State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Material:
    """The inputs of a series.

    card: of the network. start: the initial weights, a complete state dict. validation: chooses the
    best epoch.
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
    """Progress of a series: an epoch of a level, or (epoch None) a level that is finished or was
    found on disk.
    """

    level: int
    levels: int
    epoch: Epoch | None
    outcome: Outcome | None = None
    found: bool = False


@dataclass(frozen=True, eq=False)
class _Network:
    """A level: complete weights, and the mask of every prunable weight."""

    weights: State
    mask: Mask = field(default_factory=dict)


def model_of(spec: RetrainSpec) -> ModelSpec:
    return ModelSpec(name=spec.model, weights=spec.name, seed=spec.seed)


def key_of(spec: RetrainSpec, level: int) -> str:
    """Returns the key of a level's network, shared by all pages."""
    return VariantSpec(model=model_of(spec), pruning=PruningSpec.at_level(level, "retrained")).key


def check_stored(spec: RetrainSpec, files: Files, training: TrainingImages, first: int = 0) -> None:
    """Checks that networks stored under the run's name come from the same recipe and photographs.

    Args:
        first: first level to check.
    Raises:
        BadSpec.
    """
    for level in range(first, len(spec.targets)):
        key = key_of(spec, level)
        facts = files.facts(key) if files.exists(key) else {}
        wanted = {"spec": spec.key, "training_images": len(training), "photographs": training.digest}
        # Old files do not record the photographs.
        stored = {name: facts.get(name, value) for name, value in wanted.items()}
        if stored != wanted:
            other = "" if stored["photographs"] == training.digest else "other "
            raise BadSpec(
                f"{key} was trained differently: {stored['spec']} on {stored['training_images']:,} {other}images.",
                f"This run would train {spec.key} on {len(training):,} images.",
                "Use another name, data name, seed or folder, or delete the stored networks.",
            )


def run_series(spec: RetrainSpec, material: Material) -> Iterator[Step]:
    """Trains every level that is not stored yet. After a kill it resumes after the last finished
    epoch.

    If it is stopped, the current level is stored with its best weights so far, marked in its facts,
    and resumed the next time.

    Raises: as `finetune`; CacheNotWritable; BadSpec: a level would leave no weight; Busy: the
    series is being trained already.
    """
    check_amounts(spec, material.card)
    model = model_of(spec)
    with locked(lock_path(material.files.write_root, model), model.key):
        yield from _levels(spec, material)


def _levels(spec: RetrainSpec, material: Material) -> Iterator[Step]:
    before = dense = _Network(material.start)
    for level in range(len(spec.targets)):
        if _is_done(material.files, key_of(spec, level)):
            forget(material.files, key_of(spec, level))  # a kill may have come before it
            before = _Network(*unpack_sparse(material.files.load(key_of(spec, level))[0]))
            yield Step(level=level, levels=len(spec.targets) - 1, epoch=None, found=True)
        else:
            before = yield from _level(spec, material, level, _origin(spec, material, level, dense, before))
        dense = before if level == 0 else dense


def _is_done(files: Files, key: str) -> bool:
    """Whether a level is finished; a stopped level is stored but not finished."""
    return files.exists(key) and not files.facts(key).get("stopped_by_hand")


def _origin(spec: RetrainSpec, material: Material, level: int, dense: _Network, before: _Network) -> _Network:
    """Returns the initial weights of a level, and its first mask."""
    if level == 0 or spec.schedule == "gradual":
        return _Network(material.start, level_mask(spec, Scored(material.card, material.start), 0.0))
    scored = dense if spec.schedule in ("one-shot", "none") else before
    measured = Measured(spec, material.card, material.training, material.device).of(scored.weights, level)
    gone = {} if scored is dense else scored.mask
    mask = level_mask(spec, Scored(material.card, scored.weights, gone, measured), spec.targets[level])
    return _Network(reset_weights(spec, material) if spec.schedule == "reset" else scored.weights, mask)


def reset_weights(spec: RetrainSpec, material: Material) -> State:
    """Returns the weights that schedule "reset" resets to.

    Raises MissingData if the weights after that epoch were not kept.
    """
    if spec.reset == "initialisation":
        return untrained(material.card.build, spec.seed)
    if spec.reset_epoch is None:
        return material.start
    try:
        return material.files.load(kept_key(key_of(spec, 0), spec.reset_epoch))[0]
    except MissingData as error:
        raise MissingData(
            f"The dense network's weights after epoch {spec.reset_epoch} were not kept.",
            "They are kept during training; early stopping may end before that epoch.",
            "Reset to an earlier epoch, or give the run another name to train it again.",
        ) from error


def _gradual(spec: RetrainSpec, material: Material, level: int, subject: Subject) -> Gradual | None:
    """Returns what prunes during training, for schedule "gradual"."""
    if level == 0 or spec.ramp is None:
        return None
    measured = Measured(spec, material.card, material.training, material.device)

    def prune(sparsity: float, gone: Mapping[str, Tensor]) -> Mask:
        weights = {name: values.detach().cpu().contiguous() for name, values in subject.network.state_dict().items()}
        scored = Scored(material.card, weights, gone, measured.of(weights, level))
        return with_companions(spec, material.card, level_mask(spec, scored, sparsity))

    return Gradual(spec.ramp, spec.targets[level], prune, subject.mask)


def recipe_of(spec: RetrainSpec, level: int) -> TrainSpec:
    """Returns the recipe of a level; without epochs for schedule "none"."""
    if level == 0:
        return spec.first
    return replace(spec.each, rates=(), patience=0) if spec.schedule == "none" else spec.each


def _level(spec: RetrainSpec, material: Material, level: int, origin: _Network) -> Generator[Step, None, _Network]:
    """Trains one level and stores it."""
    network = material.card.build()
    fill(network, origin.weights)
    mask = with_companions(spec, material.card, origin.mask)
    recipe = recipe_of(spec, level)
    subject = Subject(network, mask, material.card.input, spec.seed, f"{spec.name}/level-{level:02d}", recipe.precision)
    goal = Goal(
        subject,
        material.training,
        material.validation,
        recipe,
        material.device,
        material.files,
        key_of(spec, level),
        material.control,
        _gradual(spec, material, level, subject),
        (spec.reset_epoch or 0) if level == 0 else 0,
    )
    began, levels, made = time.perf_counter(), len(spec.targets) - 1, origin
    for step in finetune(goal):
        if isinstance(step, Epoch):
            yield Step(level=level, levels=levels, epoch=step)
        else:
            seconds = round(time.perf_counter() - began, 1)
            made = _store(goal, material.card, _facts(spec, material, level, step) | {"seconds": seconds})
            if not step.by_hand:
                forget(goal.files, goal.key)
            yield Step(level=level, levels=levels, epoch=None, outcome=step)
    return made


def _store(goal: Goal, card: Card, facts: dict[str, object]) -> _Network:
    """Stores the current network of a level."""
    check_pruned(goal.subject)
    mask = goal.subject.mask
    state = {name: values.detach().cpu() for name, values in goal.subject.network.state_dict().items()}
    weights = {name: values * mask[name] if name in mask else values for name, values in state.items()}
    pruned = {name: mask[name] for name in card.prunable}
    goal.files.save(goal.key, pack_sparse(weights, pruned), facts)
    return _Network(weights, pruned)


def _facts(spec: RetrainSpec, material: Material, level: int, outcome: Outcome) -> dict[str, object]:
    """Returns the facts of a trained level."""
    precision = computed_in(material.device, recipe_of(spec, level).precision)
    return {
        "spec": spec.key,
        "outcome": asdict(outcome),
        "stopped_by_hand": outcome.by_hand,
        "training_images": len(material.training),
        "photographs": material.training.digest,
        "validation_images": len(material.validation),
        "skipped": list(material.training.skipped[:20]),
        "skipped_images": len(material.training.skipped),
        "device": describe(material.device),
        "precision": str(precision).removeprefix("torch."),
        "memory_format": "channels_last",
        "mask_checks": len(outcome.history)
        + 1,  # at every evaluation and before storing; each found all pruned weights zero
        "level": level,
        "target": spec.targets[level],
    }
