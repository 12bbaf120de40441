"""The registry of protocols for `python -m core protocol run | show | sensitivity NAME`.

Each registers itself in the module `command` of its folder, which imports torch only when it runs.
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
    without networks is reported and skipped.
    """

    table: SeriesTables
    source: str
    home: Path
    optional: bool = False


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a run, or a part of its results: facts for machines, text for people.

    done, total: progress of the work, if known. lasting: the step is also a result to be read
    later. strips: what to draw at this step.
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
    """The commands of a paper.

    run: trains, evaluates and tabulates; it does not repeat what is stored. show: shows the results
    of a run on this machine, or the included ones. sensitivity: analyses the trained networks again
    with every combination of choices that the paper could have made; None if there is no such
    analysis. alias: another name. The options are frozen dataclasses (core/base/options.py).
    """

    run: Command
    run_options: type
    show: Command
    show_options: type
    sensitivity: Command | None = None
    sensitivity_options: type = object
    alias: str = ""


PROTOCOLS: Registry[Protocol] = Registry("protocol")
