"""The form for new networks: files, what was found in them, classes and input, and then Explore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core import ModelSpec
from core.base.errors import SparsightError
from core.base.numbers import size
from core.base.stamps import Stamp
from core.models.found import Found
from core.models.own import About
from pages.parts.common import access, engine, frame
from pages.parts.common.markdown import message, plain
from pages.parts.networks import fields

MOST_MB = 1024
OWN, BEFORE = "own", "before"
SLOTS = {OWN: "Your network", BEFORE: "The network before (optional)"}
HELP = {
    OWN: (
        "A state dict or training checkpoint of PyTorch, Lightning or timm, or .safetensors. The name does not matter."
        " Files that would run code are rejected."
    ),
    BEFORE: "For example the dense network that yours was pruned from. Without it, Sparsight prunes your network.",
}


def form() -> None:
    """Draws the form."""
    st.header("1. Files", anchor=False)
    ready = {}
    for column, slot in zip(st.columns(2, gap="medium"), SLOTS, strict=True):
        with column:
            if answer := _file(slot):
                ready[slot] = answer
    if OWN not in ready:
        if BEFORE in ready:
            st.info("Choose the weights of your network too, on the left.", icon=":material/info:")
        return
    st.header("2. Classes and input", anchor=False)
    st.caption(
        "A file of weights does not hold these. A wrong input gives wrong answers instead of an error: compare the"
        " picture with what the network saw in training."
    )
    abouts = _abouts(ready)
    st.header("3. Explore", anchor=False)
    label = "Open both in Explore" if BEFORE in ready else "Open in Explore"
    if st.button(label, type="primary", icon=":material/search:", disabled=abouts is None) and abouts:
        _open({slot: (file, abouts[slot]) for slot, (file, _) in ready.items()})


def _file(slot: str) -> tuple[Any, Found] | None:
    """Draws the choice of a file and what was found in it; None unless it can be used."""
    file = st.file_uploader(SLOTS[slot], key=f"_file_{slot}", max_upload_size=MOST_MB, help=HELP[slot])
    if file is None:
        return None
    place = st.container(border=True)
    architecture, weight_set = (
        st.session_state.get(f"_{name}_{slot}_{file.file_id}") or "" for name in ("architecture", "set")
    )
    try:
        found = _found(file.file_id, architecture, weight_set, _stamp(architecture), _file=file)
    except SparsightError as error:
        with place:
            frame.show(error)
            _architecture(slot, file.file_id, architecture)
        return None
    with place:
        _describe(found, file)
        _architecture(slot, file.file_id, found.architecture)
        _weight_set(slot, file, found.architecture)
    return None if found.problem else (file, found)


@st.cache_data(max_entries=20, show_spinner="Reading the weights ...")
def _found(file_id: str, architecture: str, weight_set: str, stamp: Stamp, _file: Any) -> Found:
    """file_id: of the uploaded file, which determines its content. stamp: of the plugin that
    registers the architecture, if one does.
    """
    return engine.catalogue().look_into(_file.getvalue(), _file.name, architecture, weight_set)


def _stamp(architecture: str) -> Stamp:
    return engine.catalogue().look_at(architecture) if architecture else ""


def _describe(found: Found, file: Any) -> None:
    title = plain(_title(found.architecture))
    if found.problem:
        st.error(f"**These are not the weights of {title}.**  \n{message(found.problem)}", icon=":material/error:")
        return
    st.markdown(f":material/check_circle: **{title}**: every tensor fits.")
    classes = f"{found.classes:,} class{'es' * (found.classes != 1)}"
    st.caption(f"{classes}, {found.parameters:,} parameters, {size(file.size)} in the file.")
    for note in found.notes:
        st.caption(message(note))


def _title(architecture: str) -> str:
    known = engine.catalogue()
    return known[architecture].title if architecture in known else architecture


def _architecture(slot: str, file_id: str, found: str) -> None:
    """Draws the choice of the architecture. found: the one in use."""
    key = f"_architecture_{slot}_{file_id}"
    known = [name for name, entry in engine.catalogue().items() if not {"own", "retrained"} & set(entry.facts)]
    st.session_state.setdefault(key, found or None)
    st.selectbox(
        "Architecture",
        [*known, *([found] if found and found not in known else [])],
        key=key,
        format_func=_title,
        accept_new_options=True,
        placeholder="resnet34",
        help="Recognised by the names and shapes of the tensors. You can write the name of any CNN of torchvision.",
    )


def _weight_set(slot: str, file: Any, architecture: str) -> None:
    """Draws the choice among the sets of weights of a file that holds several."""
    sets = _found(file.file_id, architecture, "", _stamp(architecture), _file=file).sets
    if len(sets) > 1:
        st.selectbox(
            "Which weights",
            ["", *sets[1:]],
            key=f"_set_{slot}_{file.file_id}",
            format_func=lambda name: name or sets[0],
            help="Some files hold averages over training (EMA) beside the weights.",
        )


def _abouts(ready: Mapping[str, tuple[Any, Found]]) -> dict[str, About] | None:
    """Draws the fields; returns the facts about each network, None while a field cannot be read."""
    shared = len(ready) == 1 or (len({found.classes for _, found in ready.values()}) == 1 and _are_alike())
    groups = [list(ready)] if shared else [[slot] for slot in ready]
    places = [st.container()] if shared else st.columns(len(groups), gap="medium")
    abouts: dict[str, About] = {}
    for column, slots in zip(places, groups, strict=True):
        with column:
            if not shared:
                st.subheader(_short(slots[0]), anchor=False)
            abouts |= _read_fields(slots, ready)
    if len(abouts) < len(ready):
        return None
    names = [about.title or _stem(ready[slot][0]) for slot, about in abouts.items()]
    if len(names) > len(set(names)):
        abouts[BEFORE] = replace(abouts[BEFORE], title=f"{names[0]}, before")
    return abouts


def _are_alike() -> bool:
    return st.toggle("Both networks have the same classes and the same input", value=True, key="_shared")


def _read_fields(slots: list[str], ready: Mapping[str, tuple[Any, Found]]) -> dict[str, About]:
    """Draws the fields that these networks share, and a picture of the input."""
    for slot in slots:
        label = "Title" if len(slots) == 1 else f"Title of {_short(slot).lower()}"
        st.text_input(label, key=f"_title_{slot}", placeholder=_stem(ready[slot][0]))
    first = slots[0]
    filled = fields.fields(first, ready[first][1])
    try:
        abouts = {}
        for slot in slots:
            file, found = ready[slot]
            chosen = st.session_state.get(f"_set_{slot}_{file.file_id}") or ""
            title = st.session_state.get(f"_title_{slot}") or ""
            own = {"architecture": found.architecture, "set": chosen, "title": title}
            abouts[slot] = fields.about(filled | own, found.classes)
        fields.show_preview(abouts[first])
        return abouts
    except SparsightError as error:
        frame.show(error)
        return {}


def _short(slot: str) -> str:
    return SLOTS[slot].partition(" (")[0]


def _stem(file: Any) -> str:
    return Path(file.name).stem


def _open(chosen: Mapping[str, tuple[Any, About]]) -> None:
    """Stores the networks and opens Explore on them."""
    access.require(access.OWN_WEIGHTS)
    with st.spinner("Checking and storing the weights ..."):
        added = {
            slot: engine.engine().add_model(file.getvalue(), about, file.name) for slot, (file, about) in chosen.items()
        }
    st.switch_page("pages/explore.py", query_params=view(added[OWN], added.get(BEFORE)))


def view(model: ModelSpec, before: ModelSpec | None = None) -> dict[str, str]:
    """Returns the address of a network in Explore, as it is, beside another one; or of one that
    Sparsight prunes.
    """
    if before is None:
        return {"model": model.name}
    amount = "sparsity" if engine.card(model).reads_digits else "fine"
    return {"model": model.name, amount: "0", "ref": f"model.{before.name}/{before.weights}/{before.seed}"}
