"""Parse a list of amounts such as "30, 50 %, 4x" into prunings, and thin the amounts of a curve."""

from __future__ import annotations

import re
from dataclasses import replace

from core.base.errors import BadSpec
from core.base.text import SHOWN, whole_number
from core.models.cards import Card
from core.specs import PruningSpec, VariantSpec, exact_share

MOST = 12  # amounts in a row
MOST_POINTS = 30  # of a curve whose points are computed one by one
ALLOWED = (
    f"Up to {MOST} amounts, separated by commas: percent removed (50 or 50 %), compression ratios (4x), or levels of a "
    "trained series (5)."
)
USUAL = {"photos": "10, 20, 30, 40, 50, 60", "digits": "30, 50, 70, 80, 90, 95"}
NEXT = "Write 50 or 4x, for example."


def thinned(series: tuple[VariantSpec, ...]) -> tuple[VariantSpec, ...]:
    """Return at most MOST_POINTS + 1 variants of a series, evenly, with its first and its last."""
    step = -(-len(series) // MOST_POINTS)
    return tuple(dict.fromkeys((*series[::step], series[-1])))


def usual(card: Card, family: PruningSpec, last: int | None = None) -> str:
    """Return the default amounts: those at which this network changes. Level 0 is
    the dense network, which is shown anyway. last: last trained level,
    that of the series by default.
    """
    if family.level is None:
        return USUAL[card.images]
    last = (card.levels or 0) if last is None else last
    step = 1 if last <= MOST else last // 5
    return ", ".join(str(level) for level in range(step, last + 1, step)) or "0"


def prunings(text: str, card: Card, family: PruningSpec) -> tuple[PruningSpec, ...]:
    """Return one pruning of the family for each amount, in the order written, without duplicates.

    Args:
        text: as described by ALLOWED. family: a one-shot spec of any sparsity, or a level of a
            trained series.
    Raises:
        BadSpec: an amount is unreadable or out of range, or there are too many or none.
    """
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    if not 0 < len(parts) <= MOST:
        raise BadSpec(
            f"There are {len(parts)} amounts.", ALLOWED, "Shorten the list." if parts else "Write at least one."
        )
    specs = [
        _at_level(part, card, family) if family.level is not None else _one_shot(part, card, family) for part in parts
    ]
    return tuple(dict.fromkeys(specs))


def _one_shot(text: str, card: Card, family: PruningSpec) -> PruningSpec:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|x|×)?", text)
    if not match:
        raise BadSpec(f"The amount '{text[:SHOWN]}' cannot be read.", ALLOWED, NEXT)
    number = float(match[1])
    if match[2] in ("x", "×"):
        return replace(family, sparsity=sparsity_of_ratio(card, number))
    if number > 100:
        raise BadSpec(f"The amount '{text[:SHOWN]}' is more than 100 %.", ALLOWED, NEXT)
    return replace(family, sparsity=exact_share(number / 100))


def _at_level(text: str, card: Card, family: PruningSpec) -> PruningSpec:
    level = whole_number(text)
    if level is None or level > (card.levels or 0):
        raise BadSpec(
            f"There is no level '{text[:SHOWN]}' in this series.",
            f"Its levels are 0 to {card.levels}.",
            "Choose some of these.",
        )
    return replace(family, level=level)


def sparsity_of_ratio(card: Card, ratio: float) -> float:
    """Return the sparsity for this compression ratio (all parameters / parameters left), as near as
    the unprunable parameters allow.
    """
    if ratio < 1:
        raise BadSpec(f"A compression ratio of {ratio:g} is invalid.", "It must be at least 1.", NEXT)
    prunable = sum(_size(card.shapes[name]) for name in card.prunable)
    return min(1.0, (card.parameters - card.parameters / ratio) / prunable)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for axis in shape:
        size *= axis
    return size
