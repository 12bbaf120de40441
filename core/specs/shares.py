"""Numbers that specs are made of, checked and rounded."""

from __future__ import annotations

import math
from collections.abc import Collection
from difflib import get_close_matches

from core.errors import BadSpec


def exact_share(value: float, name: str = "sparsity") -> float:
    """A share in [0, 1] rounded to 1e-6, so that 0.3 and 0.1 + 0.2 are one key. Raises BadSpec for anything else."""
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        raise BadSpec(f"A {name} of {value} cannot be used.", "It is a share from 0 to 1 (0 % to 100 %).", "Choose a value in that range.")
    return round(number, 6)


def whole(value: int, name: str, least: int = 0) -> int:
    """A whole number of at least `least`. Raises BadSpec otherwise."""
    number = _number(value)
    if not number.is_integer() or number < least:
        raise BadSpec(f"A {name} of {value} cannot be used.", f"It is a whole number from {least} up.")
    return int(value)


def not_negative(value: float, name: str) -> float:
    """A finite number of 0 or more. Raises BadSpec otherwise."""
    number = _number(value)
    if not math.isfinite(number) or number < 0:
        raise BadSpec(f"A {name} of {value} cannot be used.", "It is a number from 0 up.")
    return number


def _number(value: object) -> float:
    """NaN for what is none: words, True and False are none either."""
    try:
        return math.nan if isinstance(value, bool | str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def one_of(value: str, known: Collection[str], noun: str) -> str:
    """The value, if it is known. Raises BadSpec, which lists what is known and names the nearest."""
    if value not in known:
        near = get_close_matches(str(value), list(known), n=1)
        raise BadSpec(f"There is no {noun} '{value}'.", f"Known: {', '.join(known)}.", f"Did you mean '{near[0]}'?" if near else "")
    return value
