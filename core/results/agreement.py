"""Whether the dense and the pruned network look at the same places, judged by two CAM methods."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from core.base.brief import brief

SAME_FROM, ELSEWHERE_BELOW = 0.8, 0.5
"""Thresholds of Pearson's r of two maps at the target layer's cells: from the first on, they show
the same places; below the second, the network looks elsewhere.

Calibrated on three thesis CNNs that differ in their training seed only: 100 digits, 296 pairs with
the same answer, two methods each after the last ReLU and after the last pooling. The median
agreement of such pairs is .19 to .70, depending on method and layer, and both methods reach .8 in
none to three of the 296 pairs. So a pruned network below .5 is about as far from the dense network
as another training run often is, and one at or above .8 by both methods is closer than nearly all
of these pairs. `python -m bench agreement` measures this again.
"""


class Verdict(Enum):
    """What two methods together show for one image."""

    SAME = "both methods show the same places"
    PARTLY = "the evidence moves in part"
    ELSEWHERE = "both methods show other places"
    DISPUTED = "one method shows other places, the other the same"
    UNKNOWN = "at least one of the two maps holds no evidence, so they cannot be compared"


@brief
@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Agreement of two networks' maps of one image, by two methods at one layer.

    value, second_value: Pearson's r at the target layer's cells; None where a map is empty,
    constant or not finite.
    """

    method: str
    value: float | None
    second_method: str
    second_value: float | None

    @property
    def verdict(self) -> Verdict:
        if self.value is None or self.second_value is None:
            return Verdict.UNKNOWN
        low, high = sorted((self.value, self.second_value))
        if high < ELSEWHERE_BELOW:
            return Verdict.ELSEWHERE
        if low >= SAME_FROM:
            return Verdict.SAME
        return Verdict.DISPUTED if low < ELSEWHERE_BELOW and high >= SAME_FROM else Verdict.PARTLY


@brief
@dataclass(frozen=True, kw_only=True)
class Agreements:
    """Agreement over several images: the count of each verdict, and the values of both methods
    where defined.
    """

    verdicts: dict[Verdict, int]
    values: tuple[float, ...]
    second_values: tuple[float, ...]

    @property
    def n(self) -> int:
        return sum(self.verdicts.values())

    @property
    def medians(self) -> tuple[float | None, float | None]:
        """Medians of the method and of the second method; None where no value is defined."""
        first, second = (statistics.median(values) if values else None for values in (self.values, self.second_values))
        return first, second


def summarise(agreements: Sequence[Agreement]) -> Agreements:
    """Count the verdicts and collect the values of one question over several images."""
    return Agreements(
        verdicts={verdict: sum(one.verdict is verdict for one in agreements) for verdict in Verdict},
        values=tuple(one.value for one in agreements if one.value is not None),
        second_values=tuple(one.second_value for one in agreements if one.second_value is not None),
    )
