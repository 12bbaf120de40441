"""What the store holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CachePart:
    """One tier of the store: bytes in use and allowed, entries, and how often a request was found there."""

    name: str
    bytes: int
    budget_bytes: int
    entries: int
    hits: int
    misses: int
    evicted: int
