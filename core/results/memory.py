"""What the store holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CachePart:
    """One tier of the store: bytes in use and allowed, entries, and how often a request was found
    there.

    peak_bytes: the most that was in use at once. waiting: questions that wait for room at this
    moment. notes: what does not fit and what is done instead, in plain sentences.
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
