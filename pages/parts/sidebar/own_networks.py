"""A person's own network: an architecture by its name, a file of weights, and what the file does
not say.
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
    """The fields. The network is chosen once it is taken in; what does not fit is said here."""
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
            help="Any CNN of torchvision by its name, or one of Sparsight's own.",
        )
        st.file_uploader(
            "Weights",
            FILE_TYPES,
            key=KEYS[1],
            max_upload_size=MOST_MB,
            help="A state dict: .safetensors, or what torch.save wrote. Files that would run code are refused.",
        )
        st.text_area(
            "Classes",
            key=KEYS[2],
            height=100,
            placeholder="one a line; may be left out",
            help="Names in the order of the outputs. Without them the architecture's own, or numbers.",
        )
        st.text_input(
            "Input, pixels",
            key=KEYS[3],
            placeholder="224 or 224 x 320; the architecture's own",
            help="Height and width that the network was trained on.",
        )
        left, right = st.columns(2, gap="small")
        left.text_input(
            "Mean", key=KEYS[4], placeholder="0.485, 0.456, 0.406", help="Of each channel, for values from 0 to 1."
        )
        right.text_input(
            "Std", key=KEYS[5], placeholder="0.229, 0.224, 0.225", help="Standard deviation of each channel."
        )
        st.text_input("Title", key=KEYS[6], placeholder="for the list of networks")
        st.button("Take in", icon=":material/check:", on_click=_take_in)
        refused, state().upload.refused = state().upload.refused, None
        if refused:
            frame.show(refused)


def _take_in() -> None:
    """Before the page runs again, so that the list of networks can be set to the new one."""
    fields = st.session_state
    try:
        access.require(access.OWN_WEIGHTS)
        if not fields[KEYS[0]] or fields[KEYS[1]] is None:
            raise BadSpec(
                "An architecture and a file of weights are needed.",
                "The other fields may stay empty.",
                "Fill these two.",
            )
        spec = engine.engine().add_model(
            fields[KEYS[1]].getvalue(), about(*(fields[key] or "" for key in (KEYS[0], *KEYS[2:])))
        )
        fields["model"] = spec.name
    except SparsightError as error:
        state().upload.refused = error


def about(architecture: str, *fields: str) -> About:
    """What was typed in. fields: classes, size, mean, standard deviation, title.

    Raises BadSpec, UnknownName.
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
            f"The {name} '{text[:40]}' cannot be read.", "Numbers with commas between them.", "Write 0.5, 0.5, 0.5."
        ) from error
