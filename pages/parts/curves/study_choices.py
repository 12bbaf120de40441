"""What of the thesis' correlation survives other choices: the specification curve."""

from __future__ import annotations

import streamlit as st

from core.base.errors import MissingData
from core.base.numbers import score
from core.figures.plots import specification as plots_specification
from core.protocols.lukkien.sensitivity import MEAN, Sensitivity
from core.protocols.lukkien.sensitivity_text import choices_text, counts, moves, published
from pages.parts.common import charts, engine, present
from pages.parts.curves.study_view import STUDIES, View

INCLUDED = STUDIES["55000"]


def section(view: View) -> None:
    """Draws the curve of the chosen study, or of the included networks if it has none."""
    result = _known(view.study)
    st.header(headline(result), anchor=False)
    alt = plots_specification.alternative(result)
    charts.chart(plots_specification.curve(result), "choices", alt)
    st.caption(origin(result))
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


def headline(result: Sensitivity) -> str:
    """Describes the range of the correlation with and without empty maps."""
    rows = result.of()
    zero, without = (counts(rows[rows["empty"] == kept]) for kept in ("zero", "left-out"))
    return (
        f"If empty heatmaps score 0, Pearson lies surely above 0.9 for **{zero['above_high']} of"
        f" {zero['combinations']}** combinations of choices; without them for **{without['above_high']} of"
        f" {without['combinations']}**, and it ranges from {score(without['lowest'])} to {score(without['highest'])}."
    )


def origin(result: Sensitivity) -> str:
    """Describes the networks and images behind the figure."""
    facts = result.facts
    seeds = ", ".join(name for name in result.series if name != MEAN)
    return (
        f"Networks trained on {facts['train_images']:,} images, {facts['images']:,} test images, mean over the seeds"
        f" {seeds}, {facts['levels'] + 1} levels; 95 % intervals over images. Options of the thesis, as read here, are"
        " bold. The overlap chosen in the sidebar does not apply."
    )


def _known(study: tuple[str, str]) -> Sensitivity:
    try:
        return engine.sensitivity(*study)
    except MissingData:
        return engine.sensitivity(*INCLUDED)
