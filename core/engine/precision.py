"""Rounding errors of a precision below float32: the largest differences to the same question in
float32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.engine.engine import Engine
from core.results import Heatmap


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """Largest differences to float32 for one question. probability: of any class, None if the
    outputs of either network are not finite. heatmap: of any pixel; both in [0, 1].
    """

    precision: str
    probability: float | None
    heatmap: float
    same_class: bool  # whether the network predicts the same class

    @property
    def text(self) -> str:
        """Return one sentence that states the differences."""
        if self.probability is None:
            return (
                f"Computed in {self.precision}. The network's outputs overflow here or in float32, so the answers"
                " cannot be compared."
            )
        says = "the same class" if self.same_class else "another class"
        return (
            f"Computed in {self.precision}. In float32 the network predicts {says}; probabilities differ by up to "
            f"{self.probability:.2g}, the heatmap by up to {self.heatmap:.2g}."
        )


def rounding(engine: Engine, answer: Heatmap) -> Rounding:
    """Compare an answer of this engine with float32, both for the class of its heatmap.

    Creates a temporary engine in float32. Raises as `Engine.heatmap`.
    """
    target = answer.cam.target if answer.target_class is None else answer.target_class
    exact = Engine(str(engine.device), engine.folder, engine.store.budgets, "float32").heatmap(
        answer.variant, answer.image, replace(answer.cam, target=target)
    )
    probabilities = exact.prediction.probabilities, answer.prediction.probabilities
    answered = exact.prediction.answered and answer.prediction.answered
    return Rounding(
        precision=engine.store.precision,
        same_class=exact.prediction.top == answer.prediction.top,
        probability=float(np.abs(probabilities[0] - probabilities[1]).max()) if answered else None,
        heatmap=float(np.abs(exact.map - answer.map).max()),
    )
