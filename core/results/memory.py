"""Memory use of the store."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.brief import brief


@brief
@dataclass(frozen=True, kw_only=True)
class CachePart:
    """One tier of the store: bytes in use and allowed, entries, hits and misses.

    peak_bytes: the most bytes in use at once. waiting: questions that currently wait for room.
    notes: sentences on what does not fit and what is done instead.
    """

    name: str
    bytes: int
    budget_bytes: int
    entries: int
    hits: int
    misses: int
    evicted: int
    peak_bytes: int = 0
    waiting: int = 0
    notes: tuple[str, ...] = ()
