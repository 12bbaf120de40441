"""Results of a variant on a whole data set."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.brief import brief
from core.specs import DataSpec, VariantSpec


@brief
@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Top-1 accuracy of a variant on a data set: counts, and the bounds of a 95 % Wilson interval.

    For photographs that are counted on request, also: `top5`, how often the class is among the five
    most probable; `among`, how often it is the most probable of the `among_classes` classes of the
    data set; `notes`, sentences on what was left out. `unanswered`: images for which the network's
    outputs are not finite; they count in the total and are never correct. None where unknown.
    """

    variant: VariantSpec
    data: DataSpec
    correct: int
    total: int
    low: float
    high: float
    top5: int | None = None
    among: int | None = None
    among_classes: int | None = None
    notes: tuple[str, ...] = ()
    unanswered: int | None = None

    @property
    def fraction(self) -> float:
        return self.correct / self.total

    @property
    def top5_fraction(self) -> float | None:
        return None if self.top5 is None else self.top5 / self.total

    @property
    def among_fraction(self) -> float | None:
        return None if self.among is None else self.among / self.total
