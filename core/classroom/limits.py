"""What one visitor, and all of them together, may use of a server for others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.base.errors import BadSpec
from core.base.numbers import GIGABYTE, MEGABYTE, size
from core.base.settings import parse_bytes

WHOLE = "It must be a whole number of at least {least}."
LEAST = {"uploads": 0}  # of the others 1
BYTES = ("upload_bytes", "all_upload_bytes")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a locked server; a server for one person has none.

    slow_at_once: slow questions that are computed at once, for all visitors together; one person
    has one at a time. slow_s: the longest time of a slow question in seconds. uploads: images that
    a visitor may keep uploaded; 0 switches uploads off. upload_bytes: their bytes.
    all_upload_bytes: of all visitors together.
    """

    slow_at_once: int = 2
    slow_s: int = 300
    uploads: int = 20
    upload_bytes: int = 100 * MEGABYTE
    all_upload_bytes: int = GIGABYTE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """Read the limits: SPARSIGHT_SLOW_AT_ONCE and so on. An empty variable counts as not set.

        Raises BadSpec, which names the variable.
        """
        return cls.of({name: environment.get(variable(name)) for name in names()}, variable)

    @classmethod
    def of(cls, values: Mapping[str, Any], name_of: Callable[[str], str]) -> Limits:
        """Return limits with the given values; bytes may be written as "1GB".

        Args:
            values: by field; None and "" mean the default.
            name_of: the name of a field in messages.
        Raises:
            BadSpec: not a whole number, or below the least one.
        """
        given = {name: value for name, value in values.items() if value not in (None, "")}
        return cls(**{name: _number(name, str(value), name_of(name)) for name, value in given.items()})

    def environment(self) -> dict[str, str]:
        """Return the variables from which a server reads these limits."""
        return {variable(name): str(getattr(self, name)) for name in names()}


def names() -> tuple[str, ...]:
    """Return the names of the limits."""
    return tuple(field.name for field in fields(Limits))


def variable(name: str) -> str:
    """Return the environment variable of a limit."""
    return f"SPARSIGHT_{name.upper()}"


def _number(name: str, text: str, noun: str) -> int:
    least = LEAST.get(name, 1)
    if name in BYTES:
        found = parse_bytes(text, noun)
    else:
        found = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if found < least:
        usual, whole = getattr(Limits, name), WHOLE.format(least=least)
        holds, write = ("It must be at least 1 byte.", size(usual)) if name in BYTES else (whole, f"{usual}")
        raise BadSpec(f"{noun} cannot be '{text[:40]}'.", holds, f"Write {write.replace(' ', '')}, for example.")
    return found
