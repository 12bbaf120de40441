"""The list of own networks: opened, renamed, their classes corrected, deleted."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import ModelSpec
from core.base.numbers import size
from core.data.classes import class_indices
from core.models.own import About, file_key, is_file
from pages.parts.common import access, address, engine, frame, link, present
from pages.parts.common.markdown import message, plain
from pages.parts.common.state import state
from pages.parts.networks.form import view
from pages.parts.sidebar import photo_sets

COLUMN, MOST_NAMED = "class", 20


def listing() -> None:
    """Draws every own network that is kept on this machine."""
    names = [name for name in engine.catalogue() if is_file(name)]
    if not names:
        st.caption("None yet. Networks that you add stay on this machine; nothing is sent anywhere.")
    for name in names:
        with st.container(border=True):
            _one(engine.catalogue().default_model(name))


def _one(model: ModelSpec) -> None:
    known = engine.catalogue()
    card, about = engine.card(model), known.about(model.name)
    st.markdown(f"**{plain(known.title(model))}**")
    on_disk = size(known.files.bytes(file_key(model.name)))
    height, width = card.input_px
    st.caption(
        f"{plain(about.architecture)}, {len(card.classes):,} classes, input {height} x {width} pixels,"
        f" {card.parameters:,} parameters, {on_disk}."
    )
    for note in card.notes:
        st.caption(message(note))
    with st.container(horizontal=True, vertical_alignment="center"):
        frame.link("pages/explore.py", "Explore", ":material/search:", view(model))
        frame.link("pages/compare.py", "Compare", ":material/view_column:", view(model))
        if not present.on() and not access.locked():
            _delete(model)
    if not present.on() and not access.locked():
        opened = st.expander(
            "Title, classes and folders", icon=":material/edit:", key=f"_edit_{model.name}", on_change="rerun"
        )
        if opened.open:
            with opened:
                _edit(model)


def _delete(model: ModelSpec) -> None:
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        title = plain(engine.catalogue().title(model))
        st.markdown(f"Delete **{title}** from this machine? The file that you chose stays where it is.")
        st.button("Delete network", key=f"_delete_{model.name}", type="primary", on_click=_forget, args=(model,))


def _forget(model: ModelSpec) -> None:
    with frame.explained():
        access.require(access.DELETION)
        engine.engine().forget(model)
        engine.forget()
        mine = state()
        if model.name in str(mine.view.values) + str(mine.values):  # as the network, or as a reference
            mine.values.clear()
            mine.view.past, mine.view.shown = [], None
            link.show(address.start())


def _edit(model: ModelSpec) -> None:
    """Draws the title and the classes beside the folders of the data sets on this machine."""
    card, about = engine.card(model), engine.catalogue().about(model.name)
    title = st.text_input("Title", about.title, key=f"_new_title_{model.name}", max_chars=80)
    columns: dict[str, list[str] | list[int]] = {
        "output": list(range(len(card.classes))),
        COLUMN: list(card.classes),
    }
    unmatched: list[str] = []
    for name, data in photo_sets.on_this_machine().items() if not card.reads_digits else ():
        with frame.explained():
            label = "your photographs" if data.startswith(photo_sets.PREFIX) else name
            columns[f"folder of {label}"], strangers = _matched(data, model)
            unmatched += strangers
    st.caption(
        "Folders of photographs are matched to outputs by the names of the classes. Correct a name, and its folder is"
        " found. With other classes it becomes another network: its old links no longer open."
    )
    edited = st.data_editor(
        columns,
        hide_index=True,
        width="stretch",
        disabled=[name for name in columns if name != COLUMN],
        key=f"_classes_{model.name}",
    )
    if unmatched:
        st.caption(f"Folders without an output, and their photographs: {plain(', '.join(unmatched[:MOST_NAMED]))}.")
    if st.button("Save", key=f"_save_{model.name}", icon=":material/check:"):
        names = tuple(str(name) for name in edited[COLUMN])
        _change(model, replace(about, title=title.strip(), classes=names))


def _change(model: ModelSpec, about: About) -> None:
    with frame.explained():
        access.require(access.OWN_WEIGHTS)
        engine.engine().change_model(model, about)
        engine.forget()
        st.rerun()


def _matched(data: str, model: ModelSpec) -> tuple[list[str], list[str]]:
    """Returns the folder of a data set for each output, and the folders that have no output, with
    their numbers of photographs.
    """
    counts, classes = _folders(data, model), engine.card(model).classes
    places = dict(zip(counts, class_indices(tuple(counts), classes), strict=True))
    by_output = {place: folder for folder, place in places.items()}
    strangers = [f"{folder} ({counts[folder]:,})" for folder, place in places.items() if place is None]
    return [by_output.get(output, "–") for output in range(len(classes))], strangers


def _folders(data: str, model: ModelSpec) -> dict[str, int]:
    """Returns how many photographs each folder of a data set holds."""
    photos = photo_sets.inputs(data, model).photos
    counts = dict.fromkeys(photos.classes, 0)
    for photo in photos.photos:
        counts[photos.classes[photo.label]] += 1
    return counts
