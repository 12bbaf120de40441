"""Weights that are not on this machine yet: a description, a download button, progress, Stop, and a
clear message when there is no connection.
"""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core import ModelSpec
from core.base.numbers import size
from core.models import dense
from pages.parts.common import access, engine, frame
from pages.parts.common.background import Work, background
from pages.parts.common.markdown import message, plain
from pages.parts.common.waiting import ask, is_stopped, wait


def is_there(model: ModelSpec) -> bool:
    """Whether the model's weights can be used without a download."""
    return dense.is_there(engine.card(model), model, engine.downloads()) is not False


def offer(model: ModelSpec) -> None:
    """Says what is missing and draws a download button, then progress.

    Runs the page again once the weights are available.
    """
    weights = engine.card(model).weights[model.weights]
    title = plain(engine.catalogue().title(model))
    st.info(
        f"The weights of **{title}** ({size(weights.bytes)}) are not on this machine yet.  \n"
        + message(
            f"{weights.summary[:1].upper()}{weights.summary[1:]}. Source: {weights.origin}."
            f" Licence: {weights.licence or 'see the source'}."
        ),
        icon=":material/cloud_download:",
    )
    if not access.offers(access.DOWNLOADS):
        return
    work, label = _download(model), f"Download {size(weights.bytes)}"
    task = background().find(work)
    if task and task.at_work and not is_stopped(work):
        with suppress(Exception):  # shown below, with a button
            wait(work, st.empty())
    if task and task.succeeded:
        background().forget(work)  # the file may be deleted
        st.rerun()
    if task and task.error:
        background().forget(work)  # shown once
        with frame.explained():
            raise task.error
        label = "Try again"
    st.button(label, type="primary", icon=":material/download:", on_click=_begin, args=(work,))


def _download(model: ModelSpec) -> Work:
    load = engine.card(model).weights[model.weights].load
    assert load is not None
    return Work(
        place="download",
        key=("download", model),
        what="Downloading",
        run=lambda task: load(engine.downloads(), task.advance) and None,
        stays=True,
        progress=lambda done, total: f"{size(done)} of {size(total)}",
    )


def _begin(work: Work) -> None:
    access.require(access.DOWNLOADS)
    ask(work)
