"""Weights that are not on this machine yet: what they are, a button, progress, Stop, and a clear
word when there is no network.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import streamlit as st

from core import ModelSpec
from core.base.errors import SparsightError
from core.base.text import size
from core.models import dense
from pages.parts.common import access, engine, frame
from pages.parts.common.markdown import message, plain

_WORKER = ThreadPoolExecutor(max_workers=2, thread_name_prefix="download")
_AT_WORK: dict[str, Download] = {}  # by model, for all people and tabs


class Halted(Exception):
    """A person stopped the download."""


@dataclass
class Download:
    """One at work. bytes_done and bytes_total: as far as known; halt: asks it to end."""

    bytes_done: int = 0
    bytes_total: int = 0
    halt: bool = False
    future: Future[object] | None = field(default=None, repr=False)

    def progress(self, done: int, total: int) -> None:
        """What the loading function calls."""
        if self.halt:
            raise Halted
        self.bytes_done, self.bytes_total = done, total


def is_there(model: ModelSpec) -> bool:
    """Whether the model's weights can be used without a download."""
    return dense.is_there(engine.card(model), model, engine.downloads()) is not False


def offer(model: ModelSpec) -> None:
    """What is missing and a button; progress while it comes.

    Runs the page again once the weights are there.
    """
    weights = engine.card(model).weights[model.weights]
    title = plain(engine.catalogue().title(model))
    st.info(
        f"**{title}**: its weights ({size(weights.bytes)}) are not on this machine yet.  \n"
        + message(
            f"{weights.summary[:1].upper()}{weights.summary[1:]}. From {weights.origin}. Licence:"
            f" {weights.licence or 'see there'}."
        ),
        icon=":material/cloud_download:",
    )
    if not access.offers(access.DOWNLOADS):
        return
    place, at_work = st.empty(), _AT_WORK.get(model.key)
    if at_work is None:
        place.button(
            f"Download {size(weights.bytes)}",
            type="primary",
            icon=":material/download:",
            on_click=_begin,
            args=(model,),
        )
        return
    with place.container(horizontal=True, vertical_alignment="center", gap="small"):
        bar = st.progress(0.0, "Connecting ...")
        st.button("Stop", key="_stop_download", icon=":material/stop:", on_click=_halt, args=(at_work,))
    assert at_work.future is not None
    while not at_work.future.done():
        if at_work.bytes_total:
            share = min(1.0, at_work.bytes_done / at_work.bytes_total)
            bar.progress(share, f"{size(at_work.bytes_done)} of {size(at_work.bytes_total)}")
        time.sleep(0.2)
        st.empty()
    _AT_WORK.pop(model.key, None)
    place.empty()
    _ended(model, at_work.future.exception())


def _ended(model: ModelSpec, error: BaseException | None) -> None:
    if error is None:
        st.rerun()
    if isinstance(error, SparsightError):
        frame.show(error)
    elif not isinstance(error, Halted):
        assert error is not None
        raise error
    st.button("Try again", icon=":material/refresh:", on_click=_begin, args=(model,))


def _begin(model: ModelSpec) -> None:
    access.require(access.DOWNLOADS)
    if model.key in _AT_WORK:
        return
    load, download = engine.card(model).weights[model.weights].load, Download()
    assert load is not None
    download.future = _WORKER.submit(load, engine.downloads(), download.progress)
    _AT_WORK[model.key] = download


def _halt(download: Download) -> None:
    download.halt = True
