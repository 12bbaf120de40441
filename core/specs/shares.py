"""Checks and rounding of the numbers in specs."""

from __future__ import annotations

import math
from collections.abc import Collection

from core.base.errors import BadSpec
from core.base.suggestions import explain_unknown
from core.base.text import SHOWN

MOST_SEED = 2**63 - 1  # torch takes seeds of 64 bits


def exact_share(value: float, name: str = "sparsity") -> float:
    """Round a share in [0, 1] to 1e-6, so that 0.3 and 0.1 + 0.2 have the same key, as 0 and -0 do.

    Raises BadSpec for any other value.
    """
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        percent = f"For {number:g} %, use {number / 100:g}." if 1 < number <= 100 else "Choose a value in that range."
        raise BadSpec(
            f"A {name} of {_shown(value)} cannot be used.", "It must be a share from 0 to 1 (0 % to 100 %).", percent
        )
    return round(number, 6) + 0.0


def whole(value: int, name: str, least: int = 0, most: int | None = None) -> int:
    """Check a whole number from `least` to `most`; None means no upper limit.

    Raises BadSpec otherwise.
    """
    number = _number(value)
    if not number.is_integer() or number < least or (most is not None and int(value) > most):
        allowed = f"of at least {least}" if most is None else f"from {least} to {most:,}"
        raise BadSpec(
            f"A {name} of {_shown(value)} cannot be used.",
            f"It must be a whole number {allowed}.",
            "Choose a value in that range.",
        )
    return int(value)


def seed_of(value: int, name: str = "seed") -> int:
    """Check a seed for random numbers. Raises BadSpec unless it is a whole number of at least 0."""
    return whole(value, name, most=MOST_SEED)


def not_negative(value: float, name: str) -> float:
    """Check a finite number of at least 0; -0 becomes 0. Raises BadSpec otherwise."""
    number = _number(value)
    if not math.isfinite(number) or number < 0:
        raise BadSpec(
            f"A {name} of {_shown(value)} cannot be used.",
            "It must be a number of at least 0.",
            "Choose a value in that range.",
        )
    return number + 0.0


def _number(value: object) -> float:
    """Convert to float; NaN for anything that is not a number, strings, True and False included."""
    try:
        return math.nan if isinstance(value, bool | str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _shown(value: object) -> str:
    """Return the first characters of a value; Python writes no number of thousands of digits."""
    try:
        return str(value)[:SHOWN]
    except ValueError:
        return "thousands of digits"


def one_of(value: str, known: Collection[str], noun: str) -> str:
    """Return the value if it is known.

    Raises BadSpec otherwise, with the known values and the nearest match.
    """
    if value not in known:
        raise BadSpec(*explain_unknown(noun, value, known))
    return value
