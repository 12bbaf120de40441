"""The sweet spot of a sweep: how far a network can be pruned before its answers or explanations are
worse than the reference's; and whether a little pruning makes any of them better.

At each sparsity, accuracy and measures against marked objects must not be worse by more than a
tolerance (paired, one-sided 95 %), and similarities to the reference's heatmap must be above a
threshold. Sparsities are tested from low to high, and the first failure ends the sequence: so the
chance to claim a sparsity that is too high is at most 5 %, without a further correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas

from core.base.errors import BadSpec
from core.evaluation.columns import AGAINST_REFERENCE, needs
from core.results import SAME_FROM
from core.specs.shares import exact_share
from core.stats.noninferiority import CONFIDENCE, mean_bound, share_bound
from core.sweeps.families import families
from core.sweeps.read import is_lower_better
from core.sweeps.sweep import Sweep

USUAL = ("right", "soft-iou", "pearson")  # measures
TOLERANCE = 0.02  # of accuracy and of measures against marked objects


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What counts as not worse, fixed before results are looked at.

    tolerances: of measures by name; others have `tolerance`. thresholds: of similarities by name;
    others have `threshold`.
    """

    tolerance: float = TOLERANCE
    threshold: float = SAME_FROM
    tolerances: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in (("tolerance", self.tolerance), *self.tolerances.items()):
            exact_share(value, f"tolerance of '{name}'" if name != "tolerance" else name)

    def of(self, measure: str) -> float:
        """Return what the bound of a measure must exceed: 0 less its tolerance, or a threshold."""
        if is_similarity(measure):
            return self.thresholds.get(measure, self.threshold)
        return -self.tolerances.get(measure, self.tolerance)


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """A mean and its bounds; None where undefined. n: images for which it is defined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Check:
    """One measure at one sparsity.

    found: mean improvement on the reference, or mean similarity, with one-sided 95 % bounds. limit:
    what the lower one must exceed. images: all of them.
    """

    measure: str
    sparsity: float
    found: Bounded
    limit: float
    images: int

    @property
    def passes(self) -> bool:
        return self.found.low is not None and self.found.low > self.limit


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A measure at the sparsity where it improves most on the reference, of those where it clearly
    does if there are any, with 95 % bounds that hold for all `sparsities` together (Bonferroni).
    """

    measure: str
    sparsity: float
    found: Bounded
    sparsities: int

    @property
    def is_clear(self) -> bool:
        return self.found.low is not None and self.found.low > 0


@dataclass(frozen=True, kw_only=True)
class SweetSpot:
    """How far one family of networks can be pruned.

    sparsity: the largest one before anything fails; None if the first one fails. fails_at,
    limiting: the next sparsity, and the measures that fail there; None and () if nothing fails.
    checks: of all sparsities. gains: of all measures but similarities.
    """

    sparsity: float | None
    fails_at: float | None
    limiting: tuple[str, ...]
    checks: tuple[Check, ...]
    gains: tuple[Gain, ...]


def is_similarity(measure: str) -> bool:
    """Return whether a measure compares with the reference: it has no value for the reference."""
    return needs(measure) in AGAINST_REFERENCE


