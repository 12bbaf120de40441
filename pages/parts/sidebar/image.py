"""The choice of the image: an embedded digit or a photograph, depending on the network, or an own
image, uploaded or pasted.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import streamlit as st

from core import ImageRef, ModelSpec, SparsightError
from core.base.numbers import MEGABYTE
from core.data.gallery import GALLERY
from core.data.images import MAX_BYTES
from core.figures import maps
from pages.parts.common import access, engine, present, titles
from pages.parts.common.address import FOLDER, PHOTO_SETS, of_model
from pages.parts.common.markdown import plain
from pages.parts.common.parameters import Choice
from pages.parts.common.state import state
from pages.parts.common.thumbs import Sheet, Thumb, draw
from pages.parts.common.widgets import Known, choice, current, segments, toggle, whole
from pages.parts.sidebar import photo_sets

FILE_TYPES = ["png", "jpg", "jpeg", "webp", "bmp"]
MOST_MB = MAX_BYTES // MEGABYTE
A_ROW, A_PAGE = 8, 16  # digits of the gallery
PHOTOS_A_ROW, PHOTO_PX = 5, 96
NOISE = 0.2  # upper end of the thesis' background noise
Found = tuple[ImageRef | None, SparsightError | None]


def image_choice(model: ModelSpec) -> Found:
    """Draws the widgets of the image.

    Returns:
        The image, None until an own one is uploaded, and the error if an upload was rejected.
    """
    known, sets = of_model(model.name), photo_sets.fitting(model)
    usual = known["source"].said
    offered = (usual, *(("own",) if access.takes_uploads() else ()), *sets)
    _say_what_is_missing(offered)
    known = known | {"source": Choice(usual, offered, titles=titles.SOURCES)}
    source = (choice if sets else segments)("Source", "source", known)
    if source in sets:
        return photo_sets.row_choice(sets[source], model, known), None
    if source == "own":
        image, trouble = _own(model)
    else:
        image, trouble = {"digits": _digit, "gallery": _photo}[source](model, known), None
    if not engine.card(model).reads_digits:
        return image, trouble
    noisy = toggle(
        "Background noise",
        "noise",
        known,
        help="As in the thesis, pixels that are exactly 0 get a random value of up to 0.2, in training and here.",
    )
    return image and replace(image, noise=NOISE if noisy else 0.0), trouble


def image_line(image: ImageRef | None, model: ModelSpec) -> str:
    """Describes the image in one line."""
    if image is None:
        return "no image uploaded yet"
    if image.source == "own":
        return "your own image"
    with suppress(SparsightError):
        picture = engine.engine().picture(image, model)
        if picture.title:
            return plain(picture.title)
        if picture.truth_kind == "ink":
            noise = ", with noise" if image.noise else ""
            return f"Digit {picture.label}, number {current('nth', of_model(model.name))}{noise}"
    return plain(f"{titles.SOURCES.get(image.source, 'Your folder')}, number {image.name}")


def _say_what_is_missing(offered: Sequence[str]) -> None:
    """Warns if a link names a source that this server, this machine or this network cannot use."""
    asked = st.session_state.get("source")
    missing = {
        "own": "uploads are switched off on this server",
        FOLDER: "`SPARSIGHT_PHOTOS` does not name a folder",
        **dict.fromkeys(PHOTO_SETS, "it is not on this machine, or has none of this network's classes"),
    }
    if asked in missing and asked not in offered:
        instead = titles.SOURCES[offered[0]]
        st.warning(
            f"`source={asked}` cannot be used here: {missing[asked]}. The source is **{instead}** instead.",
            icon=":material/link_off:",
        )


def _digit(model: ModelSpec, known: Known) -> ImageRef:
    left, right = st.columns([2, 3], gap="small")
    with left:
        digit = choice("Digit", "digit", known)
    with right:
        nth = whole("Number", "nth", known, help="From 1 to 500. None of these digits was used in training.")
    rows = engine.rows_of_class(int(digit))
    first = min((nth - 1) // A_PAGE * A_PAGE, len(rows) - A_PAGE)
    if not present.hidden("nth"):  # the thumbnails would reveal what is chosen
        shown = tuple(
            Thumb(str(first + place + 1), url, f"Digit {digit}, number {first + place + 1}")
            for place, url in enumerate(_digit_urls(rows[first : first + A_PAGE]))
        )
        sheet = Sheet(label="Digits", thumbs=shown, chosen=str(nth), columns=A_ROW, locked=present.locked("nth"))
        draw(sheet, lambda value: _set("nth", int(value)))
    return ImageRef(name=str(rows[nth - 1]))


def _photo(model: ModelSpec, known: Known) -> ImageRef:
    name = choice("Photograph", "photo", known, help="Included in the packages scikit-image and scikit-learn.")
    if not present.hidden("photo"):
        shown = tuple(Thumb(photo, _photo_url(photo), entry.value.alt) for photo, entry in GALLERY.items())
        sheet = Sheet(
            label="Photographs", thumbs=shown, chosen=name, columns=PHOTOS_A_ROW, locked=present.locked("photo")
        )
        draw(sheet, lambda value: _set("photo", value))
    return ImageRef(source="gallery", name=name)


def _set(name: str, value: Any) -> None:
    st.session_state[name] = value


@st.cache_data(max_entries=500, show_spinner=False)
def _digit_urls(rows: tuple[int, ...]) -> tuple[str, ...]:
    clean = (engine.engine().picture(ImageRef(name=str(row), noise=0.0)).clean for row in rows)
    return tuple(maps.data_url(maps.png(maps.plain(values, 56))) for values in clean)


@st.cache_data(max_entries=100, show_spinner=False)
def _photo_url(name: str) -> str:
    from core.data.gallery import gallery_image

    return maps.data_url(maps.jpeg(maps.thumbnail(gallery_image(name), PHOTO_PX)))


def _own(model: ModelSpec) -> Found:
    of = "an image of a digit" if engine.card(model).reads_digits else "a photograph"
    uploaded = st.file_uploader(
        f"Upload {of}",
        FILE_TYPES,
        key="upload",
        max_upload_size=MOST_MB,
        help=f"Up to {MOST_MB} MB. The image stays in this app's memory, and is gone with your session.",
    )
    pasted = st.chat_input(
        "Or paste one here", key="paste", accept_file=True, file_type=FILE_TYPES, max_upload_size=MOST_MB
    )
    data = _newest(uploaded, pasted.files[0] if pasted and pasted.files else None)
    if data is None:
        return None, None
    try:
        return engine.add_image(data, model), None
    except SparsightError as error:
        return None, error


def _newest(uploaded: Any, pasted: Any) -> bytes | None:
    """Returns the content of the latest file, uploaded or pasted; it is kept across visits to other
    pages.
    """
    upload = state().upload
    if pasted is not None:
        upload.image = pasted.getvalue()
    elif uploaded is not None and uploaded.file_id != upload.seen:
        upload.seen, upload.image = uploaded.file_id, uploaded.getvalue()
    return upload.image
