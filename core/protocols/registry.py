"""The papers that `python -m core protocol run | show NAME` knows; each registers itself, in the
module `command` of its folder, which loads torch only when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.base.registry import Registry
from core.base.text import Part

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.protocols.series.tables import SeriesTables


@dataclass(frozen=True, eq=False)
class Strips:
    """A request for strips of pictures of one series, which `core.figures` draws.

    source: a folder or zip file of photographs, "" for the included ones. optional: a series
    without networks is reported and left out.
    """

    table: SeriesTables
    source: str
    home: Path
    optional: bool = False


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a run, or a part of its results: facts for machines, text for people.

    done, total: how far the work is, where that is known. lasting: also a result, which a person
    wants to read later. strips: what to draw at this step.
    """

    facts: dict[str, Any]
    text: str | Sequence[Part] = ""
    done: float | None = None
    total: float | None = None
    lasting: bool = False
    strips: Strips | None = None


Command = Callable[["Engine", Any], Iterator[Step]]


@dataclass(frozen=True)
class Protocol:
    """What a paper brings.

    run: trains, evaluates and tabulates; it finds what is stored and does not repeat it. show: the
    results that a run stored here, or the included ones. The options are frozen dataclasses
    (core/base/options.py).
    """

    run: Command
    run_options: type
    show: Command
    show_options: type


PROTOCOLS: Registry[Protocol] = Registry("protocol")
