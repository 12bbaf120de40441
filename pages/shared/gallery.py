"""Choosing the image: one of the embedded digits, or a person's own, uploaded or pasted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core import ImageRef, ModelSpec, SparsightError, pictures
from pages.shared import cached, present
from pages.shared.address import of_model
from pages.shared.widgets import choice, segments, toggle, whole

FILE_TYPES = ["png", "jpg", "jpeg", "webp", "bmp"]
A_ROW, A_PAGE = 8, 16  # pictures of the gallery
NOISE = 0.2  # upper end of the thesis' background noise


def image_choice(model: ModelSpec) -> tuple[ImageRef | None, SparsightError | None]:
    """Draws the widgets. The image is None while an own one is awaited; the error says why one was refused."""
    st.subheader("Image")
    source = segments("Source", "source", of_model(model.name), label_visibility="collapsed")
    image, trouble = (_digit(), None) if source == "digits" else _own(model)
    noisy = toggle("Background noise", "noise",
                   help="As in the thesis: pixels that are exactly 0 get a random value up to 0.2, in training and here.")  # fmt: skip
    return image and replace(image, noise=NOISE if noisy else 0.0), trouble


def _digit() -> ImageRef:
    left, right = st.columns([2, 3], gap="small")
    with left:
        digit = choice("Digit", "digit")
    with right:
        nth = whole("Which one", "nth", help="One of 500. The networks never saw them in training.")
    rows = cached.rows_of_class(int(digit))
    first = min((nth - 1) // A_PAGE * A_PAGE, len(rows) - A_PAGE)
    if present.hidden("nth"):  # the strip would give away what is chosen
        return ImageRef(name=str(rows[nth - 1]))
    st.image(
        _strip(rows[first : first + A_PAGE], nth - 1 - first),
        width="stretch",
        alt=f"Digits {first + 1} to {first + A_PAGE}, number {nth} chosen",
    )
    return ImageRef(name=str(rows[nth - 1]))


@st.cache_data(max_entries=500, show_spinner=False)
def _strip(rows: tuple[int, ...], chosen: int) -> str:
    clean = [cached.engine().picture(ImageRef(name=str(row), noise=0.0)).clean for row in rows]
    return pictures.data_url(pictures.png(pictures.sheet(clean, A_ROW, chosen)))


def _own(model: ModelSpec) -> tuple[ImageRef | None, SparsightError | None]:
    uploaded = st.file_uploader("Upload an image of a digit", FILE_TYPES, key="upload", help="Up to 10 MB. It stays in this app's memory.")
    pasted = st.chat_input("Or paste one here", key="paste", accept_file=True, file_type=FILE_TYPES)
    data = _newest(uploaded, pasted.files[0] if pasted and pasted.files else None)
    if data is None:
        return None, None
    try:
        return cached.engine().add_image(data, model), None
    except SparsightError as error:
        return None, error


def _newest(uploaded: Any, pasted: Any) -> bytes | None:
    """The content of the file that came last, whichever way; it is kept when the page is left and entered again."""
    if pasted is not None:
        st.session_state["_own"] = pasted.getvalue()
    elif uploaded is not None and uploaded.file_id != st.session_state.get("_upload_seen"):
        st.session_state["_upload_seen"] = uploaded.file_id
        st.session_state["_own"] = uploaded.getvalue()
    return st.session_state.get("_own")
