"""The parameters of an address: one of several names, any number of names, or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.base.suggestions import nearest

FEW = 30  # a message lists at most this many names


def unknown(text: str, names: tuple[str, ...]) -> str:
    """Describes an unknown name; suggests the nearest one, or lists all if there are few."""
    if near := nearest(text, names):
        return f"unknown value; did you mean {near}?"
    return "unknown value; " + (
        f"allowed: {', '.join(names)}." if len(names) <= FEW else f"{len(names):,} values are allowed."
    )


@dataclass(frozen=True)
class Choice:
    """One of several names; the address omits `default`."""

    default: str
    names: tuple[str, ...]
    titles: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def is_switch(self) -> bool:
        """Whether the names are true and false."""
        return set(self.names) == {"true", "false"}

    def title(self, name: str) -> str:
        """Returns the display name of a name in the address."""
        return self.titles.get(name, name)

    def parse(self, texts: Sequence[str]) -> Any:
        """Returns the widget's value for the texts of an address; the default if invalid."""
        text = texts[-1] if texts and not self.problem(texts[-1]) else self.default
        return text.lower() == "true" if self.is_switch else text

    def allows(self, value: object) -> bool:
        """Whether a widget can have this value."""
        return isinstance(value, bool) if self.is_switch else value in self.names

    def problem(self, text: str) -> str | None:
        """Describes what is wrong with this value; None if it is valid."""
        if text in self.names or (self.is_switch and text.lower() in self.names):
            return None
        if text.replace(" ", "+") in self.names:
            return "+ stands for a space in an address; write %2B instead."
        return unknown(text, self.names)

    @property
    def said(self) -> str:
        """The default as text of an address."""
        return self.default


@dataclass(frozen=True)
class Stated(Choice):
    """One of several names that every address states, so that a later change of defaults never
    changes a link.

    `default` is the value of older addresses that omit it. `usual` is the value of a new view.
    """

    usual: str = ""


@dataclass(frozen=True)
class Text(Choice):
    """Free text that the page parses itself; the default is ""."""

    def problem(self, text: str) -> str | None:
        return "it is too long." if len(text) > 200 else None

    def allows(self, value: object) -> bool:
        return isinstance(value, str) and not self.problem(value)


@dataclass(frozen=True)
class Several:
    """Any number of names, each a part of the address; none if omitted."""

    names: tuple[str, ...]
    default: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def title(self, name: str) -> str:
        """Returns the display name of a name in the address."""
        return self.titles.get(name, name)

    def parse(self, texts: Sequence[str]) -> list[str]:
        """Returns the valid values."""
        return [text for text in texts if not self.problem(text)]

    def allows(self, value: object) -> bool:
        """Whether a widget can have this value."""
        return isinstance(value, list | tuple) and all(each in self.names for each in value)

    def problem(self, text: str) -> str | None:
        """Describes what is wrong with one of the values; None if it is valid."""
        return None if text in self.names else unknown(text, self.names)

    @property
    def said(self) -> str:
        """The default as text of an address."""
        return ",".join(self.default)


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; whole unless `step` is a fraction."""

    default: float
    low: float
    high: float
    step: float = 1

    def parse(self, texts: Sequence[str]) -> float:
        """Returns the widget's value for the texts of an address."""
        text = self.said if not texts else self.instead(texts[-1]) if self.problem(texts[-1]) else texts[-1]
        return int(text) if isinstance(self.step, int) else float(text) + 0.0  # -0 becomes 0

    def allows(self, value: object) -> bool:
        """Whether a widget can have this value."""
        return isinstance(value, int if isinstance(self.step, int) else float | int) and self.low <= value <= self.high

    def problem(self, text: str) -> str | None:
        """Describes what is wrong with this value; None if it is valid."""
        whole = isinstance(self.step, int)
        allowed = f"{'a whole number' if whole else 'a number'} from {self.low:g} to {self.high:g}"
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            return f"it must be {allowed}."
        if not self.low <= value <= self.high:  # as NaN is not
            return f"it must be {allowed}."
        return None

    @property
    def said(self) -> str:
        """The default as text of an address."""
        return f"{self.default:g}"

    def instead(self, text: str) -> str:
        """Returns the replacement of an invalid value: the whole part of 3.5, as the widget reads
        it, else the default.
        """
        try:
            part = str(int(float(text)))
        except (ValueError, OverflowError):
            return self.said
        return self.said if self.problem(part) or not isinstance(self.step, int) else part


Parameter = Choice | Several | Number


def said(value: object) -> str | list[str]:
    """Returns a widget's value as text of an address."""
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
