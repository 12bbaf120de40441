"""What of the thesis' correlation survives other choices: the specification curve."""

from __future__ import annotations

import streamlit as st

from core.base.errors import MissingData
from core.figures.plots import specification as plots_specification
from core.figures.study_text import choices_headline, choices_origin
from core.protocols.lukkien.sensitivity import Sensitivity
from core.protocols.lukkien.sensitivity_text import choices_text, moves, published
from pages.parts.common import charts, engine, present
from pages.parts.curves.study_view import STUDIES, View

INCLUDED = STUDIES["55000"]


def section(view: View) -> None:
    """Draws the curve of the chosen study, or of the included networks if it has none."""
    result = _known(view.study)
    st.header(choices_headline(result), anchor=False)
    alt = plots_specification.alternative(result)
    charts.chart(plots_specification.curve(result), "choices", alt)
    st.caption(choices_origin(result))
    if present.on():
        return
    st.markdown(f"{published(result)} {moves(result)}")
    with st.expander("Pearson by option", icon=":material/tune:"):
        head, *body = choices_text(result).rows
        st.table({name: [row[place] for row in body] for place, name in enumerate(head)})
        st.caption(
            "Of the mean over the seeds. In the thesis: stated, implied by its formula or library, or open, where our"
            " reading is marked. The last two columns count intervals that lie above 0 and above 0.9."
        )


def _known(study: tuple[str, str]) -> Sensitivity:
    try:
        return engine.sensitivity(*study)
    except MissingData:
        return engine.sensitivity(*INCLUDED)
