"""Spec of a pruning: granularity, scope, criterion, schedule and amount."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from core.base.errors import BadSpec
from core.specs.shares import exact_share, one_of, seed_of, whole

Schedule = Literal["none", "one-shot", "iterative-reset", "retrained"]
SCHEDULES: dict[str, str] = {
    "none": "dense",
    "one-shot": "prune the dense network, without retraining",
    "iterative-reset": "prune 20 % of the remaining weights, reset the weights, retrain, repeat",
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
        "the two lowest of every four consecutive weights are removed, a pattern that some GPUs run faster; any other "
        "N:M works too"
    ),
}
REPAIRS: dict[str, str] = {
    "none": "the network as pruning leaves it",
    "batch-norm": "BatchNorm means and variances are measured again on a few images; the weights are unchanged",
}


def n_of_m(granularity: str) -> tuple[int, int] | None:
    """Return (N, M) for an N:M pattern such as "2:4", which keeps N of M consecutive weights; None
    for other granularities.

    Raises BadSpec for a pattern that keeps nothing or everything.
    """
    match = re.fullmatch(r"([0-9]{1,3}):([0-9]{1,3})", granularity)
    if not match:
        return None
    n, m = int(match[1]), int(match[2])
    if not 0 < n < m:
        raise BadSpec(
            f"The pattern {granularity} is invalid.",
            "N:M keeps N of every M weights, with 0 < N < M.",
            "Try 2:4 or 1:4.",
        )
    return n, m


@dataclass(frozen=True, kw_only=True)
class PruningSpec:
    """How a network is pruned. A one-shot spec has a sparsity, a trained series a level, a dense
    spec neither.

    `sparsity` is the *requested* share of what the granularity counts (weights, kernels, channels,
    filters) in the layers that are not excluded; a MaskReport counts what was removed from the
    tensors. An N:M pattern determines the sparsity.
    excluded: names of weights that are not pruned. overrides: (weight name, sparsity) of layers
    with a sparsity of their own.
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
        else:
            object.__setattr__(self, "granularity", f"{pattern[0]}:{pattern[1]}")
            if self.schedule == "one-shot":
                object.__setattr__(self, "sparsity", 1 - pattern[0] / pattern[1])
        needs = (self.schedule == "one-shot", self.schedule in TRAINED)
        if (self.sparsity is not None, self.level is not None) != needs:
            raise BadSpec(
                f"Schedule '{self.schedule}' does not go with sparsity {self.sparsity} and level {self.level}.",
                "One-shot takes a sparsity, a trained series takes a level, dense takes neither.",
                "Name only the one that its schedule takes.",
            )
        self._round()
        self._check_layers(pattern is not None)

    def _check_layers(self, pattern: bool) -> None:
        """Check the excluded layers and overrides. Only one-shot pruning takes them: a trained
        series is fixed by its run.
        """
        if self.schedule != "one-shot" and (self.excluded or self.overrides):
            raise BadSpec(
                f"Schedule '{self.schedule}' takes no excluded layers and no overrides.",
                "The networks of a trained series are stored as their run pruned them; a dense network is not pruned.",
                "Omit the layers, or choose schedule 'one-shot'.",
            )
        if pattern and self.overrides:
            raise BadSpec(
                f"{self.overrides[0][0]} cannot have a sparsity of its own with {self.granularity}.",
                "An N:M pattern determines the sparsity of every layer.",
                "Exclude the layer instead.",
            )
        if both := sorted(set(self.excluded) & {name for name, _ in self.overrides}):
            raise BadSpec(
                f"{', '.join(both)} cannot be excluded and have a sparsity of its own.",
                "A layer is either excluded or overridden.",
                "Remove one of the two.",
            )

    def _round(self) -> None:
        """Bring equal specs into one form, so that they share a key."""
        if self.sparsity is not None:
            object.__setattr__(self, "sparsity", exact_share(self.sparsity))
        if isinstance(self.excluded, str):
            raise BadSpec(
                f"Excluded layers cannot be '{self.excluded}'.",
                "They must be a tuple of names.",
                f"Write ('{self.excluded}',).",
            )
        if self.level is not None:
            object.__setattr__(self, "level", whole(self.level, "level"))
        object.__setattr__(self, "seed", seed_of(self.seed))
        object.__setattr__(self, "excluded", tuple(sorted(set(self.excluded))))
        rounded = {str(name): exact_share(share) for name, share in self.overrides}
        object.__setattr__(self, "overrides", tuple(sorted(rounded.items())))

    @classmethod
    def one_shot(
        cls, sparsity: float | None = None, scope: str = "global", criterion: str = "magnitude", **more: Any
    ) -> PruningSpec:
        """Create a one-shot spec. more: seed, granularity, excluded, overrides, repair."""
        return cls(schedule="one-shot", sparsity=sparsity, scope=scope, criterion=criterion, **more)

    @classmethod
    def at_level(cls, level: int, schedule: Schedule = "iterative-reset") -> PruningSpec:
        """Create the spec of a level of a trained series."""
        return cls(schedule=schedule, level=level)

    @property
    def is_dense(self) -> bool:
        """Whether nothing is pruned."""
        return self.schedule == "none"

    @property
    def is_one_shot(self) -> bool:
        """Whether the dense network is pruned on request, without retraining."""
        return self.schedule == "one-shot"

    @property
    def is_trained(self) -> bool:
        """Whether this is a level of a trained series."""
        return self.level is not None

    @property
    def ranking(self) -> str:
        """The part of the key that determines the order in which weights are removed; pruning
        indices are cached under it.
        """
        seed = f"-s{self.seed}" if self.criterion == "random" else ""
        return f"{self.granularity}-{self.scope}-{self.criterion}{seed}"

    @property
    def family(self) -> str:
        """The key without the amount; all sparsities or levels of one series share it."""
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