def sweet_spot(
    rows: pandas.DataFrame, reference: pandas.DataFrame, measures: Sequence[str], limits: Limits
) -> SweetSpot:
    """Find the sweet spot of one family of networks.

    Args:
        rows: columns "sparsity", "image" and the measures, one row for each network and image.
        reference: the same of the reference.
    Raises:
        BadSpec: no networks, no measures, or no images in common.
    """
    own = reference.drop_duplicates("image").set_index("image")
    by_sparsity = {float(share): some.set_index("image") for share, some in rows.groupby("sparsity") if share > 0}
    if not by_sparsity or not measures or not any(own.index.isin(some.index).any() for some in by_sparsity.values()):
        raise BadSpec(
            "There is nothing to compare: no pruned network, no measure, or no image that the reference has too.",
            "A sweet spot needs the reference and pruned networks on the same images.",
            "Add the dense network and several sparsities to the sweep, and run it.",
        )
    checks: list[Check] = []
    for share, some in sorted(by_sparsity.items()):
        both = some[some.index.isin(own.index)]
        for name in measures:
            found = bounded(
                both[name], None if is_similarity(name) else own[name].reindex(both.index), name, CONFIDENCE
            )
            checks.append(Check(measure=name, sparsity=share, found=found, limit=limits.of(name), images=len(both)))
    failed = next((check.sparsity for check in checks if not check.passes), None)
    passed = [check.sparsity for check in checks if failed is None or check.sparsity < failed]
    return SweetSpot(
        sparsity=passed[-1] if passed else None,
        fails_at=failed,
        limiting=tuple(check.measure for check in checks if check.sparsity == failed and not check.passes),
        checks=tuple(checks),
        gains=tuple(
            _gain(improvements(rows, reference, name, len(by_sparsity)), name)
            for name in measures
            if not is_similarity(name)
        ),
    )


def improvements(
    rows: pandas.DataFrame, reference: pandas.DataFrame, measure: str, together: int = 1
) -> dict[float, Bounded]:
    """Return the mean improvement of a measure on the reference at each sparsity, with two-sided
    95 % bounds.

    Args:
        rows, reference: as of `sweet_spot`. together: for how many comparisons the bounds hold
            (Bonferroni).
    """
    own = reference.drop_duplicates("image").set_index("image")[measure]
    confidence, found = 1 - (1 - CONFIDENCE) / 2 / together, dict[float, Bounded]()
    for share, some in rows[rows["sparsity"] > 0].groupby("sparsity"):
        values = some.set_index("image")[measure]
        values = values[values.index.isin(own.index)]
        found[float(share)] = bounded(values, own.reindex(values.index), measure, confidence)
    return found


def _gain(found: Mapping[float, Bounded], measure: str) -> Gain:
    """Return the largest improvement, a clear one before one that is not: the largest mean may be
    of a sparsity where images differ so much that it says nothing.
    """
    gains = {share: _at(found, share, measure) for share, one in found.items() if one.value is not None}
    best = max(gains, key=lambda share: (gains[share].is_clear, found[share].value), default=min(found))
    return _at(found, best, measure)


def _at(found: Mapping[float, Bounded], share: float, measure: str) -> Gain:
    return Gain(measure=measure, sparsity=share, found=found[share], sparsities=len(found))


def bounded(values: pandas.Series, own: pandas.Series | None, measure: str, confidence: float) -> Bounded:
    """Return the mean improvement on the reference's values, or the mean if there are none, with
    one-sided bounds.
    """
    if own is not None and values.dtype == bool:
        gained, lost, n = int((values & ~own).sum()), int((~values & own).sum()), len(values)
        most = -share_bound(lost, gained, n, confidence)
        return Bounded(value=(gained - lost) / n, low=share_bound(gained, lost, n, confidence), high=most, n=n)
    numbers = values.astype(float) - (0.0 if own is None else own.astype(float))
    numbers = (-numbers if own is not None and is_lower_better(measure) else numbers).dropna()
    value, below = float(numbers.mean()) if len(numbers) else None, mean_bound(-numbers, confidence)
    high = None if below is None else -below
    return Bounded(value=value, low=mean_bound(numbers, confidence), high=high, n=len(numbers))


def spots(
    sweep: Sweep, limits: Limits, measures: Sequence[str] = (), heatmap: str = "", label: int | None = None
) -> dict[str, SweetSpot]:
    """Return the sweet spot of every family of a sweep (a model, a seed, a way to prune), by its
    name.

    Args:
        measures: by default those of USUAL that the sweep has. heatmap: by default the first one
            that is done. label: only images of this class; by default all.
    Raises:
        BadSpec: the reference is not among the sweep's networks that are done, or no usual measure
        is. UnknownName.
    """
    names = tuple(measures) or tuple(name for name in USUAL if name in sweep.spec.measures)
    found = families(sweep, names, heatmap, label)
    return {name: sweet_spot(family.rows, family.reference, names, limits) for name, family in found.items()}
