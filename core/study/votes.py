"""The answers about one pair of variants, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas
from numpy.typing import NDArray

from core.base.numbers import counted
from core.stats.clustered import (
    BY_PARTICIPANT,
    EXCHANGEABLE,
    NET,
    ClusteredInterval,
    bootstrap_preference,
    decided,
    gee_share,
    two_way_share,
)
from core.stats.preference import EQUAL, LESS, MORE, Preference, count_preference

CODES = {"less": LESS, "equal": EQUAL, "more": MORE}
INDEPENDENT = "as if answers were independent"
NOT_KNOWN = "Who gave which answer is not known."


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """What people said about one pair of variants, less pruned and more pruned.

    votes: counts and the tests that treat answers as independent. participants: who answered; 0 if
    that is not known. images: they answered about.
    gee, by_participant: interval of the share that prefers the more pruned variant among decided
    answers, for other participants and the same images; crossed: for other images, too. net:
    interval of the net preference. None if not computed.
    by_class: counts of each class, by its index.
    """

    task: str
    less: str
    more: str
    votes: Preference
    participants: int
    images: int
    gee: ClusteredInterval | None
    by_participant: ClusteredInterval | None
    crossed: ClusteredInterval | None
    net: ClusteredInterval | None
    by_class: tuple[tuple[int, Preference], ...]

    @property
    def interval(self) -> tuple[float, float, str]:
        """Return the 95 % interval of the share to show, and over what it is: draws of
        participants, else the GEE, else Wilson's, as if answers were independent. (0, 1) without
        a decided answer.
        """
        for found in (self.by_participant, self.gee):
            if found is not None and found.low is not None and found.high is not None:
                return found.low, found.high, counted(found.participants, "participant")
        if self.votes.low is None or self.votes.high is None:
            return 0.0, 1.0, INDEPENDENT
        return self.votes.low, self.votes.high, INDEPENDENT

    @property
    def is_clear(self) -> bool:
        """Return whether the share can be told from chance: the interval excludes 1/2."""
        low, high, _ = self.interval
        return self.votes.share is not None and not low <= 0.5 <= high


def pair_result(rows: pandas.DataFrame, thorough: bool, seed: int) -> PairResult:
    """Evaluate the answers about one pair. Args: rows: of one task and pair, at least one."""
    task, less, more = rows[["task", "less", "more"]].iloc[0]
    given, people, images = votes_of(rows), rows["participant"], rows["image"]
    gee, by_participant, crossed, net = _intervals(given, people, images, seed) if thorough else (None,) * 4
    return PairResult(
        task=str(task),
        less=str(less),
        more=str(more),
        votes=count_preference(given),
        participants=int(people.nunique()),
        images=int(images.nunique()),
        gee=gee,
        by_participant=by_participant,
        crossed=crossed,
        net=net,
        by_class=tuple((int(label), count_preference(votes_of(own))) for label, own in rows.groupby("label")),
    )


def votes_of(rows: pandas.DataFrame) -> NDArray[np.int64]:
    """Return answers about pairs as LESS, EQUAL and MORE."""
    return rows["answer"].map(CODES).to_numpy(dtype=np.int64)


def clustered_share(right: NDArray, people: pandas.Series) -> ClusteredInterval:
    """Return the share of right answers with the interval of the GEE; without one if it is not
    known who gave which.
    """
    if people.isna().any():
        return _unknown(float(right.mean()) if len(right) else None, EXCHANGEABLE, len(right))
    return gee_share(right, people.to_numpy())


def _intervals(
    given: NDArray[np.int64], people: pandas.Series, images: pandas.Series, seed: int
) -> tuple[ClusteredInterval, ...]:
    if people.isna().any():
        votes = count_preference(given)
        share = _unknown(votes.share, BY_PARTICIPANT, votes.decided)
        net = _unknown(votes.net, BY_PARTICIPANT, votes.n)
        return share, share, share, net
    who = people.to_numpy()
    kept = given != EQUAL
    return (
        gee_share(*decided(given, who)),
        bootstrap_preference(given, who, seed=seed),
        two_way_share(given[kept] == MORE, who[kept], images.to_numpy()[kept]),
        bootstrap_preference(given, who, statistic=NET, seed=seed),
    )


def _unknown(value: float | None, method: str, n: int) -> ClusteredInterval:
    return ClusteredInterval(value=value, low=None, high=None, method=method, n=n, participants=0, problem=NOT_KNOWN)
