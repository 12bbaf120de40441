"""Which candidate to ship: the cheapest one that is within the limits beside the reference.

Every limit is tested with an exact or score bound on the same images, one-sided 95 %, corrected for
the number of candidates by Holm's method; a candidate is within the limits if it passes all of
them, which needs no further correction. So the chance to recommend a network that is truly beyond a
limit is at most 5 %, whatever the costs are, as long as limits were fixed before.

Source: Holm 1979, Scandinavian Journal of Statistics 6: 65-70.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas

from core.base.errors import BadSpec
from core.results import Latency
from core.specs.shares import exact_share, one_of
from core.stats.bootstrap import Interval, mean_interval
from core.stats.intervals import wilson
from core.stats.limits import at_least, at_most, images_below
from core.stats.noninferiority import CONFIDENCE, images_needed, share_bound
from core.sweeps.breaks import Share
from core.sweeps.candidates import SIMILARITY, Candidates, Cost, Measured
from core.sweeps.spots import TOLERANCE

BROKEN_BELOW = 0.5  # similarity
TWO_SIDED = 0.975
TIMES: dict[str, Callable[[Cost], Latency]] = {
    "latency": lambda cost: cost.time,
    "latency-16": lambda cost: cost.time_of_batch,
}
COSTS: dict[str, Callable[[Cost], float]] = {
    "latency": lambda cost: cost.time.median_ms,
    "latency-16": lambda cost: cost.time_of_batch.median_ms,
    "size": lambda cost: cost.file_bytes,
    "size-kept": lambda cost: cost.kept_bytes,
    "multiply-adds": lambda cost: cost.multiply_adds,
    "multiply-adds-left": lambda cost: cost.multiply_adds_left,
}
USUAL_COST = "size-kept"
ACCURACY, CHANGED, BROKEN = "accuracy", "changed", "broken"


class Verdict(StrEnum):
    """Where a number lies beside its limit."""

    WITHIN = "within"
    UNDECIDED = "undecided"
    BEYOND = "beyond"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a network may lose beside the reference, fixed before results are looked at.

    accuracy: by how much it may be lower. changed: share of images whose answer may change, None
    for any. broken: share of images whose heatmap may be less similar to the reference's than
    `threshold`, None for any. Where no image has a label that the reference knows, `accuracy`
    limits the changed answers: an accuracy falls by no more than these.
    """

    accuracy: float = TOLERANCE
    changed: float | None = None
    broken: float | None = None
    threshold: float = BROKEN_BELOW

    def __post_init__(self) -> None:
        for name in (ACCURACY, CHANGED, BROKEN):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, exact_share(value, f"limit of '{name}'"))
        if not -1 <= self.threshold <= 1:  # NaN fails too
            raise BadSpec(
                f"A threshold of {self.threshold:g} breaks all heatmaps, or none.",
                "A similarity lies between -1 and 1.",
                "Choose a number between them.",
            )


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number of one candidate beside its limit.

    measure: ACCURACY, the difference from the reference; CHANGED or BROKEN, a share. low, high:
    one-sided bounds, each with this confidence. limit: of the loss or the share. needed: images
    that would show with a probability of 80 % that it is within the limit, if the true numbers are
    those found; None if it is within, or if no number would.
    """

    measure: str
    value: float
    low: float
    high: float
    limit: float
    n: int
    confidence: float
    needed: int | None

    @property
    def verdict(self) -> Verdict:
        least, most = (-self.high, -self.low) if self.measure == ACCURACY else (self.low, self.high)
        return Verdict.WITHIN if most <= self.limit else Verdict.BEYOND if least > self.limit else Verdict.UNDECIDED


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One network beside the reference.

    accuracy: None if no image has a label that the reference knows. changed: images. broken: of the
    images where the reference's heatmap shows something, None if it shows nothing in any.
    similarity: of heatmaps, mean over the images where it is defined. checks: none for the
    reference. cost: the chosen one. on_front: no other network is at least as good in accuracy (or
    in unchanged answers) and cost, and better in one of them.
    """

    network: Measured
    accuracy: Share | None
    changed: Share
    broken: Share | None
    similarity: Interval
    checks: tuple[Check, ...]
    cost: float
    on_front: bool

    @property
    def verdict(self) -> Verdict:
        verdicts = [check.verdict for check in self.checks]
        return next((each for each in (Verdict.BEYOND, Verdict.UNDECIDED) if each in verdicts), Verdict.WITHIN)

    @property
    def needed(self) -> int | None:
        """Images that would show that it is within all limits, see `Check`."""
        open_ones = [check.needed for check in self.checks if check.verdict is not Verdict.WITHIN]
        known = [each for each in open_ones if each is not None]
        return max(known) if known and len(known) == len(open_ones) else None


