"""A variant on a whole data set."""

from __future__ import annotations

from dataclasses import dataclass

from core.specs import DataSpec, VariantSpec


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Top-1 accuracy of a variant on a data set: counts, and the bounds of a 95 % Wilson interval."""

    variant: VariantSpec
    data: DataSpec
    correct: int
    total: int
    low: float
    high: float

    @property
    def fraction(self) -> float:
        return self.correct / self.total
