"""Registry: name -> entry.

The only plug-in mechanism: a method is registered where it is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.base.errors import UnknownName

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered object, as select boxes, contract tests and reference tables show it."""

    name: str
    value: T
    title: str
    summary: str  # one sentence
    source: str = ""  # paper and equation, or library
    facts: Mapping[str, str] = field(default_factory=dict)  # e.g. {"cost": "one pass"}


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
    """Registered entries, in the order of registration."""

    def register(self, name: str, title: str, summary: str, source: str = "", **facts: str) -> Callable[[T], T]:
        """Return a decorator that registers an object under a unique name."""

        def add(value: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.noun} '{name}' is registered twice")
            self._entries[name] = Entry(name, value, title, summary, source, facts)
            return value

        return add