@dataclass(frozen=True, kw_only=True)
class Alike:
    """A network within the limits whose accuracy (or share of unchanged answers) cannot be told
    from the recommended one's.

    difference, low, high: the recommended network's minus this one's, two-sided 95 %. needed:
    images that would tell the two apart, see `Check`.
    """

    other: Judged
    difference: float
    low: float
    high: float
    n: int
    needed: int | None


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What is decided.

    best: the cheapest candidate within all limits; None if no candidate is. alike: others within
    the limits. cost: a key of COSTS. labelled: whether accuracy was tested. n: images.
    """

    best: Judged | None
    alike: tuple[Alike, ...]
    reference: Judged
    candidates: tuple[Judged, ...]
    limits: Limits
    cost: str
    labelled: bool
    n: int

    @property
    def networks(self) -> tuple[Judged, ...]:
        """The reference, then the candidates."""
        return self.reference, *self.candidates

    @property
    def saves(self) -> bool:
        """Whether the best candidate surely costs less than the reference: of times, the intervals
        do not overlap.
        """
        if self.best is None:
            return False
        own, theirs = self.best.network.cost, self.reference.network.cost
        if self.cost in TIMES:
            return TIMES[self.cost](own).high_ms < TIMES[self.cost](theirs).low_ms
        return self.best.cost < self.reference.cost

    def of(self, verdict: Verdict) -> tuple[Judged, ...]:
        """Return the candidates with this verdict."""
        return tuple(each for each in self.candidates if each.verdict is verdict)


def decide(measured: Candidates, limits: Limits, cost: str = USUAL_COST) -> Recommendation:
    """Recommend a candidate; computes nothing with a network.

    Args:
        cost: a key of COSTS, of which the recommended network has the least.
    Raises:
        BadSpec: no such cost, or no image that all networks answered.
    """
    one_of(cost, COSTS, "cost")
    tables = _common(measured)
    labelled = "right" in tables[0]
    checks = check_all([_counts(table, tables[0], limits) for table in tables[1:]], limits, labelled)
    costs, good = [COSTS[cost](network.cost) for network in measured.networks], [_good(table) for table in tables]
    front = _front(list(zip((float(each.mean()) for each in good), costs, strict=True)))
    judged = [
        _judged(network, table, limits, found, at)
        for network, table, found, at in zip(
            measured.networks, tables, [(), *checks], zip(costs, front, strict=True), strict=True
        )
    ]
    within = [
        place
        for place, each in enumerate(judged)
        if place and each.verdict is Verdict.WITHIN and not each.network.collapsed
    ]
    best = min(within, key=lambda place: (costs[place], -float(good[place].mean())), default=None)
    others = [place for place in within if best is not None and place != best]
    alike = [_alike(judged[place], good[best], good[place]) for place in others if best is not None]
    return Recommendation(
        best=None if best is None else judged[best],
        alike=tuple(each for each in alike if each.low <= 0 <= each.high),
        reference=judged[0],
        candidates=tuple(judged[1:]),
        limits=limits,
        cost=cost,
        labelled=labelled,
        n=len(tables[0]),
    )


def _common(measured: Candidates) -> list[pandas.DataFrame]:
    """Return the rows of all networks for the images that all of them answered, the reference's
    first; without accuracy unless the reference knows a label. Raises BadSpec.
    """
    tables = [network.rows for network in measured.networks]
    images = tables[0].index
    for table in tables[1:]:
        images = images.intersection(table.index)
    if not len(images):
        raise BadSpec(
            "There is no image that all networks answered.", "They are compared image by image.", "Choose other images."
        )
    known = tables[0].loc[images, "label"] >= 0
    tables = [table.loc[images] for table in tables]
    if known.any():  # accuracy is over images whose class the reference knows
        tables = [table.assign(right=table["right"].where(known)) for table in tables]
    else:
        tables = [table.drop(columns="right") for table in tables]
    shown = tables[0]["usable"]
    tables[0] = tables[0].assign(agrees=True, **{SIMILARITY: shown.where(shown).astype(float)})
    return [table.assign(usable=shown) for table in tables]


def _good(table: pandas.DataFrame) -> pandas.Series:
    """Return whether an answer is right, or without labels, whether it is the reference's."""
    return (table["right"].dropna() if "right" in table else table["agrees"]).astype(bool)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a candidate is judged by, beside the reference: answers gained and lost of `labelled`
    images, changed answers of n, broken heatmaps of those that are `explained`.
    """

    gained: int
    lost: int
    labelled: int
    changed: int
    n: int
    broken: int
    explained: int


def _counts(table: pandas.DataFrame, reference: pandas.DataFrame, limits: Limits) -> Counts:
    own, theirs = _good(table), _good(reference)
    return Counts(
        gained=int((own & ~theirs).sum()),
        lost=int((~own & theirs).sum()),
        labelled=len(own),
        changed=int((~table["agrees"].astype(bool)).sum()),
        n=len(table),
        broken=int(_broken(table, limits).sum()),
        explained=len(_broken(table, limits)),
    )


def _broken(table: pandas.DataFrame, limits: Limits) -> pandas.Series:
    """Return whether a heatmap is unlike the reference's, where that one shows something. One
    without evidence is unlike any.
    """
    similar = table.loc[table["usable"].astype(bool), SIMILARITY]
    return ~(similar.astype(float) >= limits.threshold)


def _checks(found: Counts, limits: Limits, labelled: bool, confidence: float) -> tuple[Check, ...]:
    """Return what is limited, with bounds of this confidence."""
    checks = [_accuracy(found, limits.accuracy, confidence)] if labelled else []
    changed = limits.changed if labelled or limits.changed is not None else limits.accuracy
    if changed is not None:
        checks.append(_share_check(CHANGED, (found.changed, found.n), changed, confidence))
    if limits.broken is not None:
        checks.append(_share_check(BROKEN, (found.broken, found.explained), limits.broken, confidence))
    return tuple(checks)


def _accuracy(found: Counts, limit: float, confidence: float) -> Check:
    n = found.labelled
    low, high = (
        share_bound(found.gained, found.lost, n, confidence),
        -share_bound(found.lost, found.gained, n, confidence),
    )
    return Check(
        measure=ACCURACY,
        value=(found.gained - found.lost) / n,
        low=low,
        high=high,
        limit=limit,
        n=n,
        confidence=confidence,
        needed=None if low >= -limit else images_needed(found.gained / n, found.lost / n, limit, confidence),
    )


def _share_check(measure: str, count: tuple[int, int], limit: float, confidence: float) -> Check:
    low, high = (at_least(*count, confidence), at_most(*count, confidence)) if count[1] else (0.0, 1.0)
    share = count[0] / max(count[1], 1)
    return Check(
        measure=measure,
        value=share,
        low=low,
        high=high,
        limit=limit,
        n=count[1],
        confidence=confidence,
        needed=None if high <= limit else images_below(share, limit, confidence),
    )


def check_all(candidates: Sequence[Counts], limits: Limits, labelled: bool) -> list[tuple[Check, ...]]:
    """Test all candidates, those that pass aside, then the others with the correction for these
    only, until none passes: Holm's method, with the bounds of a candidate's last test.
    """
    found: dict[int, tuple[Check, ...]] = {}
    left = list(range(len(candidates)))
    while left:
        confidence = 1 - (1 - CONFIDENCE) / len(left)
        found |= {place: _checks(candidates[place], limits, labelled, confidence) for place in left}
        passed = [place for place in left if all(check.verdict is Verdict.WITHIN for check in found[place])]
        if not passed:
            break
        left = [place for place in left if place not in passed]
    return [found[place] for place in range(len(candidates))]


def _front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Return which points (goodness, cost) no other one dominates."""
    return [not any(other != own and other[0] >= own[0] and other[1] <= own[1] for other in points) for own in points]


