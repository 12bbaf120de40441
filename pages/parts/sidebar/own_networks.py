"""Import of an own network: an architecture by name, a weights file, and what the file does not
contain.
"""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core.base.errors import BadSpec, SparsightError
from core.models.cards import InputRule
from core.models.own import About
from pages.parts.common import access, engine, frame
from pages.parts.common.state import state

FILE_TYPES, MOST_MB = ["safetensors", "pt", "pth"], 1024
KEYS = ("_own_architecture", "_own_weights", "_own_classes", "_own_size", "_own_mean", "_own_std", "_own_title")


def form() -> None:
    """Draws the fields. An imported network is selected; errors are shown here."""
    opened = st.expander("Your own weights", icon=":material/upload_file:", key="open_own", on_change="rerun")
    if not opened.open:
        return
    with opened:
        if not access.offers(access.OWN_WEIGHTS):
            return
        known = [name for name, entry in engine.catalogue().items() if not entry.facts.get("own")]
        st.selectbox(
            "Architecture",
            known,
            index=None,
            key=KEYS[0],
            accept_new_options=True,
            placeholder="resnet18",
            help="The name of any torchvision CNN, or one of Sparsight's own networks.",
        )
        st.file_uploader(
            "Weights",
            FILE_TYPES,
            key=KEYS[1],
            max_upload_size=MOST_MB,
            help="A state dict in .safetensors format or from `torch.save`. Files that would run code are rejected.",
        )
        st.text_area(
            "Classes",
            key=KEYS[2],
            height=100,
            placeholder="one per line; optional",
            help="Names in the order of the outputs. Default: the architecture's own names, or numbers.",
        )
        st.text_input(
            "Input size (pixels)",
            key=KEYS[3],
            placeholder="224 or 224 x 320; optional",
            help="Height and width used in training. Default: the architecture's own.",
        )
        left, right = st.columns(2, gap="small")
        left.text_input(
            "Mean", key=KEYS[4], placeholder="0.485, 0.456, 0.406", help="Per channel, for values from 0 to 1."
        )
        right.text_input("Std", key=KEYS[5], placeholder="0.229, 0.224, 0.225", help="Standard deviation per channel.")
        st.text_input("Title", key=KEYS[6], placeholder="for the list of networks")
        st.button("Import", icon=":material/check:", on_click=_take_in)
        refused, state().upload.refused = state().upload.refused, None
        if refused:
            frame.show(refused)


def _take_in() -> None:
    """Imports the network; a callback, so that the network list can be set to the new one."""
    fields = st.session_state
    try:
        access.require(access.OWN_WEIGHTS)
        if not fields[KEYS[0]] or fields[KEYS[1]] is None:
            raise BadSpec(
                "An architecture and a weights file are required.",
                "All other fields are optional.",
                "Fill in these two fields.",
            )
        spec = engine.engine().add_model(
            fields[KEYS[1]].getvalue(), about(*(fields[key] or "" for key in (KEYS[0], *KEYS[2:])))
        )
        fields["model"] = spec.name
    except SparsightError as error:
        state().upload.refused = error


def about(architecture: str, *fields: str) -> About:
    """Parses the fields of the form.

    Args:
        fields: classes, size, mean, standard deviation, title.

    Raises:
        BadSpec, UnknownName: if a field cannot be read.
    """
    classes, size, mean, std, title = (text.strip() for text in fields)
    usual = engine.catalogue().named(architecture.strip()).input
    rule: dict[str, Any] = {}
    if size:
        sides = tuple(int(side) for side in _numbers(size, "size"))
        rule |= {"size_px": (sides * 2)[:2], "resize_px": None}
    rule |= {name: _numbers(text, name) for name, text in (("mean", mean), ("std", std)) if text}
    names = tuple(line.strip() for line in classes.splitlines() if line.strip())
    made = InputRule(**vars(usual) | rule) if rule else None
    return About(architecture=architecture.strip(), classes=names, input=made, title=title)


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
