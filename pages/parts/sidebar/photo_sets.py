"""Data sets of photographs: which ones are on this machine, and the choice of a photograph."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import streamlit as st

from core import DataSpec, ImageRef, ModelSpec, SparsightError
from core.base.stamps import Stamp, stamp_of
from core.data.folders import PREFIX
from core.data.photo_inputs import PhotoInputs
from core.data.photo_sets import Photo
from core.figures import maps
from pages.parts.common import access, engine, present
from pages.parts.common.address import FOLDER, PHOTO_SETS
from pages.parts.common.markdown import message
from pages.parts.common.thumbs import Sheet, Thumb, draw
from pages.parts.common.widgets import Known, whole

PLACES = {
    "imagenette": "imagenette2-320",
    "oxford-pets": "oxford-iiit-pet",
    "cifar-10": "cifar-10-batches-py",
    "fashion-mnist": "FashionMNIST/raw",
}
A_PAGE, A_ROW, PX = 10, 5, 96


def on_this_machine() -> dict[str, str]:
    """Maps names in the address to names of data sets; reads and downloads nothing."""
    found = {name: name for name in PHOTO_SETS if _place(name).exists()}
    named = os.environ.get("SPARSIGHT_PHOTOS")
    return found | ({FOLDER: f"{PREFIX}{Path(named)}"} if named else {})


def how_to_get_one(what: str, model: ModelSpec) -> str:
    """Describes how to get a data set of photographs. what: the subject of "needs"."""
    if faults := " ".join(filter(None, (_fault(data, model) for data in on_this_machine().values()))):
        return f"{what} needs a data set of photographs. {faults}"
    if on_this_machine():
        return (
            f"{what} needs photographs whose folders are named by classes of this network. The data sets on this"
            " machine have none; for a network of your own, **My networks** shows which folder is which output."
        )
    if access.locked():
        return f"{what} needs a data set of photographs, and this server has none."
    return (
        f"{what} needs a data set of photographs, and there is none on this machine. To download one, run `python -m"
        " core evaluate --model efficientnet-lite0 --data imagenette`; to use your own, set `SPARSIGHT_PHOTOS` to a"
        " folder or zip file with one folder per class."
    )


def _fault(data: str, model: ModelSpec) -> str:
    """Returns why a data set cannot be read, without its path; "" if it can."""
    try:
        inputs(data, model)
    except SparsightError as error:
        return message(str(error).replace(str(_place(data)), "your photographs"))
    return ""


def fitting(model: ModelSpec) -> dict[str, str]:
    """Returns the data sets on this machine that share a class with the network."""
    if engine.card(model).reads_digits:
        return {}
    card_stamp = engine.catalogue().look_at(model.name)
    return {
        name: data
        for name, data in on_this_machine().items()
        if _has_classes(data, model, f"{stamp_of(_place(data))} {card_stamp}")
    }


def _place(data: str) -> Path:
    return (
        Path(data.removeprefix(PREFIX)) if data.startswith(PREFIX) else engine.engine().folder / "data" / PLACES[data]
    )


@st.cache_data(max_entries=200, show_spinner=False, hash_funcs=engine.KEYS)
def _has_classes(data: str, model: ModelSpec, stamp: Stamp) -> bool:
    with suppress(SparsightError):  # a damaged set is skipped here and reported when it is chosen by name
        return len(inputs(data, model).own_classes) > 0
    return False


def inputs(data: str, model: ModelSpec) -> PhotoInputs:
    """Returns a data set prepared for this network. Raises MissingData, BadFile, BadSpec."""
    found = engine.engine().inputs(DataSpec(name=data), model)
    assert isinstance(found, PhotoInputs)  # called only for networks of photographs
    return found


def offers_export(source: str) -> bool:
    """Whether views of this image source can be exported. Their code names the folder, which a
    locked server does not reveal.
    """
    return not source.startswith(PREFIX) or access.offers(access.EXPORT)


def row_choice(data: str, model: ModelSpec, known: Known) -> ImageRef:
    """Draws the choice of a photograph of the set: a number field and thumbnails."""
    photos = inputs(data, model).photos
    nth = whole("Number", "row", known, help=f"From 1 to {len(photos):,}, ordered by class.")
    if nth > len(photos):
        st.caption(f"This set has {len(photos):,} photographs; the last one is shown.")
        nth = len(photos)
    first = (nth - 1) // A_PAGE * A_PAGE
    if not present.hidden("row"):
        shown = tuple(_thumbs(data, model, first, min(first + A_PAGE, len(photos))))
        draw(
            Sheet(
                label="Photographs of the set",
                thumbs=shown,
                chosen=str(nth),
                columns=A_ROW,
                locked=present.locked("row"),
            ),
            _choose,
        )
    return ImageRef(source=data, name=str(nth - 1))


def _choose(value: str) -> None:
    st.session_state["row"] = int(value)


def _thumbs(data: str, model: ModelSpec, first: int, end: int) -> Iterator[Thumb]:
    photos = inputs(data, model).photos
    for row in range(first, end):
        with suppress(SparsightError):  # unreadable photographs are skipped
            photo = photos.photos[row]
            url = _url(data, row, f"{photos.stamp} {photo.stamp}", photo)
            yield Thumb(str(row + 1), url, f"Number {row + 1}: {photos.classes[photo.label]}, {Path(photo.name).name}")


@st.cache_data(max_entries=500, show_spinner=False)
def _url(data: str, row: int, stamp: Stamp, _photo: Photo) -> str:
    return maps.data_url(maps.jpeg(maps.thumbnail(_photo.read(), PX)))
