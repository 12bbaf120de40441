"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass


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
