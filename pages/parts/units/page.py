"""Units: what excites single units, how interpretable that is, and what pruning leaves of it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.figures.plots import units as plots_units
from core.models.cards import RANDOM
from pages.parts.common import charts, link, present, reports, unit_data
from pages.parts.common.widgets import tabs
from pages.parts.units import one_unit, play, report, view
from pages.parts.units.view import View


def main() -> None:
    link.open_page(view.parameters)
    if not present.on():
        st.title("Units")
    asked = view.controls(view.parameters())
    rows = unit_data.networks(asked.opened, asked.layer)
    if not view.is_measured(rows, asked):
        st.info(
            f"There are no scores of this network as it is now. `python -m core units run {asked.study}` measures it.",
            icon=":material/info:",
        )
        return
    st.header(view.headline(rows, asked), anchor=False)
    tab, content = tabs("show", view.parameters())
    with content:
        {"scores": _scores, "unit": one_unit.section, "play": play.section}[tab](asked)
    with st.expander("What do these words mean?", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{word}**: {meaning}" for word, meaning in view.WORDS.items()))


def _scores(asked: View) -> None:
    rows = unit_data.networks(asked.opened, asked.layer)
    st.markdown(view.meaning(rows, asked))
    units = unit_data.of_layer(asked.opened, asked.layer)
    dense, pruned = (units[units.network == variant.key] for variant in (asked.dense, asked.variant))
    left, right = st.columns(2, gap="large")
    with left:
        charts.chart(
            plots_units.distribution(dense, pruned, asked.similarity, view.baselines(rows, asked)),
            "distribution",
            f"Scores of the units of {asked.layer}, dense and pruned, with baselines",
        )
    with right:
        charts.chart(
            plots_units.unit_map(pruned, asked.similarity),
            "unit-map",
            f"Units of {asked.layer} by interpretability and relevance",
            opens=_open,
        )
        st.caption("Click a unit to see what excites it.")
    same = rows[(rows.weights == asked.variant.model.weights) | (rows.weights == RANDOM)]
    charts.chart(
        plots_units.against_sparsity(same, asked.similarity, float(pruned.sparsity.iloc[0])),
        "against-sparsity",
        f"Score of the units of {asked.layer} and right answers by sparsity",
    )
    st.caption(view.origin(rows, asked))
    st.markdown(view.relation(asked))
    if not present.on():
        _take_along(asked)


def _open(point: list[float]) -> None:
    st.session_state.update({"nr": int(point[0]), "show": "unit"})


def _take_along(asked: View) -> None:
    """Draws the exports: the numbers on the screen, and the code that reads them."""
    st.subheader("Export")
    layers, units = unit_data.networks(asked.opened, asked.layer), unit_data.of_layer(asked.opened, asked.layer)
    with st.container(horizontal=True):
        for name, table in (("layers.csv", layers), ("units.csv", units)):
            content = partial(table.to_csv, index=False)
            st.download_button(name, content, f"{asked.study}-{name}", "text/csv", on_click="ignore")
        reports.button(report.maker(asked), "units")
    with st.expander("Code", icon=":material/code:"):
        st.code(
            "from core import Engine, plots, unit_answers, unit_study\n\n"
            f"study = unit_study({asked.study!r}, Engine())\n"
            "networks = unit_answers.summary(study)  # a row a network\n"
            f"units = unit_answers.units(study, {asked.layer!r})  # a row a unit\n"
            f"plots.units_map(units[units.network == {asked.variant.key!r}], {asked.similarity!r})",
            language="python",
        )
