"""Callbacks that report progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]  # done, total


def silent(done: int, total: int) -> None:
    """Report no progress."""
