"""Which network: dense (ModelSpec), and as it stands after pruning (VariantSpec)."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.specs.pruning import PruningSpec
from core.specs.shares import seed_of


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A trained dense network: its card in the zoo, the data its weights were trained on, and the
    seed of that training.

    `zoo.default_model(name)` gives a card's own weights and seed. Weights "random" are untrained,
    drawn from the seed.
    """

    name: str = "thesis-cnn"
    weights: str = "mnist-55000"
    seed: int = 333

    def __post_init__(self) -> None:
        seed_of(self.seed)

    @property
    def key(self) -> str:
        return f"{self.name}/{self.weights}/seed-{self.seed}"


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
