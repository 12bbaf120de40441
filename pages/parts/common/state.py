"""The state of one session, in named fields of one object.

Widget values are not included: Streamlit keeps those under their own keys.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import CamSpec, ImageRef, VariantSpec
from core.base.errors import SparsightError

if TYPE_CHECKING:
    from pages.parts.common.background import Task
    from pages.parts.common.sweep_data import Opened

KEY = "sparsight"
Question = tuple[VariantSpec, ImageRef, CamSpec, VariantSpec | None]


@dataclass(eq=False)
class Owner:
    """The session that waits for work. session_id: assigned by Streamlit."""

    session_id: str = ""


@dataclass
class Waiting:
    """Work of this session by its place on a page.

    tasks: pending work. stopped: the question that was stopped at each place. visited: the places
    that the current run has drawn.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    stopped: dict[str, Hashable] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)

    def leave_unseen(self, owner: Owner) -> None:
        """Leaves tasks whose place the current run has not drawn."""
        for place in self.tasks.keys() - self.visited:
            self.tasks.pop(place).leave(owner)


@dataclass
class Clicked:
    """What was requested by a click, because it is not computed otherwise."""

    heatmaps: set[str] = field(default_factory=set)  # questions of methods that take many passes
    counts: set[str] = field(default_factory=set)  # data sets of photographs
    cost: Hashable | None = None  # of which run of training


@dataclass
class View:
    """The current view, kept for the next page.

    values: of the parameters. shown: the last question whose pictures were drawn. dense_class:
    prediction of the dense network. sparsity: of the requested amount. model: the last one.
    its_own: model-specific parameter values, by model and name. past: values of previous views, the
    current one last.
    """

    values: dict[str, Any] = field(default_factory=dict)
    shown: Question | None = None
    dense_class: int | None = None
    sparsity: float | None = None
    model: str | None = None
    its_own: dict[tuple[str, str], Any] = field(default_factory=dict)
    past: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Lessons:
    """at: lesson and step. answers: what was chosen, by lesson and step. missed: a first choice
    that was wrong. wanted: the settings for which a handout is wanted. handout: the last one, and
    its settings.
    """

    at: tuple[int, int] = (1, 1)
    answers: dict[tuple[int, int], Any] = field(default_factory=dict)
    missed: dict[tuple[int, int], Any] = field(default_factory=dict)
    wanted: Hashable | None = None
    handout: tuple[Hashable, str] | None = None


@dataclass
class Upload:
    """An uploaded image, and why photographs were rejected. seen: id of the last file."""

    image: bytes | None = None
    seen: str = ""
    refused_photographs: SparsightError | None = None


@dataclass
class State:
    """The state of a session.

    page: name of the current page. is_new: whether this run opens it. controls: labels of drawn
    controls by parameter. values: of the parameters by page, for pages without an image view.
    address: parameters noted by the widgets of the current run, None for defaults. drawn:
    parameters that have had a widget since the page was opened. sent: the last
    address of this page that a run has sent to the browser. places: last
    address parameters of each page. levels_done: by job. play: answers to the tasks of a unit, by
    the network, layer and judge. pages: place of the first image that is shown, by what is paged.
    opened: sweeps as this run found them, by name. has_figure: whether a figure was drawn.
    late_chart: draws the chart that the end of this run draws. say_replaced: says what is used
    instead of invalid parts of the address, at the end of a run that opens a page.
    """

    owner: Owner = field(default_factory=Owner)
    page: str = ""
    is_new: bool = False
    controls: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    levels_done: tuple[tuple[str, int], ...] | None = None
    waiting: Waiting = field(default_factory=Waiting)
    clicked: Clicked = field(default_factory=Clicked)
    view: View = field(default_factory=View)
    address: dict[str, str | list[str] | None] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    sent: dict[str, list[str]] | None = None
    lessons: Lessons = field(default_factory=Lessons)
    upload: Upload = field(default_factory=Upload)
    play: dict[tuple[str, ...], list[bool]] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    opened: dict[str, Opened] = field(default_factory=dict)
    has_figure: bool = False
    late_chart: Callable[[], None] | None = None
    say_replaced: Callable[[Container[str]], None] | None = None


def state() -> State:
    """Returns the state of this session."""
    return of(st.session_state)


def of(session: MutableMapping[Any, Any]) -> State:
    """Returns the state of a session; creates it on the first call."""
    if KEY not in session:
        context = get_script_run_ctx()
        session[KEY] = State(owner=Owner(context.session_id if context else ""))
    found: State = session[KEY]
    return found
