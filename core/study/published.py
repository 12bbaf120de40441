"""What Less is More printed about its human study, to stand beside the results of one's own.

Source: Merkle, Weber, Schöttle, Schlögl and Nocker, Less is More: VGG-16, Imagenette, crowd
workers, 500 images, five answers to each item. Variants are named by their compression rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas

from core.stats.preference import Preference, preference, share_difference
from core.study.design import ITEM
from core.study.place import UNKNOWN
from core.study.wording import p_value

SOURCE = "Merkle et al., Less is More"
ANSWERS, ANSWERS_RELEASED = 37_500, 20_000  # those of compression rates 4 and 8 were not released
NAMING = "name-object"
ALPHAS = {"heatmap-pair": 0.126, "occlusion-pair": 0.236, NAMING: 0.778}


@dataclass(frozen=True, kw_only=True)
class PublishedPair:
    """Printed counts of a pair: votes for the less and the more pruned network and for neither.
    chi_square, p: as printed, ties left out.
    """

    task: str
    less: str
    more: str
    votes_less: int
    votes_more: int
    votes_equal: int
    chi_square: float
    p: float

    @property
    def votes(self) -> Preference:
        return preference(self.votes_less, self.votes_more, self.votes_equal)


@dataclass(frozen=True, kw_only=True)
class PublishedName:
    """Printed counts of one variant's named objects."""

    variant: str
    right: int
    unknown: int
    wrong: int

    @property
    def n(self) -> int:
        return self.right + self.unknown + self.wrong


def _pair(task: str, pair: str, votes: tuple[int, int, int], chi_square: float, p: float) -> PublishedPair:
    less, more = pair.split()
    less_votes, more_votes, equal = votes
    return PublishedPair(
        task=task,
        less=less,
        more=more,
        votes_less=less_votes,
        votes_more=more_votes,
        votes_equal=equal,
        chi_square=chi_square,
        p=p,
    )


PAIRS = (
    _pair("heatmap-pair", "1 2", (715, 818, 967), 6.92, 0.0085),
    _pair("heatmap-pair", "1 32", (1148, 1023, 329), 7.20, 0.0073),
    _pair("occlusion-pair", "1 2", (521, 636, 1343), 11.43, 0.00072),
    _pair("occlusion-pair", "1 32", (997, 843, 660), 12.89, 0.00033),
    _pair("occlusion-pair", "2 32", (1082, 876, 542), 21.67, 3.2e-6),
)
NAMES = (
    PublishedName(variant="1", right=2146, unknown=245, wrong=109),
    PublishedName(variant="2", right=2160, unknown=224, wrong=116),
    PublishedName(variant="32", right=2033, unknown=355, wrong=112),
)
FIXED_CHI_SQUARE, FIXED_P = 6.04, 0.014  # as printed: the first variant's count as if known exactly


def published_pair(task: str, less: str, more: str) -> PublishedPair | None:
    """Return the printed counts of a pair of compression rates; None if they were not printed."""
    return next((row for row in PAIRS if (row.task, row.less, row.more) == (task, less, more)), None)


def published_name(variant: str) -> PublishedName | None:
    """Return the printed counts of a compression rate; None if they were not printed."""
    return next((row for row in NAMES if row.variant == variant), None)


def published_frame() -> pandas.DataFrame:
    """Return a table of answers with the printed counts, for `analyse`.

    Who gave which answer about which image is not known, so participant, item, image and label are
    missing, and what needs them is undefined. Named classes are not known either: "0" stands for
    the right class, "1" for a wrong one.
    """
    rows: list[tuple[str, str, str, str, bool | None]] = []
    for pair in PAIRS:
        counts = {"less": pair.votes_less, "more": pair.votes_more, "equal": pair.votes_equal}
        rows += [(pair.task, pair.less, pair.more, answer, None) for answer, n in counts.items() for _ in range(n)]
    for name in NAMES:
        for answer, n, right in (("0", name.right, True), (UNKNOWN, name.unknown, False), ("1", name.wrong, False)):
            rows += [(NAMING, name.variant, "", answer, right)] * n
    found = pandas.DataFrame(rows, columns=["task", "less", "more", "answer", "right"])
    missing = dict.fromkeys(("participant", "item", "image", "label"), pandas.NA)
    return found.assign(excluded=None, kind=ITEM, **missing)


def _reanalysis() -> str:
    """Say what the printed counts of the third task say under a 2x2 test of two variants."""
    first, second, third = NAMES
    gain, loss = (share_difference(first.right, first.n, other.right, other.n).p for other in (second, third))
    return (
        f"The published test of the third task takes the count of the unpruned network as known exactly. A 2x2 test "
        f"of the printed counts says: the gain at compression rate {second.variant} cannot be told from chance "
        f"({first.right:,} against {second.right:,} right of {first.n:,}, {p_value(gain)}); the loss at rate "
        f"{third.variant} can ({third.right:,}, {p_value(loss)}). All these tests treat answers as independent, "
        f"because it is not known who gave which."
    )


REANALYSIS = _reanalysis()
