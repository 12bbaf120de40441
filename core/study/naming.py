"""What people see in occlusion maps: right, wrong, or "I don't know"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas

from core.stats.clustered import ClusteredInterval
from core.stats.intervals import wilson
from core.stats.preference import FixedCountTest, ShareDifference, fixed_count_test, share_difference
from core.study.place import UNKNOWN
from core.study.votes import clustered_share


@dataclass(frozen=True, kw_only=True)
class NamedVariant:
    """Answers about the occlusion maps of one variant.

    right, unknown, wrong: counts. low, high: Wilson's 95 % interval of the share of right answers.
    gee: the same, allowing for people who give many answers; None if not computed. by_class: class
    index, right answers, answers.
    """

    variant: str
    right: int
    unknown: int
    wrong: int
    low: float
    high: float
    participants: int
    gee: ClusteredInterval | None
    by_class: tuple[tuple[int, int, int], ...]

    @property
    def n(self) -> int:
        return self.right + self.unknown + self.wrong

    @property
    def share(self) -> float:
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval to show: that of the GEE if it is defined, else Wilson's."""
        found = self.gee
        if found is None or found.low is None or found.high is None:
            return self.low, self.high
        return found.low, found.high


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two variants' shares of right answers, the less pruned one first: a 2x2 test."""

    first: str
    second: str
    difference: ShareDifference


@dataclass(frozen=True, kw_only=True)
class NamingResult:
    """Answers to "What is in the picture?", by variant.

    published: the statistic that Less is More prints, which takes the first variant's count as
    known exactly; None for one variant, or if nobody named it correctly.
    """

    variants: tuple[NamedVariant, ...]
    comparisons: tuple[Comparison, ...]
    published: FixedCountTest | None


@dataclass(frozen=True, kw_only=True)
class BesideNetwork:
    """People and a network that name the same variant's images.

    person: of the top 10 % of the heatmap, on images that every variant classifies correctly.
    right, n: of the network, on all images that were looked at; low, high: Wilson's 95 % interval.
    """

    person: NamedVariant
    right: int
    n: int
    low: float
    high: float


def naming_result(rows: pandas.DataFrame, names: tuple[str, ...], thorough: bool) -> NamingResult:
    """Evaluate named objects. Args: rows: of this task. names: of its variants, in order."""
    variants = tuple(_variant(rows[rows["less"] == name], name, thorough) for name in names)
    comparisons = tuple(
        Comparison(
            first=one.variant, second=other.variant, difference=share_difference(one.right, one.n, other.right, other.n)
        )
        for one, other in combinations(variants, 2)
    )
    first, *others = variants
    counts = [each.right for each in others]
    published = fixed_count_test(counts, first.right) if others and first.right else None
    return NamingResult(variants=variants, comparisons=comparisons, published=published)


def is_right(rows: pandas.DataFrame) -> pandas.Series:
    """Return whether each object was named correctly."""
    return rows["right"].astype(bool)


def beside_network(naming: NamingResult, accuracy: Mapping[str, Sequence[int]]) -> tuple[BesideNetwork, ...]:
    """Return people beside networks, for the variants whose accuracy is known.

    Args:
        accuracy: right answers and images of each variant: the fact "accuracy" of a prepared
            study.
    """
    found = []
    for person in naming.variants:
        right, n = accuracy.get(person.variant, (0, 0))
        if n:
            low, high = wilson(right, n)
            found.append(BesideNetwork(person=person, right=right, n=n, low=low, high=high))
    return tuple(found)


def _variant(rows: pandas.DataFrame, name: str, thorough: bool) -> NamedVariant:
    right, unknown = is_right(rows), rows["answer"] == UNKNOWN
    low, high = wilson(int(right.sum()), len(rows))
    by_class = tuple((int(label), int(own.sum()), len(own)) for label, own in right.groupby(rows["label"]))
    return NamedVariant(
        variant=name,
        right=int(right.sum()),
        unknown=int(unknown.sum()),
        wrong=int((~right & ~unknown).sum()),
        low=low,
        high=high,
        participants=int(rows["participant"].nunique()),
        gee=clustered_share(right.to_numpy(), rows["participant"]) if thorough else None,
        by_class=by_class,
    )
