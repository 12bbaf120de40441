"""Specs of a network: dense (ModelSpec) and after pruning (VariantSpec)."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.specs.pruning import PruningSpec
from core.specs.shares import seed_of


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A trained dense network: its card in the zoo, its training data and its training seed.

    `zoo.default_model(name)` returns the default weights and seed of a card. Weights "random" are
    untrained and drawn from the seed.
    """

    name: str = "thesis-cnn"
    weights: str = "mnist-55000"
    seed: int = 333

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seed_of(self.seed))

    @property
    def key(self) -> str:
        return f"{self.name}/{self.weights}/seed-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class VariantSpec:
    """A network after pruning."""

    model: ModelSpec = field(default_factory=ModelSpec)
    pruning: PruningSpec = field(default_factory=PruningSpec)

    @property
    def key(self) -> str:
        return f"{self.model.key}/{self.pruning.key}"

    @property
    def dense(self) -> VariantSpec:
        """The same network before pruning."""
        return VariantSpec(model=self.model)
