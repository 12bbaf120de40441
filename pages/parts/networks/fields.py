"""The fields on what a file of weights does not hold: names of the classes, and the input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.base.errors import BadSpec
from core.data.folders import folder_classes
from core.data.gallery import GALLERY
from core.data.preview import preview
from core.models.cards import InputRule
from core.models.class_names import class_names, read_classes
from core.models.found import Found
from core.models.input_checks import ORDERS, RANGES, check_rule
from core.models.own import About
from pages.parts.common import engine
from pages.parts.common.markdown import message

FIELDS = ("classes", "size", "crop", "order", "values", "mean", "std")
VALUES = {f"{low:g} to {high:g}": (low, high) for low, high in RANGES}
PHOTO = "coffee"  # of the gallery: red in RGB is blue in BGR


def key(name: str, slot: str) -> str:
    """Returns the key of a field's widget. slot: which network it is about."""
    return f"_own_{name}_{slot}"


def fields(slot: str, found: Found) -> dict[str, str]:
    """Draws the fields on classes and input; returns what they hold, by name."""
    st.text_area(
        f"Classes ({found.classes:,})",
        key=key("classes", slot),
        height=100,
        placeholder="one per line; optional",
        help=(
            "Names in the order of the outputs: one per line, JSON, or the path of a folder with one folder a class"
            " (torchvision's ImageFolder). Default: the architecture's own names, or numbers."
        ),
    )
    _input_fields(slot, found)
    return {name: st.session_state.get(key(name, slot)) or "" for name in FIELDS}


def _input_fields(slot: str, found: Found) -> None:
    """Draws the fields on how a photograph becomes the network's input."""
    st.caption("**Input**, as in training")
    usual = engine.catalogue().named(found.architecture).input
    sized = bool((st.session_state.get(key("size", slot)) or "").strip())
    crop = "no crop" if sized or usual.resize_px is None else str(usual.resize_px)
    left, right = st.columns(2, gap="small")
    left.text_input(
        "Input size (pixels)",
        key=key("size", slot),
        placeholder=" x ".join(map(str, dict.fromkeys(usual.size_px))),
        help="Height and width used in training: 224, or 224 x 320. Default: the architecture's own.",
    )
    right.text_input(
        "Crop from (pixels)",
        key=key("crop", slot),
        placeholder=crop,
        help="The shorter side is scaled to this, then the centre is cropped. Empty: no crop if a size is given.",
    )
    left.selectbox("Channels", ORDERS, key=key("order", slot), help="BGR: networks trained with Caffe or OpenCV.")
    right.selectbox(
        "Values", list(VALUES), key=key("values", slot), help="What black and white are before the mean is subtracted."
    )
    left.text_input(
        "Mean",
        key=key("mean", slot),
        placeholder=", ".join(f"{value:g}" for value in usual.mean),
        help="Per channel, in the units of the values and in the order of the channels.",
    )
    right.text_input(
        "Std",
        key=key("std", slot),
        placeholder=", ".join(f"{value:g}" for value in usual.std),
        help="Standard deviation per channel.",
    )


def show_preview(about: About) -> None:
    """Shows a photograph as the network will get it. Raises BadSpec for an input that cannot be."""
    rule = about.input or engine.catalogue().named(about.architecture).input
    check_rule(rule, None)
    if engine.catalogue().named(about.architecture).reads_digits:
        return
    seen = preview(PHOTO, rule)
    st.image(seen.picture, width=240, caption=f"{GALLERY[PHOTO].title}, as the network gets it")
    st.caption(message(seen.text))


def about(fields: Mapping[str, str], count: int) -> About:
    """Parses the fields of the form, by name; missing ones are empty.

    Args:
        count: of the network's outputs.
    Raises:
        BadSpec, UnknownName, MissingData: if a field cannot be read.
    """
    classes = _classes(fields.get("classes", "").strip())
    return About(
        architecture=fields["architecture"].strip(),
        classes=class_names(classes, count) if classes else (),
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
