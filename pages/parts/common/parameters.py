"""What a part of an address may say: one of some names, several of them, or a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.base.suggestions import nearest

FEW = 30  # names that a message lists


def unknown(text: str, names: tuple[str, ...]) -> str:
    """That there is no such name, with the nearest one, or all where they are few."""
    if near := nearest(text, names):
        return f"there is no such choice; did you mean {near}?"
    return "there is no such choice; " + (
        f"known: {', '.join(names)}." if len(names) <= FEW else f"{len(names):,} names are known."
    )


@dataclass(frozen=True)
class Choice:
    """One of some names; `default` is left out of the address."""

    default: str
    names: tuple[str, ...]
    titles: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def is_switch(self) -> bool:
        """Whether the names are true and false."""
        return set(self.names) == {"true", "false"}

    def title(self, name: str) -> str:
        """What people read for a name of the address."""
        return self.titles.get(name, name)

    def parse(self, texts: Sequence[str]) -> Any:
        """The widget's value for what an address says; the default where that cannot be used."""
        text = texts[-1] if texts and not self.problem(texts[-1]) else self.default
        return text.lower() == "true" if self.is_switch else text

    def allows(self, value: object) -> bool:
        """Whether a widget can have this value."""
        return isinstance(value, bool) if self.is_switch else value in self.names

    def problem(self, text: str) -> str | None:
        """What is wrong with this value, or None."""
        if text in self.names or (self.is_switch and text.lower() in self.names):
            return None
        if text.replace(" ", "+") in self.names:
            return "in an address + stands for a space; write it as %2B."
        return unknown(text, self.names)

    @property
    def said(self) -> str:
        """The default as an address says it."""
        return self.default


@dataclass(frozen=True)
class Stated(Choice):
    """One of some names that every address states, so that a later change of defaults never changes
    a link.

    `default` is what an address means that leaves it out: such addresses are from before. `usual`
    is where a new view begins.
    """

    usual: str = ""


@dataclass(frozen=True)
class Several:
    """Any number of some names, one part of the address each; none when left out."""

    names: tuple[str, ...]
    default: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def title(self, name: str) -> str:
        """What people read for a name of the address."""
        return self.titles.get(name, name)

    def parse(self, texts: Sequence[str]) -> list[str]:
        """Those of the values that can be used."""
        return [text for text in texts if not self.problem(text)]

    def allows(self, value: object) -> bool:
        """Whether a widget can have this value."""
        return isinstance(value, list | tuple) and all(each in self.names for each in value)

    def problem(self, text: str) -> str | None:
        """What is wrong with one of the values, or None."""
        return None if text in self.names else unknown(text, self.names)

    @property
    def said(self) -> str:
        """The default as an address says it."""
        return ",".join(self.default)


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; whole unless `step` is a fraction."""

    default: float
    low: float
    high: float
    step: float = 1

    def parse(self, texts: Sequence[str]) -> float:
        """The widget's value for what an address says."""
        text = self.said if not texts else self.instead(texts[-1]) if self.problem(texts[-1]) else texts[-1]
        return int(text) if isinstance(self.step, int) else float(text)

    def allows(self, value: object) -> bool:
        """Whether a widget can have this value."""
        return isinstance(value, int if isinstance(self.step, int) else float | int) and self.low <= value <= self.high

    def problem(self, text: str) -> str | None:
        """What is wrong with this value, or None."""
        whole = isinstance(self.step, int)
        allowed = f"{'a whole number' if whole else 'a number'} from {self.low:g} to {self.high:g}"
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            return f"allowed is {allowed}."
        if not math.isfinite(value) or not self.low <= value <= self.high:
            return f"allowed is {allowed}."
        return None

    @property
    def said(self) -> str:
        """The default as an address says it."""
        return f"{self.default:g}"

    def instead(self, text: str) -> str:
        """What is used where this cannot be: of 3.5 the whole part, as the widget reads it, else
        the default.
        """
        try:
            part = str(int(float(text)))
        except (ValueError, OverflowError):
            return self.said
        return self.said if self.problem(part) or not isinstance(self.step, int) else part


Parameter = Choice | Several | Number


def said(value: object) -> str | list[str]:
    """A widget's value as an address says it."""
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
