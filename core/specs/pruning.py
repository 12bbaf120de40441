"""How a network is pruned: granularity x scope x criterion x schedule, and how much."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from core.base.errors import BadSpec
from core.specs.shares import exact_share, one_of, whole

Schedule = Literal["none", "one-shot", "iterative-reset", "retrained"]
SCHEDULES: dict[str, str] = {
    "none": "dense",
    "one-shot": "prune the dense network, without retraining",
    "iterative-reset": "prune 20 % of what is left, reset the weights, retrain, repeat",
    "retrained": "a trained series, pruned and retrained level by level",
}
TRAINED = ("iterative-reset", "retrained")  # schedules whose networks are stored, level by level
SCOPES: dict[str, str] = {
    "global": "one ranking over all prunable weights",
    "layer": "the same share of each layer",
}
GRANULARITIES: dict[str, str] = {
    "weight": "single weights (unstructured)",
    "kernel": "whole kernels, each the connection of one input channel to one output channel",
    "channel": "all kernels that read one input channel of a layer (connection sparsity by input channel)",
    "filter": "all weights that make one output channel",
    "2:4": (
        "of every four weights in a row the two lowest go, a pattern that some GPUs run faster; any other N:M as well"
    ),
}
REPAIRS: dict[str, str] = {
    "none": "the network as pruning leaves it",
    "batch-norm": "means and variances of BatchNorm are measured again on a few images; the weights stay",
}


def n_of_m(granularity: str) -> tuple[int, int] | None:
    """(N, M) of an N:M pattern such as "2:4" (N of M consecutive weights stay), None for the other
    granularities.

    Raises BadSpec for a pattern that keeps nothing or everything.
    """
    found = re.fullmatch(r"(\d{1,3}):(\d{1,3})", granularity)
    if not found:
        return None
    n, m = int(found[1]), int(found[2])
    if not 0 < n < m:
        raise BadSpec(
            f"A pattern of {granularity} cannot be used.",
            "N:M keeps N of every M weights, 0 < N < M.",
            "Try 2:4 or 1:4.",
        )
    return n, m


@dataclass(frozen=True, kw_only=True)
class PruningSpec:
    """How a network is pruned. A one-shot spec carries a sparsity, a trained series a level, dense
    neither.

    `sparsity` is what is *asked for*, as a share of what the granularity counts (weights, kernels,
    channels, filters) in the layers that are not excluded; what was removed is counted from the
    tensors and stands in a MaskReport. An N:M pattern fixes its own.
    excluded: names of weights that are left alone. overrides: (weight name, sparsity) of layers
    with an amount of their own.
    seed: of the random criterion. repair: a key of REPAIRS.
    """

    schedule: Schedule = "none"
    granularity: str = "weight"
    scope: str = "global"
    criterion: str = "magnitude"
    sparsity: float | None = None
    level: int | None = None
    seed: int = 0
    excluded: tuple[str, ...] = ()
    overrides: tuple[tuple[str, float], ...] = ()
    repair: str = "none"

    def __post_init__(self) -> None:
        one_of(self.schedule, SCHEDULES, "schedule")
        one_of(self.scope, SCOPES, "scope")
        one_of(self.repair, REPAIRS, "repair")
        pattern = n_of_m(self.granularity)
        if pattern is None:
            one_of(self.granularity, GRANULARITIES, "granularity")
        elif self.schedule == "one-shot":
            object.__setattr__(self, "sparsity", 1 - pattern[0] / pattern[1])
        needs = (self.schedule == "one-shot", self.schedule in TRAINED)
        if (self.sparsity is not None, self.level is not None) != needs:
            raise BadSpec(
                f"Schedule '{self.schedule}' with sparsity {self.sparsity} and level {self.level} is not a question.",
                "One-shot takes a sparsity, a trained series takes a level, dense takes neither.",
            )
        self._round()
        self._check_layers(pattern is not None)

    def _check_layers(self, pattern: bool) -> None:
        """Layers by name make sense with one-shot pruning only: a trained series is pruned as its
        run was.
        """
        if self.schedule != "one-shot" and (self.excluded or self.overrides):
            raise BadSpec(
                f"Schedule '{self.schedule}' with layers excluded or set by hand is not a question.",
                "The stored networks of a trained series are pruned as their run says, a dense network is not pruned.",
                "Leave the layers out, or choose one-shot.",
            )
        if pattern and self.overrides:
            raise BadSpec(
                f"{self.overrides[0][0]} cannot have an amount of its own under {self.granularity}.",
                "An N:M pattern fixes the amount of every layer.",
                "Exclude the layer instead.",
            )
        if both := sorted(set(self.excluded) & {name for name, _ in self.overrides}):
            raise BadSpec(
                f"{', '.join(both)} cannot be left alone and have an amount by hand.",
                "A layer is one or the other.",
                "Leave one of them out.",
            )

    def _round(self) -> None:
        """One form for equal questions, so that they share a key."""
        if self.sparsity is not None:
            object.__setattr__(self, "sparsity", exact_share(self.sparsity))
        if isinstance(self.excluded, str):
            raise BadSpec(
                f"Layers left alone cannot be '{self.excluded}'.",
                "They are a tuple of names.",
                f"Write ('{self.excluded}',).",
            )
        if self.level is not None:
            object.__setattr__(self, "level", whole(self.level, "level"))
        object.__setattr__(self, "excluded", tuple(sorted(set(self.excluded))))
        rounded = {str(name): exact_share(share) for name, share in self.overrides}
        object.__setattr__(self, "overrides", tuple(sorted(rounded.items())))

    @classmethod
    def one_shot(
        cls, sparsity: float | None = None, scope: str = "global", criterion: str = "magnitude", **more: Any
    ) -> PruningSpec:
        """Pruned at once, without retraining. more: seed, granularity, excluded, overrides,
        repair.
        """
        return cls(schedule="one-shot", sparsity=sparsity, scope=scope, criterion=criterion, **more)

    @classmethod
    def at_level(cls, level: int, schedule: Schedule = "iterative-reset") -> PruningSpec:
        """A level of a trained series."""
        return cls(schedule=schedule, level=level)

    @property
    def is_dense(self) -> bool:
        """Whether nothing is pruned."""
        return self.schedule == "none"

    @property
    def is_one_shot(self) -> bool:
        """Whether the dense network is pruned when it is asked for, without retraining."""
        return self.schedule == "one-shot"

    @property
    def is_trained(self) -> bool:
        """Whether it is a level of a trained series."""
        return self.level is not None

    @property
    def ranking(self) -> str:
        """The part of the key that decides the order in which weights go; the index of a model is
        kept under it.
        """
        seed = f"-s{self.seed}" if self.criterion == "random" else ""
        return f"{self.granularity}-{self.scope}-{self.criterion}{seed}"

    @property
    def family(self) -> str:
        """The key without the amount: all sparsities or levels of one series share it."""
        if self.schedule != "one-shot":
            return {"none": "dense"}.get(self.schedule, self.schedule)
        without = f"-without({','.join(self.excluded)})" if self.excluded else ""
        by_hand = f"-with({','.join(f'{name}={share:g}' for name, share in self.overrides)})" if self.overrides else ""
        repaired = f"+{self.repair}" if self.repair != "none" else ""
        return f"one-shot/{self.ranking}{without}{by_hand}{repaired}"

    @property
    def key(self) -> str:
        if self.schedule == "none":
            return self.family
        return f"{self.family}/{self.sparsity:.6f}" if self.level is None else f"{self.family}/level-{self.level:02d}"
