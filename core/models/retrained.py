"""The retrained networks of this machine among the models, those that a job adds while the program runs too."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import BadFile
from core.models.cards import Card
from core.models.finetuned import Description, look, paths
from core.models.zoo import MODELS
from core.registry import Entry

_log = logging.getLogger(__name__)


class Retrained:
    """The retrained networks below some folders, kept among the models. Looking again costs little while nothing has changed."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._seen: list[tuple[Path, int, int]] | None = None
        self.damaged: tuple[BadFile, ...] = ()  # cards that cannot be used, as found last

    def refresh(self) -> tuple[str, ...]:
        """Registers what is new or has changed; their names."""
        seen = [_state(path) for path in paths(self._folders)]
        if seen == self._seen:
            return ()
        descriptions, damaged = look(self._folders)
        for error in damaged:
            _log.warning("%s", error)
        self._seen, self.damaged = seen, tuple(damaged)
        return register(descriptions)


def _state(path: Path) -> tuple[Path, int, int]:
    """Tells one card from the next of the same name."""
    try:
        state = path.stat()
    except OSError:  # gone since it was found
        return path, 0, -1
    return path, state.st_mtime_ns, state.st_size


def register(descriptions: Iterable[Description]) -> tuple[str, ...]:
    """Puts them among the models, in place of what they were before; the names of those that are new or other than before."""
    changed = []
    for found in descriptions:
        card = found.card()
        if found.name in MODELS and _alike(MODELS[found.name].value, card):
            continue
        summary = f"{found.architecture} retrained on {found.data}: {len(found.classes)} classes, {len(found.runs)} trained series."
        title = f"{found.architecture}, {found.data}"
        MODELS.put(Entry(found.name, card, title, summary, "weights trained by this project", {"retrained": "yes"}))
        changed.append(found.name)
    return tuple(changed)


def _alike(one: Card, other: Card) -> bool:
    """Equal but for the function that builds them, which is made anew each time."""
    return replace(one, build=other.build) == other
