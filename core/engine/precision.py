"""What a precision below float32 costs: the same question asked in float32, and the largest
differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.engine.engine import Engine
from core.results import Heatmap


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """Largest differences to float32 of one question. probability: of any class, None where either
    network gives no answer, because its outputs are not finite. heatmap: of any pixel; both in [0,
    1].
    """

    precision: str
    probability: float | None
    heatmap: float
    same_class: bool  # whether the network says the same

    @property
    def text(self) -> str:
        """One plain sentence."""
        if self.probability is None:
            return (
                f"Computed in {self.precision}. The network's outputs overflow here or in float32, so the answers"
                " cannot be compared."
            )
        says = "the same class" if self.same_class else "another class"
        return (
            f"Computed in {self.precision}. In float32 the network says {says}; probabilities differ by up to"
            f" {self.probability:.2g}, the heatmap by up to {self.heatmap:.2g}."
        )


def rounding(engine: Engine, answer: Heatmap) -> Rounding:
    """What rounding did to an answer of this engine.

    An engine in float32 is made for it and let go. Raises as `Engine.heatmap`.
    """
    exact = Engine(str(engine.device), engine.folder, engine.store.budgets, "float32").heatmap(
        answer.variant, answer.image, answer.cam
    )
    probabilities = exact.prediction.probabilities, answer.prediction.probabilities
    answered = exact.prediction.answered and answer.prediction.answered
    return Rounding(
        precision=engine.store.precision,
        same_class=exact.prediction.top == answer.prediction.top,
        probability=float(np.abs(probabilities[0] - probabilities[1]).max()) if answered else None,
        heatmap=float(np.abs(exact.map - answer.map).max()),
    )
