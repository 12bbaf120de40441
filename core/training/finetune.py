"""Fine-tuning of a pruned network with early stopping, resumable after each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from core.base.errors import BadFile, MissingData, SparsightError
from core.data.decode import TrainingImages
from core.disk.files import Files
from core.jobs.control import Control, Stopped
from core.specs import TrainSpec
from core.training.gradual import Gradual
from core.training.loop import Training
from core.training.memory import keep_memory_between_steps
from core.training.single import Photographs, Subject, count_correct, regrown


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One epoch of a run. loss: mean over the training images. correct, total: on the validation
    images after the epoch.
    """

    epoch: int
    epochs: int
    loss: float
    correct: int
    total: int
    seconds: float

    @property
    def text(self) -> str:
        """Text such as "epoch 1 of 3, loss 0.412, 61 of 70 correct, 2 s"."""
        right = f"{self.correct:,} of {self.total:,} correct"
        return f"epoch {self.epoch} of {self.epochs}, loss {self.loss:.3f}, {right}, {self.seconds:.0f} s"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a run, or its state when it was stopped.

    best_epoch: the epoch whose weights are the result; 0 for the initial weights. best_correct,
    total: on the validation images. by_hand: whether the run was stopped on request.
    """

    best_epoch: int
    best_correct: int
    history: tuple[Epoch, ...]
    stopped_early: bool
    total: int = 0
    by_hand: bool = False


@dataclass(frozen=True, eq=False)
class Goal:
    """What to train, with which data and recipe, and where the unfinished run is stored (key).

    control: pauses or stops the run. gradual: prunes during training; epochs before its end cannot
    be results. keep: the epoch whose weights are kept under <key>/epoch-<keep>, 0 for none.
    """

    subject: Subject
    data: TrainingImages
    validation: TrainingImages
    recipe: TrainSpec
    device: torch.device
    files: Files
    key: str
    control: Control = field(default_factory=Control)
    gradual: Gradual | None = None
    keep: int = 0


@dataclass(eq=False)
class _State:
    """The state of a run, besides the network and the optimiser."""

    best: dict[str, Tensor]
    best_correct: int = -1
    best_epoch: int = 0
    history: list[Epoch] = field(default_factory=list)
    first: int = 1  # the first epoch that can be a result

    @property
    def stale(self) -> int:
        """The number of epochs since the best one."""
        return len(self.history) - max(self.best_epoch, self.first - 1)


def finetune(goal: Goal) -> Iterator[Epoch | Outcome]:
    """Trains the subject in place and leaves the best weights in it. Resumes a killed run after its
    last finished epoch.

    The first epoch is the best so far. Later epochs are better if validation accuracy > best x
    recipe.better with early stopping (Merkle), or if more answers are correct without it. The
    initial weights are the result only if there is nothing to train.

    Yields:
        Each finished Epoch, including those found on disk, and finally the Outcome.
    Raises:
        Diverged: a loss was NaN or infinite. Stopped: on request; yields the Outcome so far first,
        if there is one. CacheNotWritable: the state cannot be saved.
    """
    if goal.device.type == "cpu":
        keep_memory_between_steps()
    task = Photographs(goal.subject, goal.data, goal.recipe, goal.device)
    task.check = goal.control.check
    training = Training(task, goal.recipe, _tightened(goal, task))
    state = _resumed(goal, training) or _State(_snapshot(goal))
    task.look_at_masks()
    state.first = goal.gradual.end if goal.gradual else 1
    yield from state.history
    try:
        yield from _train(goal, training, state)
    except Stopped:
        if state.best_epoch:
            yield _outcome(goal, state, by_hand=True)
        raise
    yield _outcome(goal, state)


def _train(goal: Goal, training: Training, state: _State) -> Iterator[Epoch]:
    patience, began = goal.recipe.patience, time.perf_counter()
    if patience and state.stale >= patience:
        return
    for done in training.epochs(first=len(state.history)):
        epoch = _evaluated(goal, done.epoch, done.losses[0], time.perf_counter() - began)
        _judge(goal, state, epoch)
        if epoch.epoch == goal.keep:
            goal.files.save(kept_key(goal.key, goal.keep), _snapshot(goal), {"recipe": goal.recipe.key})
        goal.files.save(f"{goal.key}/unfinished", *_packed(goal, training, state))
        yield epoch
        began = time.perf_counter()
        if patience and state.stale >= patience:
            return


def _outcome(goal: Goal, state: _State, by_hand: bool = False) -> Outcome:
    """Loads the best weights into the network and returns the outcome.

    Without any epoch, the initial weights are evaluated.
    """
    goal.subject.network.load_state_dict(state.best)
    goal.subject.network.requires_grad_(False).eval()
    epochs = len(goal.recipe.epoch_rates)
    best = state.best_correct if epochs else count_correct(goal.subject, goal.validation, goal.device)
    return Outcome(
        best_epoch=state.best_epoch,
        best_correct=best,
        history=tuple(state.history),
        stopped_early=len(state.history) < epochs,
        total=len(goal.validation),
        by_hand=by_hand,
    )


def _tightened(goal: Goal, task: Photographs) -> Callable[[int, int], None] | None:
    """Returns the callback after each step for gradual pruning."""
    gradual = goal.gradual
    if gradual is None:
        return None

    def after(epoch: int, step: int) -> None:
        if gradual.step(epoch * task.steps + step + 1, task.steps):
            task.look_at_masks()

    return after


def kept_key(key: str, epoch: int) -> str:
    """Returns the key of the weights after an epoch."""
    return f"{key}/epoch-{epoch:03d}"


def forget(files: Files, key: str) -> None:
    """Removes the unfinished run of a network; called after its result is stored."""
    files.delete(f"{key}/unfinished")


def _evaluated(goal: Goal, epoch: int, loss: float, seconds: float) -> Epoch:
    check_pruned(goal.subject)
    correct = count_correct(goal.subject, goal.validation, goal.device)
    return Epoch(
        epoch=epoch,
        epochs=len(goal.recipe.epoch_rates),
        loss=loss,
        correct=correct,
        total=len(goal.validation),
        seconds=seconds,
    )


def check_pruned(subject: Subject) -> None:
    """Checks that all pruned weights are zero. Raises SparsightError."""
    if count := regrown(subject):
        raise SparsightError(
            f"{count} pruned weights have grown back.",
            "Pruned weights are zero at every evaluation and in every file.",
            "Report this bug.",
        )


def _judge(goal: Goal, state: _State, epoch: Epoch) -> None:
    """Adds an epoch to the history, and keeps its weights if they are the best so far."""
    state.history.append(epoch)
    factor = goal.recipe.better if goal.recipe.patience else 1.0
    if epoch.epoch >= state.first and epoch.correct > state.best_correct * factor:
        state.best, state.best_correct, state.best_epoch = _snapshot(goal), epoch.correct, epoch.epoch


def _snapshot(goal: Goal) -> dict[str, Tensor]:
    return {
        name: values.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, values in goal.subject.network.state_dict().items()
    }


def _packed(goal: Goal, training: Training, state: _State) -> tuple[dict[str, Tensor], dict[str, Any]]:
    parts: dict[str, Mapping[str, Tensor]] = {"now": _snapshot(goal), "best": state.best, "memory": training.memory()}
    if goal.gradual:
        parts["mask"] = goal.subject.mask
    tensors = {f"{part}/{name}": values.cpu() for part, named in parts.items() for name, values in named.items()}
    facts = {
        "best_epoch": state.best_epoch,
        "best_correct": state.best_correct,
        "history": [vars(epoch) for epoch in state.history],
        "recipe": goal.recipe.key,
        "photographs": goal.data.digest,
    }
    return tensors, facts


def _resumed(goal: Goal, training: Training) -> _State | None:
    """Loads the state after the last finished epoch into network and optimiser; returns None if
    there is none for this recipe and these images.
    """
    try:
        tensors, facts = goal.files.load(f"{goal.key}/unfinished", "This network's training begins again.")
    except (MissingData, BadFile):  # with a damaged state the run starts again
        return None
    if facts.get("recipe") != goal.recipe.key or facts.get("photographs", goal.data.digest) != goal.data.digest:
        return None
    parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "memory": {}, "mask": {}}
    for key, values in tensors.items():
        part, name = key.split("/", 1)
        parts[part][name] = values
    goal.subject.network.load_state_dict(parts["now"])
    training.remember(parts["memory"])
    for name, kept in parts["mask"].items():
        goal.subject.mask[name].copy_(kept)
    history = [Epoch(**epoch) for epoch in facts["history"]]
    return _State(
        parts["best"], facts["best_correct"], facts["best_epoch"], [replace(epoch, seconds=0.0) for epoch in history]
    )
