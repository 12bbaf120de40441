"""Views on paper: while a sheet is open, what a step shows goes there and not on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.report.handout import Block

_sheet: ContextVar[list[Block] | None] = ContextVar("sheet", default=None)


def sheet() -> list[Block] | None:
    """Returns the open sheet; None while views are drawn on the screen."""
    return _sheet.get()


@contextmanager
def opened() -> Iterator[list[Block]]:
    """Opens a sheet."""
    found: list[Block] = []
    token = _sheet.set(found)
    try:
        yield found
    finally:
        _sheet.reset(token)
