"""Questions. Frozen, hashable, and each has a readable `key` that names its answer in caches, files and links."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from core.errors import BadSpec

Schedule = Literal["none", "one-shot", "iterative-reset"]
SCHEDULES: dict[str, str] = {
    "none": "dense",
    "one-shot": "one-shot: prune the dense network, no retraining",
    "iterative-reset": "iterative with weight reset: prune 20 % of what is left, reset, retrain, repeat",
}
SCOPES: dict[str, str] = {
    "global": "global: one ranking over all prunable weights",
    "layer": "per layer: the same share of each layer",
}


def exact_share(value: float, name: str = "sparsity") -> float:
    """A share in [0, 1] rounded to 1e-6, so that 0.3 and 0.1 + 0.2 are one key. Raises BadSpec for NaN and anything outside."""
    number = float(value)
    if not math.isfinite(number) or not 0.0 <= number <= 1.0:
        raise BadSpec(f"A {name} of {value} cannot be used.", "It is a share from 0 to 1 (0 % to 100 %).", "Choose a value in that range.")
    return round(number, 6)


def whole(value: int, name: str, least: int = 0) -> int:
    """A whole number of at least `least`. Raises BadSpec otherwise."""
    if isinstance(value, bool) or int(value) != value or value < least:
        raise BadSpec(f"A {name} of {value} cannot be used.", f"It is a whole number from {least} up.")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A trained dense network: its card in the zoo, the data its weights were trained on, and the seed of that training."""

    name: str = "thesis-cnn"
    weights: str = "mnist-55000"
    seed: int = 333

    @property
    def key(self) -> str:
        return f"{self.name}/{self.weights}/seed-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class PruningSpec:
    """How a network is pruned. A one-shot spec carries a sparsity, a trained series a level, dense neither.

    `sparsity` is what is *asked for*, as a share of the prunable weights; what was removed is counted from the
    tensors and stands in a MaskReport.
    """

    schedule: Schedule = "none"
    granularity: str = "weight"
    scope: str = "global"
    criterion: str = "magnitude"
    sparsity: float | None = None
    level: int | None = None
    seed: int = 0  # of the random criterion

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise BadSpec(f"There is no schedule '{self.schedule}'.", f"Known: {', '.join(SCHEDULES)}.")
        if self.scope not in SCOPES:
            raise BadSpec(f"There is no scope '{self.scope}'.", f"Known: {', '.join(SCOPES)}.")
        needs = {"none": (False, False), "one-shot": (True, False), "iterative-reset": (False, True)}[self.schedule]
        if (self.sparsity is not None, self.level is not None) != needs:
            raise BadSpec(
                f"Schedule '{self.schedule}' with sparsity {self.sparsity} and level {self.level} is not a question.",
                "One-shot takes a sparsity, a trained series takes a level, dense takes neither.",
            )
        if self.sparsity is not None:
            object.__setattr__(self, "sparsity", exact_share(self.sparsity))
        if self.level is not None:
            object.__setattr__(self, "level", whole(self.level, "level"))

    @classmethod
    def one_shot(cls, sparsity: float, scope: str = "global", criterion: str = "magnitude", seed: int = 0) -> PruningSpec:
        return cls(schedule="one-shot", sparsity=sparsity, scope=scope, criterion=criterion, seed=seed)

    @classmethod
    def at_level(cls, level: int) -> PruningSpec:
        return cls(schedule="iterative-reset", level=level)

    @property
    def family(self) -> str:
        """The key without the amount: all sparsities or levels of one series share it."""
        if self.schedule != "one-shot":
            return {"none": "dense"}.get(self.schedule, self.schedule)
        seed = f"-s{self.seed}" if self.criterion == "random" else ""
        return f"one-shot/{self.granularity}-{self.scope}-{self.criterion}{seed}"

    @property
    def key(self) -> str:
        if self.schedule == "none":
            return self.family
        return f"{self.family}/{self.sparsity:.6f}" if self.level is None else f"{self.family}/level-{self.level:02d}"


@dataclass(frozen=True, kw_only=True)
class VariantSpec:
    """A network as it stands after pruning."""

    model: ModelSpec = field(default_factory=ModelSpec)
    pruning: PruningSpec = field(default_factory=PruningSpec)

    @property
    def key(self) -> str:
        return f"{self.model.key}/{self.pruning.key}"

    @property
    def dense(self) -> VariantSpec:
        """The same network before pruning."""
        return VariantSpec(model=self.model)


@dataclass(frozen=True, kw_only=True)
class ImageRef:
    """One image as a network gets it: where it comes from, and the background noise laid over it.

    source "digits": `name` is the row of the embedded digits; "own": the first 16 hex digits of the prepared image's sha256.
    """

    source: Literal["digits", "own"] = "digits"
    name: str = "0"
    noise: float = 0.2  # upper end of the uniform background noise; 0 for none
    noise_seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise", exact_share(self.noise, "noise"))
        whole(self.noise_seed, "noise seed")

    @property
    def key(self) -> str:
        return f"{self.source}/{self.name}" + (f"+noise-{self.noise:g}-s{self.noise_seed}" if self.noise else "")


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """A labelled data set to evaluate on, with or without the background noise."""

    name: str = "digits"
    noise: float = 0.0
    noise_seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise", exact_share(self.noise, "noise"))
        whole(self.noise_seed, "noise seed")

    @property
    def key(self) -> str:
        return self.name + (f"+noise-{self.noise:g}-s{self.noise_seed}" if self.noise else "")


TARGETS: dict[str, str] = {
    "dense": "the class that the dense network predicts",
    "own": "the class that each network predicts itself",
    "label": "the true class",
}


@dataclass(frozen=True, kw_only=True)
class CamSpec:
    """How a heatmap is made: method, target layer ("" is the model card's own choice) and target class (a mode or a class index)."""

    method: str = "grad-cam++"
    layer: str = ""
    target: str | int = "dense"

    def __post_init__(self) -> None:
        if isinstance(self.target, str) and self.target not in TARGETS:
            raise BadSpec(f"There is no target class '{self.target}'.", f"Known: {', '.join(TARGETS)}, or the index of a class.")
        if not isinstance(self.target, str):
            whole(self.target, "target class")

    @property
    def key(self) -> str:
        return f"{self.method}@{self.layer or 'default'}>{self.target}"


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """How a network is trained: SGD with constant rates in turn.

    rates: (learning rate, epochs) in order. noise: upper end of the background noise, fresh for every batch.
    """

    rates: tuple[tuple[float, int], ...]
    momentum: float = 0.9
    weight_decay: float = 1e-4
    batch_size: int = 128
    noise: float = 0.2

    @property
    def epoch_rates(self) -> tuple[float, ...]:
        """The learning rate of each epoch."""
        return tuple(rate for rate, epochs in self.rates for _ in range(epochs))