def _judged(
    network: Measured, table: pandas.DataFrame, limits: Limits, checks: tuple[Check, ...], at: tuple[float, bool]
) -> Judged:
    """at: its cost, and whether it is on the front."""
    right = _good(table) if "right" in table else None
    return Judged(
        network=network,
        accuracy=None if right is None else _share(right),
        changed=_share(~table["agrees"].astype(bool)),
        broken=_share(broken) if len(broken := _broken(table, limits)) else None,
        similarity=mean_interval(table[SIMILARITY].astype(float).to_numpy()),
        checks=checks,
        cost=at[0],
        on_front=at[1],
    )


def _share(values: pandas.Series) -> Share:
    count, n = int(values.sum()), len(values)
    low, high = wilson(count, n)
    return Share(count=count, n=n, low=low, high=high)


def _alike(other: Judged, best: pandas.Series, own: pandas.Series) -> Alike:
    gained, lost, n = int((best & ~own).sum()), int((~best & own).sum()), len(own)
    better, worse = max(gained, lost) / n, min(gained, lost) / n
    return Alike(
        other=other,
        difference=(gained - lost) / n,
        low=share_bound(gained, lost, n, TWO_SIDED),
        high=-share_bound(lost, gained, n, TWO_SIDED),
        n=n,
        needed=images_needed(better, worse, 0.0, TWO_SIDED),
    )
