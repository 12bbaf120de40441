"""How far the networks of a sweep can be pruned, and accuracy against explanations."""

from __future__ import annotations

import streamlit as st

from core import SparsightError
from core.figures.decisions import details, spot_text
from core.figures.plots import sweeps as plots
from core.figures.sweep_text import family_names
from core.figures.wording import of_truth
from core.sweeps.read import measure_title
from core.sweeps.spots import Limits, SweetSpot, spots
from pages.parts.common import charts, sweep_data
from pages.parts.common.background import Work
from pages.parts.common.frame import show
from pages.parts.common.markdown import plain
from pages.parts.common.waiting import needed
from pages.parts.common.widgets import Known, choice, number
from pages.parts.curves.sweeps.view import View

MAY_BE_LOWER = "Accuracy, and how well heatmaps match the marked object. Fix it before you look at results."
MUST_CORRELATE = "The mean Pearson correlation with the reference's heatmap of the same image."


def section(view: View, known: Known) -> None:
    """Draws the sweet spots, and the plane of accuracy and explanations."""
    left, right = st.columns(2, gap="large")
    with left:
        points = number("May be lower by (percentage points)", "lower", known, help=MAY_BE_LOWER)
    with right:
        least = number("Heatmaps must correlate by more than", "alike", known, help=MUST_CORRELATE)
    try:
        _spots(view, Limits(tolerance=points / 100, threshold=least))
    except SparsightError as error:  # the plane needs less
        show(error)
    if "right" in view.opened.spec.measures:
        _plane(view, known)


def _spots(view: View, limits: Limits) -> None:
    opened, label = view.opened, view.asked.label
    work = Work(
        place="sweet spot",
        key=("sweet spot", opened.name, limits.tolerance, limits.threshold, label),
        stamp=opened.stamp,
        what="Testing",
        run=lambda task: spots(opened.sweep, limits, label=label),
    )
    found: dict[str, SweetSpot] = needed(work).answer
    named = family_names(opened.sweep)
    for name, spot in found.items():
        if len(found) > 1:
            st.markdown(f"**{plain(named.get(name, name))}**")
        st.markdown(spot_text(spot, opened.reference))
        with st.expander("Numbers and limits"):
            st.markdown("\n".join(f"- {line}" for line in details(spot, limits)))


def _plane(view: View, known: Known) -> None:
    st.subheader("Accuracy and explanations together", anchor=False)
    beside = choice("Explanation", "beside", known)
    rows = sweep_data.curves(view.opened, ("right", beside), view.asked)
    figure = plots.plane(rows, ("right", beside), view.truth)
    title = of_truth(measure_title(beside), view.truth)
    charts.chart(figure, "plane", f"{title} against accuracy, one point a network, coloured by sparsity.", opens=_open)
    st.caption(
        "One point a network, coloured by its sparsity; bars: 95 % intervals over images. The class"
        " chosen in the sidebar applies here too."
    )


def _open(data: list[object]) -> None:
    st.session_state["point"] = data[-1]
