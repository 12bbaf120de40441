"""What a decision says: the recommendation, the table, accuracy and cost, and what can be taken
away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.candidates import (
    COST_TITLES,
    decision_cells,
    decision_frame,
    export_command,
    findings,
    headline,
    method,
    remarks,
    renamed,
)
from core.sweeps.candidates import Candidates
from core.sweeps.decision import Limits, Recommendation, decide
from pages.parts.common import charts, frame, present, reports
from pages.parts.common.markdown import message, plain
from pages.parts.common.network_links import compare_link, explore_link, explore_query

if TYPE_CHECKING:
    from core.report import Report

FOLDED = "How sure is this?"


def draw(measured: Candidates, limits: Limits, cost: str) -> None:
    """Draws the decision."""
    found = decide(measured, limits, cost)
    said = renamed(measured, plain)
    spoken = decide(said, limits, cost)
    st.header(headline(spoken), anchor=False)
    st.markdown("\n".join(f"- {text}" for text in findings(spoken) if text))
    _figure(found)
    _table(measured, found)
    with st.expander(FOLDED, icon=":material/help:"):
        st.markdown("\n".join(f"- {text}" for text in (*method(said, spoken), *map(message, remarks(measured)))))
    if not present.on():
        _take_along(measured, limits, found)


def _figure(found: Recommendation) -> None:
    from core.figures.plots import candidates_pareto

    good = "Accuracy" if found.labelled else "Unchanged answers"
    best = "none is recommended" if found.best is None else f"recommended: {found.best.network.name}"
    charts.chart(candidates_pareto(found), "candidates", f"{good} and {COST_TITLES[found.cost]} by network; {best}")


def _table(measured: Candidates, found: Recommendation) -> None:
    """Draws a row a network, with links to it in Explore and beside the reference in Compare."""
    asked = measured.asked
    cells, variants = decision_cells(found), [each.variant for each in measured.networks]
    beside = [variant != asked.reference for variant in variants]
    links = {
        "Explore": [explore_link(each, asked.cam, asked.reference) for each in variants],
        "Compare": [
            compare_link(each, asked.cam, asked.reference) if is_other else ""
            for each, is_other in zip(variants, beside, strict=True)
        ],
    }
    first = ("Network", "Verdict")
    opened = st.column_config.LinkColumn(display_text="Open")
    st.dataframe(
        {name: cells[name] for name in first} | links | {name: cells[name] for name in cells if name not in first},
        hide_index=True,
        width="stretch",
        column_config={
            "Network": st.column_config.TextColumn(pinned=True),
            "Explore": opened,
            "Compare": opened,
        },
    )
    for alike in found.alike:
        if found.best and (link := compare_link(found.best.network.variant, asked.cam, alike.other.network.variant)):
            names = plain(found.best.network.name), plain(alike.other.network.name)
            st.markdown(f"[{names[0]} beside {names[1]} in Compare]({link})")


def _take_along(measured: Candidates, limits: Limits, found: Recommendation) -> None:
    """Draws the table as a file, and how to export the recommended network."""
    st.subheader("Take along", anchor=False)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button(
            "Table (CSV)",
            lambda: decision_frame(measured, found).to_csv(index=False),
            "sparsight-decision.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        reports.button(lambda: _report(measured, limits, found.cost), "decision")
        asked = measured.asked
        if found.best and (query := explore_query(found.best.network.variant, asked.cam, asked.reference)):
            frame.link("pages/explore.py", "Download the network in Explore", ":material/deployed_code:", query)
    if found.best:
        command = export_command(found.best.network.variant, found.best.network.cost.is_smaller)
        if command:
            st.caption("Files that run without Sparsight, on the command line:")
            st.code(command, language="bash", wrap_lines=True)


def _report(measured: Candidates, limits: Limits, cost: str) -> Report:
    from core.report import of_decision

    return of_decision(measured, limits, cost)
