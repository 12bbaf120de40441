"""Which of two networks do people prefer? Counts of answers, and tests that treat the answers as
independent.

An answer prefers the less pruned network, the more pruned one, or neither. One person gives many
answers, so that answers depend on each other: `core/stats/clustered.py` allows for that. The tests
here are those that papers print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.errors import BadSpec
from core.specs import whole
from core.stats.bootstrap import CONFIDENCE
from core.stats.intervals import wilson

LESS, EQUAL, MORE = -1, 0, 1  # answers: for the less pruned network, for neither, for the more pruned one
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, kw_only=True)
class Preference:
    """Answers to one question about two networks; None where undefined.

    less, more, equal: answers for the less pruned network, for the more pruned one, for neither.
    share, low, high: of the more pruned network among the `decided` answers, with Wilson's 95 %
    interval. tie_share: answers for neither among all n.
    net: (more - less) / n, from -1 to 1. It stands in for the explainability measure of Less is
    More, whose equations are not known.
    chi_square, p: whether the share is 1/2, 1 degree of freedom, without the ties: the test that
    Less is More prints. p_exact: the same by the exact binomial test.
    p_ties_halved: the exact binomial test when every two ties count as one answer for each network;
    an odd tie is dropped. It never rejects more often than its level, and less often the more ties
    there are.
    smallest_share: see `smallest_share`, for the decided answers.
    """

    less: int
    more: int
    equal: int
    share: float | None
    low: float | None
    high: float | None
    tie_share: float | None
    net: float | None
    chi_square: float | None
    p: float | None
    p_exact: float | None
    p_ties_halved: float | None
    smallest_share: float | None

    @property
    def decided(self) -> int:
        """Answers for one of the two networks."""
        return self.less + self.more

    @property
    def n(self) -> int:
        """All answers."""
        return self.decided + self.equal


@dataclass(frozen=True, kw_only=True)
class ShareDifference:
    """Share b minus share a, of two separate sets of answers, each right or wrong.

    right_a of n_a, right_b of n_b: counts. low, high: 95 % interval of the difference.
    chi_square, p: Pearson's test of the 2x2 table, 1 degree of freedom, without continuity
    correction; None if all answers are right or all are wrong. Answers are treated as independent.
    """

    right_a: int
    n_a: int
    right_b: int
    n_b: int
    difference: float
    low: float
    high: float
    chi_square: float | None
    p: float | None

    @property
    def n(self) -> int:
        """All answers."""
        return self.n_a + self.n_b


@dataclass(frozen=True, kw_only=True)
class FixedCountTest:
    """The test of Less is More for its third task: counts against one count that is taken as known
    exactly.

    chi_square: sum of (count - reference)^2 / reference over `counts`. df: counts - 1, as
    published. p: its chi-square p.
    It is no valid test of equal shares: the reference varies as much as the counts do, wrong
    answers do not enter, and the counts need not add up to the references.
    """

    counts: tuple[int, ...]
    reference: int
    chi_square: float
    df: int
    p: float | None


def preference(less: int, more: int, equal: int = 0) -> Preference:
    """Evaluate the answers to one question about two networks.

    Args:
        less, more, equal: answers for the less pruned network, for the more pruned one, for
            neither.

    Raises:
        BadSpec: counts that are not whole numbers of at least 0.

    Source: Merkle et al., Less is More (chi-square test); Dixon and Mood 1946 (sign test); Coakley
    and Heise 1996, Biometrics 52: 1242-1251, compare ways of treating ties.
    """
    less, more, equal = (whole(count, "number of answers") for count in (less, more, equal))
    decided, n = less + more, less + more + equal
    low, high = wilson(more, decided, CONFIDENCE) if decided else (None, None)
    chi_square = (more - less) ** 2 / decided if decided else None
    return Preference(
        less=less,
        more=more,
        equal=equal,
        share=more / decided if decided else None,
        low=low,
        high=high,
        tie_share=equal / n if n else None,
        net=(more - less) / n if n else None,
        chi_square=chi_square,
        p=chi_square_p(chi_square),
        p_exact=sign_test_p(less, more),
        p_ties_halved=sign_test_p(less + equal // 2, more + equal // 2),
        smallest_share=smallest_share(decided),
    )


def count_preference(answers: ArrayLike) -> Preference:
    """Count answers (n,), each LESS, EQUAL or MORE, and evaluate them.

    Raises BadSpec for any other answer.
    """
    given = answer_array(answers)
    return preference(*(int((given == each).sum()) for each in (LESS, MORE, EQUAL)))


def smallest_share(decided: int) -> float | None:
    """Return the share from which on this many decided answers can be told from chance (1/2) at the
    5 % level: 0.5 + 1.96 / (2 sqrt(decided)); 0.68 for 30 answers.

    By the chi-square test, or as well by Wilson's interval. None for fewer than four answers: even
    if all agree, they cannot be told from chance.
    """
    decided = whole(decided, "number of answers")
    share = 0.5 + Z / (2 * math.sqrt(decided)) if decided else math.inf
    return share if share <= 1 else None


def share_difference(right_a: int, n_a: int, right_b: int, n_b: int) -> ShareDifference:
    """Compare two shares of right answers.

    Raises:
        BadSpec: counts that are no shares, or no answers.

    Source: Pearson 1900; interval: Newcombe 1998, Statistics in Medicine 17: 873-890, method 10.
    """
    (low_a, high_a), (low_b, high_b) = wilson(right_a, n_a, CONFIDENCE), wilson(right_b, n_b, CONFIDENCE)
    a, b, pooled = right_a / n_a, right_b / n_b, (right_a + right_b) / (n_a + n_b)
    difference = b - a
    chi_square = difference**2 / (pooled * (1 - pooled) * (1 / n_a + 1 / n_b)) if 0 < pooled < 1 else None
    return ShareDifference(
        right_a=right_a,
        n_a=n_a,
        right_b=right_b,
        n_b=n_b,
        difference=difference,
        low=difference - math.hypot(b - low_b, high_a - a),
        high=difference + math.hypot(high_b - b, a - low_a),
        chi_square=chi_square,
        p=chi_square_p(chi_square),
    )


def fixed_count_test(counts: Sequence[int], reference: int) -> FixedCountTest:
    """Compare counts with one count that is taken as known exactly.

    Returns:
        p is None for fewer than two counts: no degree of freedom is left.

    Source: Merkle et al., Less is More: 2160 and 2033 against 2146 give 6.04, p = .014.
    """
    counts = tuple(whole(count, "number of answers") for count in counts)
    reference = whole(reference, "reference count", least=1)
    chi_square, df = sum((count - reference) ** 2 for count in counts) / reference, max(len(counts) - 1, 0)
    p = chi_square_p(chi_square, df) if df else None
    return FixedCountTest(counts=counts, reference=reference, chi_square=chi_square, df=df, p=p)


def chi_square_p(chi_square: float | None, df: int = 1) -> float | None:
    """Return the share of the chi-square distribution above a value; None for None."""
    from scipy.special import chdtrc

    return None if chi_square is None else float(chdtrc(df, chi_square))


def sign_test_p(less: int, more: int) -> float | None:
    """Return the exact two-sided p of the binomial test of more = less; None without answers."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(less, more), less + more, 0.5))) if less + more else None


def answer_array(answers: ArrayLike) -> NDArray[np.int64]:
    """Return answers as an array (n,) of LESS, EQUAL and MORE. Raises BadSpec for any other."""
    given = np.asarray(answers)
    if given.ndim != 1 or not np.isin(given, (LESS, EQUAL, MORE)).all():
        raise BadSpec(
            f"Answers of shape {given.shape} cannot be counted.",
            f"They must be a row of {LESS} (less pruned), {EQUAL} (equal) and {MORE} (more pruned).",
            "Leave out missing answers.",
        )
    return given.astype(np.int64)


def columns(first: ArrayLike, *more: ArrayLike) -> tuple[NDArray, ...]:
    """Return columns with one row an answer as arrays. Raises BadSpec if their lengths differ."""
    arrays = tuple(np.asarray(each) for each in (first, *more))
    if len({each.shape for each in arrays}) > 1 or arrays[0].ndim != 1:
        raise BadSpec(
            f"Columns of shapes {[each.shape for each in arrays]} do not match.",
            "Each must hold one value per answer.",
            "Take all of them from the same table.",
        )
    return arrays
