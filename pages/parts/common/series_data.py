"""Tables of trained series for pages: read once, and only used for the networks they were computed
from.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import streamlit as st
from pandas import DataFrame, Series

from core import PruningSpec, SparsightError, VariantSpec
from core.base.stamps import Stamp, stamp_of
from core.protocols.series import images as series_images
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place
from core.protocols.series.tables import QUANTITIES, SeriesTables
from pages.parts.common import engine

AS_PUBLISHED = "merkle-layer"
FITS = tuple(name for name, each in QUANTITIES.items() if each.group == "truth")


def places() -> tuple[Place, ...]:
    """Returns every evaluated series whose network is in the catalogue."""
    found = [place for place in series_images.found(engine.engine().roots) if place.model.name in engine.catalogue()]
    return tuple(sorted(found, key=lambda place: place.model.weights != AS_PUBLISHED))  # as published first


def table(place: Place) -> SeriesTables:
    """Raises MissingData, BadFile."""
    return _table(place.model.key, place.data_name, _stamp(place), place)


def levels(found: SeriesTables, of_class: str, images: str) -> DataFrame:
    """Every quantity of every level, as `SeriesTables.levels` answers. Raises BadSpec."""
    with st.container():  # the spinner's place: nothing below moves when it goes
        return _levels(found.place.model.key, found.place.data_name, _stamp(found.place), (of_class, images), found)


def has_truth(series: tuple[Place, ...]) -> bool:
    """Whether any of these series was compared with annotated objects.

    Damaged tables are reported where they are drawn.
    """
    for place in series:
        with suppress(SparsightError):
            if not set(FITS).isdisjoint(table(place).quantities()):
                return True
    return False


def counted(variant: VariantSpec) -> dict[str, tuple[Series, Series]]:
    """Returns the accuracies (value, low, high, n) of a retrained network and of its dense one, by
    the data set that the series was evaluated on.
    """
    found: dict[str, tuple[Series, Series]] = {}
    level = variant.pruning.level if variant.pruning.schedule == "retrained" else None
    if level is None:
        return found
    for place in places():
        if place.model == variant.model:
            with suppress(SparsightError):  # Curves reports damaged tables
                at = table(place).levels(("accuracy",)).set_index("level")
                if level in at.index and is_of(table(place), {0, level}):
                    found[place.data_name] = (at.loc[level], at.loc[0])
    return found


def is_of(found: SeriesTables, levels: Iterable[int]) -> bool:
    """Whether these rows were computed from the networks on this machine: a series may have been
    retrained since. Raises MissingData, BadFile.
    """
    store = engine.engine().store
    for level in levels:
        variant = VariantSpec(model=found.place.model, pruning=PruningSpec.at_level(level, "retrained"))
        store.files.facts(store.stored_key(variant))
        if found.facts[level]["weights"] != store.checksum(variant):
            return False
    return True


def _stamp(place: Place) -> Stamp:
    """Returns the stamp of the table's files and of the network's card, which names its classes."""
    tables = stamp_of(*(path for root in engine.engine().roots for path in place.files(root)))
    return f"{tables} {engine.catalogue().look_at(place.model.name)}"


@st.cache_resource(max_entries=32, show_spinner=False)
def _table(key: str, data: str, stamp: Stamp, _place: Place) -> SeriesTables:
    return series_tables.load(engine.catalogue(), _place)


@st.cache_data(max_entries=128, show_spinner="Resampling images for the intervals ...")
def _levels(key: str, data: str, stamp: Stamp, chosen: tuple[str, str], _found: SeriesTables) -> DataFrame:
    return _found.levels(_found.quantities(), *chosen)
