"""Remarks on single photographs of a data set, counted and named by kind."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from core.base.numbers import counted
from core.base.text import first_few

UNREADABLE = "Left out, because unreadable"
UNMARKED = "Their masks cannot be used"
TURNED = "Rotated as recorded by the camera, with marks that refer to the upright photograph"
BEYOND = "With boxes that reach beyond the photograph, as if made for another size"
FIRST = (UNREADABLE, UNMARKED, TURNED)  # the order of remarks; others follow as they come
NAMED = 3  # photographs that a remark names; the others are only counted

Kept = list[tuple[str, int, str]]  # remark, row and reason, as JSON holds them


class Remarks:
    """What is unusual about which photograph, as far as they have been read. Thread-safe."""

    def __init__(self) -> None:
        self._found: dict[str, dict[int, str]] = defaultdict(dict)
        self._lock = threading.Lock()

    def add(self, row: int, text: str, reason: str = "") -> None:
        """Add a remark on a photograph. reason: a sentence, if the remark alone does not say it."""
        with self._lock:
            self._found[text][row] = reason

    def drop(self, row: int, which: Callable[[str], bool] = lambda text: True) -> None:
        """Withdraw those of the remarks on a photograph."""
        with self._lock:
            for text in filter(which, self._found):
                self._found[text].pop(row, None)

    def kept(self) -> Kept:
        """Return all remarks, for `recall`."""
        with self._lock:
            return [(text, row, reason) for text, rows in self._found.items() for row, reason in rows.items()]

    def recall(self, kept: Kept) -> None:
        """Add the remarks of an earlier reading."""
        for text, row, reason in kept:
            self.add(row, text, reason)

    def sentences(self, name: Callable[[int], str]) -> list[str]:
        """Return a sentence for each remark, with the reason of the first photograph. name: of a
        row's photograph.
        """
        found: dict[str, dict[int, str]] = {text: {} for text in FIRST}
        for text, row, reason in sorted(self.kept(), key=lambda one: one[:2]):
            found.setdefault(text, {})[row] = reason
        return [_sentence(text, rows, name) for text, rows in found.items() if rows]


def _sentence(text: str, rows: dict[int, str], name: Callable[[int], str]) -> str:
    names, reason = first_few([name(row) for row in rows], NAMED), next(iter(rows.values()))
    first = "The first one: " if reason and len(rows) > 1 else ""
    return f"{text}: {counted(len(rows), 'photograph')} ({names}).{' ' if reason else ''}{first}{reason}"
