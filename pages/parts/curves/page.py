"""Curves: what happens over a whole data set when weights are removed."""

from __future__ import annotations

import streamlit as st

from core.figures import study_text
from core.figures.plots import lukkien as plots_study
from core.figures.plots.lukkien import overlap_name
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import charts, engine, link, present, series_data
from pages.parts.common.parameters import Parameter
from pages.parts.common.widgets import current, tabs
from pages.parts.curves import googlenet as vonrad_view
from pages.parts.curves import (
    series_figures,
    series_view,
    study_again,
    study_choices,
    study_figures,
    study_tables,
    study_view,
)
from pages.parts.curves.study_view import PARAMETERS, View
from pages.parts.curves.sweeps import form as sweep_form
from pages.parts.curves.sweeps import page as sweep_page
from pages.parts.curves.sweeps import view as sweep_view


def main() -> None:
    found = series_data.places()

    more = {name: name for name in vonrad_view.choices()} | sweep_view.choices()

    def known() -> dict[str, Parameter]:
        return series_view.parameters(found, more)

    def of_sweep() -> dict[str, Parameter]:
        return sweep_view.parameters(str(current("of", known())).removeprefix(sweep_view.PREFIX))

    link.open_page(lambda: PARAMETERS | known() | vonrad_view.parameters() | of_sweep())
    if not present.on():
        st.title("Curves")
    shown = series_view.what(known())
    if shown == vonrad_view.NAME:
        vonrad_view.page()
        return
    if shown.startswith(sweep_view.PREFIX):
        sweep_page.page(shown.removeprefix(sweep_view.PREFIX), of_sweep())
        return
    if shown == sweep_view.NEW:
        sweep_form.page()
        return
    if shown != series_view.THESIS:
        series_figures.page(found, known())
        return
    view = study_view.controls()
    study = engine.study(*view.study)
    view = study_view.known_fitting(study, view)
    tab, content = tabs("tab", PARAMETERS)
    with content:
        TABS[tab](study, view)
    if not present.on():
        study_figures.take_along(study, view)


def _curves(study: StudyTables, view: View) -> None:
    st.header(study_text.headline(study), anchor=False)
    charts.chart(
        plots_study.curves(study, view.axis, view.controls, view.published, view.fitting),
        "curves",
        f"Accuracy and {overlap_name(view.fitting)} of every seed and their mean",
    )
    st.caption(study_text.origin(study, view.shown))
    st.markdown(study_text.caveats(study, study_again.other(study)))


def _together(study: StudyTables, view: View) -> None:
    st.header(study_text.together(study, view.fitting), anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        charts.chart(
            plots_study.scatter(study, view.without_collapsed, view.fitting),
            "correlation",
            f"Mean {overlap_name(view.fitting)} against mean accuracy, one point per level",
        )
    with right:
        study_tables.correlations(study, view.without_collapsed, view.fitting)
    if present.on():
        return
    with st.expander("Ways to measure the overlap of heatmap and ink", icon=":material/tune:"):
        study_tables.fittings(study)
        for name in study.fittings():
            st.caption(f"**{FITTINGS[name].title}**: {FITTINGS[name].summary}")
    with st.expander("Are the series normal?", icon=":material/bar_chart:"):
        study_tables.normality(study)


def _maps(study: StudyTables, view: View) -> None:
    st.header(study_text.emptied(study), anchor=False)
    charts.chart(
        plots_study.map_statistics(study, view.axis),
        "heatmaps",
        "Mean, standard deviation and share of empty heatmaps by level",
    )
    st.caption(
        "Soft IoU rises with blur, because a blurred map covers more ink; mean and standard deviation reveal this. An"
        " empty map has overlap 0."
    )


def _answers(study: StudyTables, _: View) -> None:
    st.header(study_text.right_and_wrong(study), anchor=False)
    charts.chart(
        plots_study.correct_against_wrong(study),
        "right-and-wrong",
        "Soft IoU of correct minus wrong predictions by level",
    )
    st.caption(
        "Always soft IoU, regardless of the chosen overlap. Above 0, correct predictions have maps that fit the ink"
        " better. Each point is the mean over classes with at least 5 correct and 5 wrong predictions; the bar is its"
        " 95 % interval over those classes."
    )


def _digit(_study: StudyTables, _view: View) -> None:
    study_figures.strip()


def _choices(_study: StudyTables, view: View) -> None:
    study_choices.section(view)


TABS = {
    "curves": _curves,
    "together": _together,
    "maps": _maps,
    "answers": _answers,
    "digit": _digit,
    "choices": _choices,
}
