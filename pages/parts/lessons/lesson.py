"""What a lesson consists of: steps, each with a view, a question and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streamlit.delta_generator import DeltaGenerator

Place = tuple[int, int]  # lesson and step, from 1


@dataclass(frozen=True, kw_only=True)
class Told:
    """The texts of a step. right: index of the correct choice. why: shown after choosing. hint:
    where to look, shown before a second try.
    """

    text: str
    question: str
    choices: tuple[str, ...]
    right: int
    why: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The containers of a step's controls and live view. answered: whether the view may reveal the
    answer.
    """

    controls: DeltaGenerator
    view: DeltaGenerator
    answered: bool


@dataclass(frozen=True)
class Step:
    """A title, and the function that draws the view and returns the texts."""

    title: str
    show: Callable[[Stage], Told]


@dataclass(frozen=True)
class Lesson:
    """A sequence of steps. short: title on its button."""

    short: str
    title: str
    steps: tuple[Step, ...]
