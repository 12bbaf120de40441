"""Spec of a series of networks, pruned and retrained level by level."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.base.errors import BadSpec
from core.specs.pruning import PruningSpec, n_of_m
from core.specs.shares import exact_share, one_of, seed_of, whole
from core.specs.training import TrainSpec

RETRAIN_SCHEDULES: dict[str, str] = {
    "iterative": (
        "iterative: each level prunes the network of the previous level and continues training from its weights"
    ),
    "one-shot": "one-shot: each level prunes the dense network at once and continues training from its weights",
    "reset": (
        "iterative with weight reset: masks as iterative, but each level starts from earlier weights of the dense "
        "network"
    ),
    "rate-rewinding": (
        "iterative with learning-rate rewinding: the weights are kept, the learning rates of the dense network start "
        "again"
    ),
    "gradual": (
        "gradual: each level starts where the dense network started and is pruned step by step during training"
    ),
    "none": "no retraining: each level prunes the dense network at once and is not trained",
}
RESETS: dict[str, str] = {
    "pretrained": "to the pretrained weights that the dense network started from",
    "initialisation": "to random weights, drawn from the seed",
    "epoch-K": "to the weights that the dense network had after its epoch K",
}


@dataclass(frozen=True, kw_only=True)
class Ramp:
    """When gradual pruning prunes. begin: epochs before the ramp; epochs: its length; times:
    prunings in it, evenly spaced.

    Source: Zhu and Gupta 2017, To prune, or not to prune, Eq. 1 (arXiv:1710.01878); in our names:
    t0 = begin, n = times, dt = steps of the ramp / n.
    """

    begin: int = 0
    epochs: int = 1
    times: int = 20

    def __post_init__(self) -> None:
        for name, least in (("begin", 0), ("epochs", 1), ("times", 1)):
            object.__setattr__(self, name, whole(getattr(self, name), f"ramp's {name}", least))

    @property
    def end(self) -> int:
        """The epoch (counted from 1) at whose end the final sparsity is reached."""
        return self.begin + self.epochs

    def sparsity(self, final: float, pruning: int, initial: float = 0.0) -> float:
        """Return the sparsity after each pruning, 0 to `times`: s_f + (s_i - s_f)(1 - pruning /
        times)^3.
        """
        return final + (initial - final) * (1 - pruning / self.times) ** 3

    @property
    def key(self) -> str:
        return f"ramp{self.begin}+{self.epochs}x{self.times}"


@dataclass(frozen=True, kw_only=True)
class RetrainSpec:
    """A retraining run.

    name: of the run; with the seed it names the weights of its networks. model: the card. pruning:
    a one-shot spec with its
    granularity, scope, criterion and excluded; its sparsity is unused. targets: the sparsity of
    each level, the first 0. first, each: how level 0 and every other level are trained. start:
    "pretrained" or "random". reset: a key of RESETS, for schedule "reset" only; "" for the weights
    that the dense network started from. ramp: for schedule "gradual" only.
    """

    name: str
    model: str
    pruning: PruningSpec
    targets: tuple[float, ...]
    first: TrainSpec
    each: TrainSpec
    schedule: str = "iterative"
    start: str = "pretrained"
    seed: int = 0
    reset: str = ""
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        one_of(self.schedule, RETRAIN_SCHEDULES, "schedule")
        one_of(self.start, ("pretrained", "random"), "start")
        object.__setattr__(self, "seed", seed_of(self.seed))
        targets = tuple(exact_share(target) for target in self.targets)
        if not targets or targets[0] != 0 or list(targets) != sorted(set(targets)):
            raise BadSpec(
                f"Sparsities {list(self.targets)} do not form a series.",
                "A series starts with 0, the dense network, and rises.",
                "Choose sparsities above 0.",
            )
        if targets[-1] == 1:
            raise BadSpec(
                "The last level would remove every weight.",
                "Every sparsity must be below 100 %.",
                "Remove the last level.",
            )
        object.__setattr__(self, "targets", targets)
        if self.schedule == "rate-rewinding":  # trains with `first` again; equal specs share one form
            object.__setattr__(self, "each", self.first)
        self._check_pruning()
        self._check_reset()
        self._check_ramp()

    def _check_pruning(self) -> None:
        if self.pruning.overrides or self.pruning.repair != "none":
            raise BadSpec(
                "A trained series takes no overrides and no repair.",
                "It takes granularity, scope, criterion, seed and excluded layers.",
                "Remove the other options.",
            )
        pattern = n_of_m(self.pruning.granularity)
        if pattern and (self.schedule == "gradual" or self.targets != (0.0, exact_share(1 - pattern[0] / pattern[1]))):
            raise BadSpec(
                f"{self.pruning.granularity} does not go with sparsities {list(self.targets)} and schedule "
                f"'{self.schedule}'.",
                "An N:M pattern determines the sparsity: the levels are 0 and that sparsity, pruned at once.",
                f"Choose 0 and {1 - pattern[0] / pattern[1]:g}.",
            )

    def _check_reset(self) -> None:
        natural = "pretrained" if self.start == "pretrained" else "initialisation"
        if self.reset and self.schedule != "reset":
            raise BadSpec(
                f"Schedule '{self.schedule}' does not reset weights.",
                "Only schedule 'reset' takes `reset`.",
                "Choose 'reset'.",
            )
        if self.reset == natural:
            object.__setattr__(self, "reset", "")
        elif self.reset and self.reset_epoch is None and self.reset != "initialisation":
            raise BadSpec(
                f"Weights of a {self.start} network cannot be reset to '{self.reset}'.",
                f"Known: {', '.join(RESETS)}; 'pretrained' only if training starts from pretrained weights.",
                "Try 'epoch-1'.",
            )
        if (epoch := self.reset_epoch) is not None and not 0 < epoch <= len(self.first.epoch_rates):
            raise BadSpec(
                f"There is no epoch {epoch} to reset to.",
                f"The dense network trains for {len(self.first.epoch_rates)} epochs, counted from 1.",
                "Choose one of these epochs, or train the dense network longer.",
            )

    @property
    def reset_epoch(self) -> int | None:
        """K of reset "epoch-K"."""
        match = re.fullmatch(r"epoch-([0-9]{1,5})", self.reset)
        return int(match[1]) if match else None

    def _check_ramp(self) -> None:
        epochs = len(self.each.epoch_rates)
        if self.schedule != "gradual":
            if self.ramp:
                raise BadSpec(
                    f"Schedule '{self.schedule}' has no ramp.",
                    "Only schedule 'gradual' takes one.",
                    "Remove the ramp.",
                )
            return
        ramp = self.ramp or Ramp(epochs=max(1, epochs // 2))
        if ramp.end > epochs:
            raise BadSpec(
                f"The ramp ends after epoch {ramp.end}.",
                f"A level trains for {epochs} epochs, and the ramp must end before the last of them.",
                "Shorten the ramp, or train longer.",
            )
        object.__setattr__(self, "ramp", ramp)

    @property
    def key(self) -> str:
        amounts = "_".join(f"{target:g}" for target in self.targets)
        schedule = "-".join(filter(None, (self.schedule, self.reset, self.ramp.key if self.ramp else "")))
        how = f"{schedule}/{self.start}/{self.pruning.family}/{amounts}"
        return f"{self.model}/{self.name}/{how}/{self.first.key}/{self.each.key}/s{self.seed}"
