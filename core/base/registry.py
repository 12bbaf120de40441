"""Registry: name -> entry.

The only plug-in mechanism: a method is registered where it is defined, or in a file of the
operator's (core/base/plugins.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar

from core.base.errors import UnknownName

T = TypeVar("T")
CORE = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered object, as select boxes, contract tests and reference tables show it.

    plugin: a digest of the code of the plugin that registered it; "" for Sparsight's own.
    """

    name: str
    value: T
    title: str
    summary: str  # one sentence
    source: str = ""  # paper and equation, or library
    facts: Mapping[str, str] = field(default_factory=dict)  # e.g. {"cost": "one pass"}
    plugin: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a source file."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}"


class RegisteredTwice(ValueError):
    """A name is registered a second time; the text names both places."""


class Entries(Mapping[str, Entry[T]]):
    """Entries by name, in order.

    Args:
        noun: the kind of entry, for messages ("CAM method").
    """

    def __init__(self, noun: str, entries: Mapping[str, Entry[T]] | None = None) -> None:
        self.noun = noun
        self._entries: dict[str, Entry[T]] = dict(entries or {})

    def __getitem__(self, name: str) -> Entry[T]:
        """Return the entry; raise UnknownName with the nearest known name otherwise."""
        if name not in self._entries:
            raise UnknownName(self.noun, name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:  # Mapping's own would call __getitem__, whose error is not a KeyError
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class Registry(Entries[T]):
    """Registered entries, in the order of registration.

    Args:
        check: tries an entry of a plugin, and raises what is wrong with it; Sparsight's own entries
            have tests instead.
    """

    def __init__(self, noun: str, check: Callable[[Entry[T]], None] | None = None) -> None:
        super().__init__(noun)
        self.check = check
        self._places: dict[str, Line] = {}
        self._followers: list[Callable[[Entry[T]], None]] = []

    def register(self, name: str, title: str, summary: str, source: str = "", **facts: str) -> Callable[[T], T]:
        """Return a decorator that registers an object under a unique name."""

        def add(value: T) -> T:
            place, record = _place(sys._getframe(1)), _RECORD.get()
            if name in self._entries:
                raise RegisteredTwice(
                    f"The {self.noun} '{name}' is registered twice: in {self._places[name]}, and in {place}."
                )
            self._entries[name], self._places[name] = Entry(name, value, title, summary, source, facts), place
            if record is not None and not place.file.startswith(CORE):
                record.append((self, name))
            for follow in self._followers:
                follow(self._entries[name])
            return value

        return add

    def follow(self, call: Callable[[Entry[T]], None]) -> None:
        """Call a function with every entry that is registered from now on."""
        self._followers.append(call)

    def place(self, name: str) -> Line:
        """Return where an entry was registered."""
        return self._places[name]

    def stamp(self, name: str, plugin: str) -> None:
        """Note the digest of the plugin that registered an entry."""
        self._entries[name] = replace(self._entries[name], plugin=plugin)

    def withdraw(self, name: str) -> None:
        """Remove an entry; only a plugin that failed does that."""
        self._entries.pop(name, None)
        self._places.pop(name, None)


Record = list[tuple[Registry[Any], str]]  # registries and names
_RECORD: ContextVar[Record | None] = ContextVar("registrations", default=None)


@contextmanager
def recorded() -> Iterator[Record]:
    """Yield a list that takes the registrations of this thread inside the block, but for those that
    modules of core make while they are imported.
    """
    record: Record = []
    before = _RECORD.set(record)
    try:
        yield record
    finally:
        _RECORD.reset(before)


def _place(frame: FrameType) -> Line:
    """Return the line of the innermost module at work: functions that register for others, as
    `native` does for CAMs, are passed over.
    """
    found: FrameType | None = frame
    while found is not None and found.f_code.co_name != "<module>":
        found = found.f_back
    found = found or frame
    return Line(found.f_code.co_filename, found.f_lineno)
