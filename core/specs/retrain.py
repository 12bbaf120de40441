"""A series of networks pruned and retrained level by level."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import BadSpec
from core.specs.pruning import PruningSpec
from core.specs.shares import exact_share, one_of, whole
from core.specs.training import TrainSpec

PACES: dict[str, str] = {
    "iterative": "iterative: each level prunes the network of the level before and trains on from its weights",
    "one-shot": "one-shot: each level prunes the dense network at once and trains on from its weights",
    "reset": "iterative with weight reset: masks as iterative, but each level begins with the weights of the dense network's start",
    "none": "no retraining: each level prunes the dense network at once and stays as it is",
}


@dataclass(frozen=True, kw_only=True)
class RetrainSpec:
    """What to train.

    name: of the run; with the seed it names the weights of its networks. model: the card. pruning: a one-shot spec, its
    sparsity unused: granularity, scope, criterion, excluded. targets: the sparsity of each level, the first 0. first, each: how level 0 and
    every other level are trained. start: "pretrained" or "random".
    """

    name: str
    model: str
    pruning: PruningSpec
    targets: tuple[float, ...]
    first: TrainSpec
    each: TrainSpec
    pace: str = "iterative"
    start: str = "pretrained"
    seed: int = 0

    def __post_init__(self) -> None:
        one_of(self.pace, PACES, "pace")
        one_of(self.start, ("pretrained", "random"), "start")
        whole(self.seed, "seed")
        targets = tuple(exact_share(target) for target in self.targets)
        if not targets or targets[0] != 0 or list(targets) != sorted(set(targets)):
            raise BadSpec(f"Sparsities {list(self.targets)} are no series.", "It begins with 0, the dense network, and rises.")
        if targets[-1] == 1:
            raise BadSpec("The last level would leave no weight.", "A series ends below 100 %.", "Leave the last level out.")
        object.__setattr__(self, "targets", targets)

    @property
    def key(self) -> str:
        amounts = "_".join(f"{target:g}" for target in self.targets)
        how = f"{self.pace}/{self.start}/{self.pruning.family}/{amounts}"
        return f"{self.model}/{self.name}/{how}/{self.first.key}/{self.each.key}/s{self.seed}"
