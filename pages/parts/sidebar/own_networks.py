"""Import of an own network: an architecture by name, a weights file, and what the file does not
contain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core import ModelSpec
from core.base.errors import BadSpec, SparsightError
from core.data.gallery import GALLERY
from core.data.preview import preview
from core.models.cards import InputRule
from core.models.class_names import folder_classes, read_classes
from core.models.input_checks import ORDERS, RANGES, check_rule
from core.models.own import About, is_file
from pages.parts.common import access, address, engine, frame, link
from pages.parts.common.markdown import message
from pages.parts.common.state import state

MOST_MB = 1024
FIELDS = ("architecture", "classes", "size", "crop", "order", "values", "mean", "std", "set", "title")
VALUES = {f"{low:g} to {high:g}": (low, high) for low, high in RANGES}
SETS = {"": "the trained ones", "ema": "averages (EMA)"}
PHOTO = "coffee"  # of the gallery: red in RGB is blue in BGR


def key(name: str) -> str:
    """Returns the key of a field's widget."""
    return f"_own_{name}"


def deletion(model: ModelSpec) -> None:
    """Draws the button that deletes an own network."""
    if not is_file(model.name) or access.locked():
        return
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        st.markdown("Delete this network of your own from this machine? Links to it stop working.")
        st.button("Delete network", key="_delete_own", type="primary", on_click=_delete, args=(model,))


def _delete(model: ModelSpec) -> None:
    with frame.explained():
        access.require(access.DELETION)
        engine.engine().forget(model)
        engine.forget()
        view = state().view
        view.past, view.shown = [], None
        link.show(address.start())


def form() -> None:
    """Draws the fields. An imported network is selected; errors are shown here."""
    opened = st.expander("Your own weights", icon=":material/upload_file:", key="open_own", on_change="rerun")
    if not opened.open:
        return
    with opened:
        if not access.offers(access.OWN_WEIGHTS):
            return
        _file_fields()
        _input_fields()
        st.text_input("Title", key=key("title"), placeholder="for the list of networks")
        st.button("Import", icon=":material/check:", on_click=_take_in)
        refused, state().upload.refused = state().upload.refused, None
        if refused:
            frame.show(refused)
        else:
            _show_preview()


def _file_fields() -> None:
    """Draws the fields on the network and its file."""
    known = [name for name, entry in engine.catalogue().items() if not entry.facts.get("own")]
    st.selectbox(
        "Architecture",
        known,
        index=None,
        key=key("architecture"),
        accept_new_options=True,
        placeholder="resnet18",
        help="The name of any torchvision CNN, or one of Sparsight's own networks.",
    )
    st.file_uploader(
        "Weights",
        key=key("weights"),
        max_upload_size=MOST_MB,
        help=(
            "A state dict or training checkpoint of PyTorch, Lightning or timm, or .safetensors. The name does not"
            " matter. Files that would run code are rejected."
        ),
    )
    st.selectbox(
        "Which weights",
        list(SETS),
        key=key("set"),
        format_func=SETS.__getitem__,
        help="Some files hold averages over training beside the weights. The network's notes say what was taken.",
    )
    st.text_area(
        "Classes",
        key=key("classes"),
        height=100,
        placeholder="one per line; optional",
        help=(
            "Names in the order of the outputs: one per line, JSON, or the path of a folder with one folder a class"
            " (torchvision's ImageFolder). Default: the architecture's own names, or numbers."
        ),
    )


def _input_fields() -> None:
    """Draws the fields on how a photograph becomes the network's input."""
    st.caption("**Input**, as in training. A wrong one gives wrong answers instead of an error.")
    left, right = st.columns(2, gap="small")
    left.text_input(
        "Input size (pixels)",
        key=key("size"),
        placeholder="224 or 224 x 320",
        help="Height and width used in training. Default: the architecture's own.",
    )
    right.text_input(
        "Crop from (pixels)",
        key=key("crop"),
        placeholder="256",
        help="The shorter side is scaled to this, then the centre is cropped. Empty: no crop if a size is given.",
    )
    left.selectbox("Channels", ORDERS, key=key("order"), help="BGR: networks trained with Caffe or OpenCV.")
    right.selectbox(
        "Values", list(VALUES), key=key("values"), help="What black and white are before the mean is subtracted."
    )
    left.text_input(
        "Mean",
        key=key("mean"),
        placeholder="0.485, 0.456, 0.406",
        help="Per channel, in the units of the values and in the order of the channels.",
    )
    right.text_input("Std", key=key("std"), placeholder="0.229, 0.224, 0.225", help="Standard deviation per channel.")


