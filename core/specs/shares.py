"""Numbers that specs are made of, checked and rounded."""

from __future__ import annotations

import math
from collections.abc import Collection

from core.base.errors import BadSpec
from core.base.suggestions import explain_unknown

MOST_SEED = 2**63 - 1  # torch takes seeds of 64 bits


def exact_share(value: float, name: str = "sparsity") -> float:
    """A share in [0, 1] rounded to 1e-6, so that 0.3 and 0.1 + 0.2 are one key.

    Raises BadSpec for anything else.
    """
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        percent = f"For {number:g} %, use {number / 100:g}." if 1 < number <= 100 else "Choose a value in that range."
        raise BadSpec(f"A {name} of {value} cannot be used.", "It is a share from 0 to 1 (0 % to 100 %).", percent)
    return round(number, 6)


def whole(value: int, name: str, least: int = 0, most: int | None = None) -> int:
    """A whole number from `least` to `most`, without an upper limit when it is None.

    Raises BadSpec otherwise.
    """
    number = _number(value)
    if not number.is_integer() or number < least or (most is not None and int(value) > most):
        allowed = f"from {least} up" if most is None else f"from {least} to {most:,}"
        raise BadSpec(
            f"A {name} of {value} cannot be used.", f"It is a whole number {allowed}.", "Choose a value in that range."
        )
    return int(value)


def seed_of(value: int) -> int:
    """A seed for random numbers. Raises BadSpec for anything but a whole number from 0 up."""
    return whole(value, "seed", most=MOST_SEED)


def not_negative(value: float, name: str) -> float:
    """A finite number of 0 or more. Raises BadSpec otherwise."""
    number = _number(value)
    if not math.isfinite(number) or number < 0:
        raise BadSpec(
            f"A {name} of {value} cannot be used.", "It is a number from 0 up.", "Choose a value in that range."
        )
    return number


def _number(value: object) -> float:
    """NaN for what is none: words, True and False are none either."""
    try:
        return math.nan if isinstance(value, bool | str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def one_of(value: str, known: Collection[str], noun: str) -> str:
    """The value, if it is known.

    Raises BadSpec, which lists what is known and names the nearest.
    """
    if value not in known:
        raise BadSpec(*explain_unknown(noun, value, known))
    return value
