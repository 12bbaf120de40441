"""The known sweeps for pages: read once, and again when one of their files changes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import streamlit as st
from pandas import DataFrame

from core import SparsightError, Sweep
from core.base.stamps import Stamp, stamp_of
from core.engine.reference import against
from core.results import DENSE_NAME
from core.sweeps import curves as sweep_curves
from core.sweeps import read as sweep_read
from core.sweeps.curves import EVERYTHING, Asked, Part
from core.sweeps.known import Known, known_sweeps
from core.sweeps.read import parts
from core.sweeps.spec import DENSE, SweepSpec
from pages.parts.common import engine
from pages.parts.common.background import Work
from pages.parts.common.state import state
from pages.parts.common.waiting import needed


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A sweep as its files are now. stamp: of its networks, images and tables; part of every key of
    what is computed from them.
    """

    name: str
    title: str
    spec: SweepSpec
    stamp: Stamp

    @property
    def sweep(self) -> Sweep:
        return Sweep(engine.engine(), self.spec)

    @property
    def reference(self) -> str:
        """What people read for the network that all are compared with."""
        return DENSE_NAME if self.spec.reference == DENSE else "the reference"


def known() -> dict[str, Known]:
    """Returns the sweeps that can be chosen, by name."""
    return known_sweeps(engine.engine().roots)


def opened(name: str) -> Opened:
    """Returns a sweep with the stamp of its files; taken once a run, before anything is read.

    Raises BadFile, BadSpec, UnknownName.
    """
    mine = state().opened
    if name not in mine:
        mine[name] = _opened(known()[name])
    return mine[name]


def _opened(one: Known) -> Opened:
    own = engine.engine()
    spec = one.read()
    sweep = Sweep(own, spec)
    compared = ((each, against(each, spec.reference_of(each.model))) for each in sweep.variants)
    stamps = [stamp_of(one.path), *(engine.stamp(variant, *others) for variant, others in compared)]
    with suppress(SparsightError):  # photographs that are not on this machine
        stamps.append(engine.stamp(sweep.variants[0], spec.data))
    places = range(len(own.roots))
    cells = [cell for variant in sweep.variants for cell in sweep.cells(variant)]
    stamps.append(stamp_of(*(sweep.tables.path(cell, place) for cell in cells for place in places)))
    return Opened(name=one.name, title=one.title, spec=spec, stamp=" ".join(dict.fromkeys(stamps)))


def read(of: Opened) -> tuple[Part, ...]:
    """Returns the rows of every network that is done. Raises Stopped, and what reading raises."""
    work = Work(
        place="sweep rows",
        key=("sweep rows", of.name),
        stamp=of.stamp,
        what="Reading the answers",
        run=lambda task: _parts(of, task.check),
    )
    found: tuple[Part, ...] = needed(work).answer
    return found


def curves(of: Opened, measures: tuple[str, ...], asked: Asked = EVERYTHING) -> DataFrame:
    """Returns the means of some measures, as `core.sweeps.curves.curves`. Raises BadSpec."""
    return _curves((of.name, of.stamp), measures, asked, of)


def _parts(of: Opened, check: Any) -> tuple[Part, ...]:
    found = []
    for part in parts(of.sweep):
        check()
        found.append(part)
    return tuple(found)


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs={Asked: repr})
def _curves(key: tuple[str, Stamp], measures: tuple[str, ...], asked: Asked, _of: Opened) -> DataFrame:
    return sweep_curves.curves(_of.spec, read(_of), measures, asked)


def labels(name: str) -> tuple[int, ...]:
    """Returns the classes of a sweep's images, as indices. Raises as `opened`."""
    return _labels(opened(name))


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs={Opened: lambda of: (of.name, of.stamp)})
def _labels(of: Opened) -> tuple[int, ...]:
    return sweep_curves.classes([*islice(parts(of.sweep), 1)])


def remarks(of: Opened) -> tuple[str, ...]:
    """Returns remarks on the images of a sweep, in sentences."""
    return _remarks(of)


@st.cache_data(max_entries=60, show_spinner=False, hash_funcs={Opened: lambda of: (of.name, of.stamp)})
def _remarks(of: Opened) -> tuple[str, ...]:
    return sweep_read.remarks(of.sweep)
