"""Tables of Curves: the correlations and what they depend on."""

from __future__ import annotations

import streamlit as st

from core.figures.study_text import interval_text
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.tables import StudyTables


def correlations(study: StudyTables, without_collapsed: bool, fitting: str) -> None:
    """Draws three coefficients with intervals for each seed and the mean series, over all maps and
    over usable maps.
    """
    levels = "without collapsed" if without_collapsed else "all"
    for title, table in (
        ("All heatmaps, an empty one with overlap 0", study.correlations),
        ("Without empty heatmaps: fewer images at deep levels", study.correlations_usable),
    ):
        rows = table[(table["levels"] == levels) & (table.fitting == fitting)]
        st.markdown(f"**{title}** (n = {int(rows.n.max())} levels, df = {int(rows.df.max())})")
        wide = {
            name: [interval_text(row) for row in part.itertuples()]
            for name, part in rows.groupby("coefficient", sort=False)
        }
        st.table({"series": list(dict.fromkeys(rows.series)), **wide})
    st.caption(
        f"{FITTINGS[fitting].title}. {study.about_intervals} Three seeds are too few to resample, so each is shown. The"
        f" thesis reports Pearson {PUBLISHED['pearson']:.3f} for soft IoU with df {PUBLISHED['df_printed']} over 26"
        " levels; n - 2 is 24. p-values would only be descriptive: the levels are not independent."
    )


def fittings(study: StudyTables) -> None:
    """Draws how the mean series' Pearson depends on the measure of overlap."""
    rows = []
    for name in study.fittings():
        cells = {"overlap": FITTINGS[name].title}
        for title, table in (("all heatmaps", study.correlations), ("without empty", study.correlations_usable)):
            found = table[(table.series == "mean") & (table["levels"] == "all") & (table.fitting == name)]
            cells[f"Pearson, {title}"] = interval_text(next(found[found.coefficient == "pearson"].itertuples()))
        rows.append(cells)
    st.table({column: [row[column] for row in rows] for column in rows[0]})
    st.caption("The best single threshold is chosen for each network on the images it is scored on.")


def normality(study: StudyTables) -> None:
    """Draws the Shapiro-Wilk test for the series of each seed."""
    rows = study.normality
    columns = {
        "Shapiro-Wilk W": [f"{value:.3f}" for value in rows.statistic],
        "p": [f"{value:.2g}" for value in rows.p],
    }
    st.table({"seed": rows.series.tolist(), "series": rows.quantity.tolist(), **columns, "n": rows.n.tolist()})
    st.caption("A small p indicates a non-normal series, which is why Spearman and Kendall are shown beside Pearson.")
