"""How the heatmap is computed and drawn: widgets -> CamSpec and Drawn."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core import CamSpec, ImageRef, ModelSpec, SparsightError
from core.results import Picture
from core.saliency import CAMS
from core.specs import TARGETS
from pages.parts.common import engine, titles
from pages.parts.common.address import class_names, layers_of, of_model
from pages.parts.common.markdown import plain
from pages.parts.common.pictures import Drawn
from pages.parts.common.state import state
from pages.parts.common.widgets import Known, choice, number, toggle
from pages.parts.sidebar.model import listed

A_CLASS = {"class": "a class of your choice"}


def heatmap_choice(model: ModelSpec, image: ImageRef | None) -> tuple[CamSpec, Drawn]:
    """Draws the widgets of the heatmap. image: None until an own image is uploaded."""
    known, picture = of_model(model.name), _picture(image, model)
    method = choice("Method", "cam", known)
    entry = CAMS[method]
    st.caption(
        f":{'gray' if entry.facts['cost'] == 'one pass' else 'orange'}-badge[{entry.facts['cost']}] {entry.summary}"
    )
    layer = _layer(model, known)
    target = _target(model, known, picture)
    opacity = number("Opacity", "opacity", known, format="%d %%")
    marked = picture is not None and picture.truth_kind in ("mask", "boxes")
    outline = marked and toggle(
        "Outline the object", "outline", known, help="As annotated by people: a white line beside a black one."
    )
    return CamSpec(method=method, layer=layer, target=target), Drawn(opacity / 100, outline)


def heatmap_line(cam: CamSpec, model: ModelSpec) -> str:
    """Describes the heatmap settings in one line."""
    target = titles.TARGETS.get(str(cam.target)) or class_names(model.name)[int(cam.target)]
    return plain(f"{CAMS[cam.method].title}, layer {cam.layer}, {target[0].lower() + target[1:]}")


def _layer(model: ModelSpec, known: Known) -> str:
    """Draws the choice of the target layer."""
    name = choice(
        "Target layer",
        "layer",
        known,
        help="The layer that the map is computed at. Early layers respond to fine detail, late ones to objects.",
    )
    found = layers_of(model.name).get(name)
    if found:
        st.caption(
            f"{found.channels} feature maps of {found.height} × {found.width} cells; a cell covers about"
            f" {found.stride_px:.2g} pixels"
        )
    return name


def _target(model: ModelSpec, known: Known, picture: Picture | None) -> str | int:
    target = choice(
        "Target class",
        "target",
        known,
        help=listed(TARGETS | A_CLASS, titles.TARGETS),
        on_change=_start_with_the_predicted,
        args=(model,),
    )
    if target == "label" and picture is not None and picture.label is None:
        who = "Your own image" if picture.image.source == "own" else "This image"
        st.caption(f"{who} has no label, so the class that the dense network predicts is used.")
        return "dense"
    if target == "class":
        return class_names(model.name).index(choice("Class", "class", known, help="Type to search."))
    return target


def _start_with_the_predicted(model: ModelSpec) -> None:
    """Preselects the class that the dense network predicts, unless one was chosen before."""
    says, untouched = state().view.dense_class, class_names(model.name)[0]
    if says is not None and st.session_state.get("class", untouched) == untouched:
        st.session_state["class"] = class_names(model.name)[says]


def _picture(image: ImageRef | None, model: ModelSpec) -> Picture | None:
    with suppress(SparsightError):  # reported where the picture is drawn
        return engine.engine().picture(image, model) if image else None
    return None
