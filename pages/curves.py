"""Curves: what happens over a whole data set when weights go?"""

from __future__ import annotations

import streamlit as st

from core import plots_study
from core.measures.fitting import FITTINGS
from core.protocols.lukkien_tables import StudyTables
from pages.shared import address, cached, frame, study_view
from pages.shared.study_view import PARAMETERS, View


def main() -> None:
    address.check(PARAMETERS)
    st.title("Curves")
    view = study_view.controls()
    study = cached.study(*view.study)
    st.header(study_view.headline(study))
    st.caption(study_view.origin(study))
    study_view.chart(
        plots_study.curves(study, view.axis, view.controls, view.published), "Accuracy and soft IoU of every seed and their mean"
    )
    study_view.caveats(study)
    _correlations(study, view)
    _maps(study, view)
    study_view.strip(study)
    study_view.take_along(study, view)


def _correlations(study: StudyTables, view: View) -> None:
    st.subheader("Do accuracy and overlap fall together?")
    left, right = st.columns(2, gap="large")
    with left:
        study_view.chart(plots_study.scatter(study, view.without_collapsed), "Mean soft IoU against mean accuracy, one point a level")
    with right:
        study_view.correlation_table(study, view)
    with st.expander("Other ways of fitting a heatmap to the ink", icon=":material/tune:"):
        study_view.fitting_table(study)
        for entry in FITTINGS.values():
            st.caption(f"**{entry.title}**: {entry.summary}")
    with st.expander("Are the series normal?", icon=":material/bar_chart:"):
        study_view.normality_table(study)


def _maps(study: StudyTables, view: View) -> None:
    st.subheader("What happens to the heatmaps themselves?")
    study_view.chart(plots_study.map_statistics(study, view.axis), "Mean, standard deviation and share of empty heatmaps by level")
    st.caption(
        "A blurred map covers more ink, so soft IoU rises with blur: that is why mean and standard deviation stand here. "
        "An empty map overlaps by 0."
    )
    study_view.chart(plots_study.correct_against_wrong(study), "Soft IoU of right minus wrong predictions in every level")
    st.caption(
        "Above 0, right predictions have maps that fit the ink better. Each point is a mean over classes that have at least 5 right and "
        "5 wrong predictions; the bar is its 95 % interval over those classes."
    )


with frame.page("Curves"):
    main()
