"""Studies of units for pages: their tables, read once for the files of now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st
from pandas import DataFrame

from core import SparsightError
from core.base.stamps import Stamp, stamp_of
from core.units.included import unit_study
from core.units.read import summary, units
from core.units.study import UnitStudy
from core.units.tables import NETWORK
from pages.parts.common import engine


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A study as its files are now. stamp: of its networks, images and tables; part of every key of
    what is computed from them.
    """

    name: str
    stamp: Stamp


def opened(name: str) -> Opened:
    """Returns a study with the stamp of its files; taken once a run, before anything is read."""
    found, own = unit_study(name, engine.engine()), engine.engine()
    stamps = [engine.stamp(variant) for variant in found.variants]
    with suppress(SparsightError):  # photographs that are not on this machine
        stamps.append(engine.stamp(found.variants[0], found.sweep.spec.data))
    tables = (found.path(variant, "units", root) for root in own.roots for variant in found.variants)
    return Opened(name=name, stamp=" ".join((*stamps, stamp_of(*tables))))


def study(of: Opened) -> UnitStudy:
    """Returns the study; what it remembers of images and embeddings belongs to these files."""
    return _study(of)


def networks(of: Opened, layer: str = NETWORK) -> DataFrame:
    """Returns a row for every measured network: of one layer, by default of the whole network.

    Raises MissingData.
    """
    return _networks(of, layer)


def of_layer(of: Opened, layer: str) -> DataFrame:
    """Returns a row for every unit of a layer, of every measured network. Raises MissingData."""
    return _units(of, layer)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Opened: repr})
def _study(of: Opened) -> UnitStudy:
    return unit_study(of.name, engine.engine())


@st.cache_data(max_entries=40, show_spinner=False, hash_funcs={Opened: repr})
def _networks(of: Opened, layer: str) -> DataFrame:
    rows = summary(_study(of), by_layer=layer != NETWORK)
    return rows[rows.layer == layer]


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs={Opened: repr})
def _units(of: Opened, layer: str) -> DataFrame:
    return units(_study(of), layer)
