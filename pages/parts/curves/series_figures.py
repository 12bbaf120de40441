"""Curves of trained series: the figures, section by section, and the exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from pandas import concat

from core.evaluation.evaluate import overflow_notes
from core.figures import series_text
from core.figures.plots.series import curve
from core.protocols.series.tables import QUANTITIES, SeriesTables
from pages.parts.common import charts, engine, present, reports, story
from pages.parts.common.markdown import plain
from pages.parts.common.widgets import tabs
from pages.parts.curves import series_view
from pages.parts.curves.series_view import EVERY, Place, Rows, View

if TYPE_CHECKING:
    from core.report import Report

MAPS = ("map-mean", "map-variance", "non-zero", "l1")


def page(found: tuple[Place, ...], known: series_view.Known) -> None:
    """Draws the whole page of a retrained model."""
    view = series_view.controls(found, known)
    tables = series_view.tables(view)
    answers = series_view.rows(view, tables)
    if not answers:
        st.info("No data for this selection: choose other series, images or classes.", icon=":material/info:")
        return
    content = {
        "answers": lambda: _answers(answers, view, tables),
        "maps": lambda: _maps(answers, view),
        "similarity": lambda: _similarity(answers, view),
        "truth": lambda: _truth(answers, view),
        "explore": lambda: _open(tables),
    }
    tab, place = tabs("group", known)
    with place:
        content[tab]()
    if not present.on():
        _take_along(view, answers, known)
        reports.button(lambda: _report(view, answers, tables), "series")


def _answers(answers: Rows, view: View, tables: dict[Place, SeriesTables]) -> None:
    st.header(series_text.headline(answers, plain), anchor=False)
    _figures(answers, view, ("accuracy", "top5", "agreement"))
    _origin(view, tables)


def _maps(answers: Rows, view: View) -> None:
    st.header(series_text.course(answers, MAPS[0], plain), anchor=False)
    _figures(answers, view, MAPS)
    st.caption(
        "Measured as in Less is More: raw Grad-CAM maps at the target layer's cells, for the class that each network"
        " predicts, divided by the network's largest value on these photographs (our reading of *the maximum of the"
        " batch*). L1 is a sum over cells: with a grid other than the published 7 x 7, compare the shape of the curve,"
        " not its height."
    )


def _similarity(answers: Rows, view: View) -> None:
    st.header(series_text.course(answers, view.similar, plain), anchor=False)
    _figures(answers, view, (view.similar,))
    st.caption(f"{QUANTITIES[view.similar].summary} Maps of the dense network's class, at the target layer's cells.")


def _truth(answers: Rows, view: View) -> None:
    st.header(series_text.course(answers, view.fit, plain), anchor=False)
    _figures(answers, view, (view.fit,))
    st.caption(
        f"{story.of_truth(QUANTITIES[view.fit].summary, 'mask')} Uses boxes or masks drawn by people; photographs"
        " without one are excluded. An empty map scores 0; point at a level to see the number of empty maps and the"
        " mean without them."
    )


def _figures(answers: Rows, view: View, names: tuple[str, ...]) -> None:
    """Draws the figures of one tab; the first of an odd number takes the whole width."""
    there = [name for name in names if any((frame.quantity == name).any() for frame in answers.values())]
    if len(there) % 2:
        _figure(answers, view, there.pop(0))
    for left in range(0, len(there), 2):
        for column, name in zip(st.columns(2, gap="medium"), there[left : left + 2], strict=True):
            with column:
                _figure(answers, view, name)


def _figure(answers: Rows, view: View, name: str) -> None:
    title = QUANTITIES[name].title
    charts.chart(
        curve(series_view.drawn(answers), name, view.look), name, f"{title} of each trained series by {view.axis}"
    )


def _origin(view: View, tables: dict[Place, SeriesTables]) -> None:
    """Describes the data behind the figures."""
    place, table = next(iter(tables.items()))
    what = "" if view.only == EVERY else f", of the class {plain(view.only)} only"
    right = ", only those that every level of a series classifies correctly" if view.counted == "right" else ""
    photographs = f"{table.count:,} photographs of {plain(place.data_name)}"
    before = any(each.right_before_rounding for each in tables.values())
    st.caption(
        f"{plain(engine.catalogue()[place.model.name].title)} on {photographs}{what}{right}. Bands: 95 % intervals over"
        " images (Wilson for shares, bootstrap for means); they do not cover other seeds. Compression is counted from"
        " the tensors; hollow points are networks without a path of weights from input to output."
        + (
            " The kept values of included networks are rounded to float16; these are the numbers of the rounded"
            " networks."
            if before
            else ""
        )
    )
    for place, table in tables.items():
        for level, count in table.unanswered().items():
            notes = " ".join(overflow_notes(count))
            st.warning(f"{series_text.run_title(place, plain)}, level {level}: {notes}", icon=":material/warning:")
    if view.only == EVERY and view.counted == "all" and (lines := series_text.gains(tables, plain)):
        st.markdown("Does the first halving improve accuracy, as published (97.00 % → 97.29 %)?\n" + "\n".join(lines))


def _open(tables: dict[Place, SeriesTables]) -> None:
    lines = [line for place, table in tables.items() if (line := series_view.links(place, table))]
    if not lines:
        st.info("Only the tables of these networks are on this machine.", icon=":material/info:")
        return
    st.caption("Compression ratio of the convolutions; each link opens a new tab.")
    st.markdown("\n".join(f"- {line}" for line in lines))


def _take_along(view: View, answers: Rows, known: series_view.Known) -> None:
    """Draws the exports: the numbers on the screen, the code of the first figure, and an exercise
    from this view.
    """
    st.subheader("Export")
    parts = [frame.assign(run=place.model.weights, seed=place.model.seed) for place, frame in answers.items()]
    place = next(iter(answers))
    table = concat(parts).assign(model=place.model.name, data=place.data_name, of_class=view.only, images=view.counted)
    with st.container(horizontal=True):
        st.download_button(
            "levels.csv",
            lambda: table.to_csv(index=False),
            f"{place.model.name}-{place.data_name}.csv",
            "text/csv",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
            key="_series_csv",
        )
        with st.popover("Code", icon=":material/code:", type="tertiary"):
            st.markdown("A notebook cell that draws the first figure:")
            st.code(code(view), language="python", wrap_lines=True)
        with st.popover("Exercise", icon=":material/school:", type="tertiary"):
            present.exercise(tuple(known))


def _report(view: View, answers: Rows, tables: dict[Place, SeriesTables]) -> Report:
    from core.report.merkle import of_series

    place = next(iter(answers))
    which = "" if view.only == EVERY else f", only {view.only}"
    right = ", images that every level classifies correctly" if view.counted == "right" else ""
    title = f"{engine.catalogue().title(place.model)} on {place.data_name}{which}{right}"
    return of_series(engine.engine(), tables, answers, title)


def code(view: View) -> str:
    """Returns Python code that draws accuracy as on the screen."""
    only = "" if view.only == EVERY else view.only
    drawn = ",\n    ".join(f"({place.model.weights!r}, {place.model.seed})" for place in view.places)
    place = view.places[0]
    return (
        "from core import Engine, ModelSpec, series_images, series_plots, series_tables\n\n"
        f"engine, series = Engine(), []\nfor run, seed in [\n    {drawn},\n]:\n"
        f"    model = ModelSpec(name={place.model.name!r}, weights=run, seed=seed)\n"
        f"    place = series_images.Place(model=model, data_name={place.data_name!r})\n"
        "    table = series_tables.load(engine.catalogue, place)\n"
        f'    rows = table.levels(["accuracy"], of_class={only!r}, images={view.counted!r})\n'
        "    series.append(series_plots.Drawn(run=run, seed=seed, rows=rows))\n"
        f"look = series_plots.Look(axis={view.look.axis!r}, published={view.look.published!r})\n"
        'series_plots.curve(series, "accuracy", look)'
    )
