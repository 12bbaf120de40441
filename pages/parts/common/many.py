"""Many comparisons for one view: shown as they come, stopped on request, and what was computed
stays.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from core import CamSpec, ImageRef, ModelSpec, VariantSpec
from core.data.gallery import GALLERY
from core.results import Comparison
from pages.parts.common import engine

Question = tuple[VariantSpec, ImageRef, CamSpec]
PATIENCE_S, LONG_S = 0.5, 3.0  # progress is shown after the first, a stop button where more than the second is expected
DONE, STOPPED = "_compared", "_stopped"  # of the session: questions answered, and the view that was stopped


def many(questions: Sequence[Question]) -> dict[Question, Comparison]:
    """The answers by question.

    After "Stop" only those that were computed before; "Go on" computes the rest.
    """
    view = "|".join(spec.key for question in questions for spec in question)
    done: set[Question] = st.session_state.setdefault(DONE, set())
    stopped = st.session_state.get(STOPPED) == view
    wanted = [question for question in questions if not stopped or question in done]
    found = _counted(wanted, done, view)
    if len(found) < len(set(questions)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Stopped: {len(found)} of {len(set(questions))} maps are shown.", width="content")
            st.button("Go on", icon=":material/play_arrow:", on_click=_go_on)
    return found


def _counted(questions: Sequence[Question], done: set[Question], view: str) -> dict[Question, Comparison]:
    bar, button = st.empty(), st.empty()
    found: dict[Question, Comparison] = {}
    begun, drawn = time.monotonic(), False
    for position, question in enumerate(questions, start=1):
        found[question] = engine.comparison(*question)
        done.add(question)
        passed = time.monotonic() - begun
        if passed > PATIENCE_S and position < len(questions):
            bar.progress(position / len(questions), f"{position} of {len(questions)} maps")
            if not drawn and passed / position * len(questions) > LONG_S:
                drawn = True
                button.button("Stop", key="_stop", icon=":material/stop:", on_click=_stop, args=(view,))
    bar.empty()
    button.empty()
    return found


def _stop(view: str) -> None:
    st.session_state[STOPPED] = view


def _go_on() -> None:
    st.session_state.pop(STOPPED, None)


def following(image: ImageRef, count: int) -> list[ImageRef]:
    """The image and the ones after it: digits of the same class, photographs of the gallery; an own
    image stands alone.
    """
    if image.source == "own":
        return [image]
    names = _names(image)
    place = names.index(image.name)
    around = [*names[place:], *names[:place]]
    return [
        ImageRef(source=image.source, name=name, noise=image.noise, noise_seed=image.noise_seed)
        for name in around[:count]
    ]


def _names(image: ImageRef) -> list[str]:
    if image.source == "gallery":
        return list(GALLERY)
    if image.source == "digits":
        label = engine.engine().picture(image).label
        return [str(row) for row in engine.rows_of_class(int(label or 0))]
    return [str(int(image.name) + step) for step in range(12)]  # rows of a data set


def title(image: ImageRef, model: ModelSpec) -> str:
    """What an image is called above its row."""
    picture = engine.engine().picture(image, model)
    if picture.title:
        return picture.title
    if image.source == "own":
        return "Your own image"
    label = "" if picture.label is None else f", a {engine.card(model).classes[picture.label]}"
    return f"Image {image.name} of {image.source}{label}"