def _show_preview() -> None:
    """Shows a photograph as the network will get it."""
    fields = _filled()
    if not fields["architecture"]:
        return
    try:
        rule = input_rule(fields) or engine.catalogue().named(fields["architecture"]).input
        check_rule(rule, None)
        seen = preview(PHOTO, rule)
    except SparsightError as error:
        frame.show(error)
        return
    st.image(seen.picture, width="stretch", caption=f"{GALLERY[PHOTO].title}, as the network gets it")
    st.caption(message(seen.text))


def _filled() -> dict[str, str]:
    return {name: st.session_state.get(key(name)) or "" for name in FIELDS}


def _take_in() -> None:
    """Imports the network; a callback, so that the network list can be set to the new one."""
    try:
        access.require(access.OWN_WEIGHTS)
        fields, file = _filled(), st.session_state[key("weights")]
        if not fields["architecture"] or file is None:
            raise BadSpec(
                "An architecture and a weights file are required.",
                "All other fields are optional.",
                "Fill in these two fields.",
            )
        spec = engine.engine().add_model(file.getvalue(), about(fields))
        st.session_state["model"] = spec.name
    except SparsightError as error:
        state().upload.refused = error


def about(fields: Mapping[str, str]) -> About:
    """Parses the fields of the form, by name; missing ones are empty.

    Raises:
        BadSpec, UnknownName, MissingData: if a field cannot be read.
    """
    return About(
        architecture=fields["architecture"].strip(),
        classes=_classes(fields.get("classes", "").strip()),
        input=input_rule(fields),
        title=fields.get("title", "").strip(),
        weight_set=fields.get("set", ""),
    )


def _classes(text: str) -> tuple[str, ...]:
    """Reads the names of the classes, or those of the folders in a folder."""
    is_path = "\n" not in text and re.match(r"[/~.]|[A-Za-z]:[\\/]", text)
    return folder_classes(Path(text).expanduser()) if is_path else read_classes(text)


def input_rule(fields: Mapping[str, str]) -> InputRule | None:
    """Parses the fields on the input; None if none is filled in.

    A mean and deviation that are left out are the architecture's own, in the order and units of the
    other fields.

    Raises:
        BadSpec, UnknownName: if a field cannot be read.
    """
    usual = engine.catalogue().named(fields["architecture"].strip()).input
    texts = {name: fields.get(name, "").strip() for name in ("size", "crop", "mean", "std")}
    order, values = fields.get("order") or ORDERS[0], VALUES[fields.get("values") or next(iter(VALUES))]
    rule = replace(usual, channel_order=order, value_range=values, **_in_units(usual, order, values))
    changed: dict[str, Any] = {}
    if texts["size"]:
        sides = _whole(texts["size"], "size")
        changed |= {"size_px": (sides * 2)[:2] if len(sides) == 1 else sides, "resize_px": None}
    if texts["crop"]:
        changed["resize_px"] = _whole(texts["crop"], "crop")[0]
    changed |= {name: _numbers(texts[name], name) for name in ("mean", "std") if texts[name]}
    rule = replace(rule, **changed)
    return None if rule == usual else rule


def _in_units(rule: InputRule, order: str, values: tuple[float, float]) -> dict[str, Any]:
    """Returns an architecture's mean and deviation for another order and range of values; values
    from -1 to 1 are used as they are.
    """
    low, high = values
    if low < 0:
        return {"mean": (0.0,) * rule.channels, "std": (1.0,) * rule.channels}
    step = -1 if order != rule.channel_order else 1
    mean = tuple(low + (high - low) * value for value in rule.mean[::step])
    return {"mean": mean, "std": tuple((high - low) * value for value in rule.std[::step])}


def _whole(text: str, name: str) -> tuple[int, ...]:
    numbers = _numbers(text, name)
    if not numbers or any(number != number or abs(number) > 1e6 or number % 1 for number in numbers):
        raise BadSpec(f"The {name} '{text[:40]}' is invalid.", "It is counted in whole pixels.", "Write 224.")
    return tuple(map(int, numbers))


def _numbers(text: str, name: str) -> tuple[float, ...]:
    parts = [part for part in re.split(r"[\s,;x×]+", text) if part]
    try:
        return tuple(float(part) for part in parts)
    except ValueError as error:
        raise BadSpec(
            f"The {name} '{text[:40]}' cannot be read.",
            "Separate numbers by commas.",
            "Write 0.5, 0.5, 0.5.",
        ) from error
