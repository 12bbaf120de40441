"""The curves of a sweep: a measure against what pruning removed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st
from pandas import DataFrame, Series

from core import SparsightError, VariantSpec
from core.base.numbers import percent, score
from core.figures.plots import sweeps as plots
from core.figures.plots.sweeps import Look, Published
from core.figures.sweep_text import finding, means_rows, question
from core.figures.wording import of_truth
from core.protocols.merkle import protocol as merkle
from core.protocols.series.tables import QUANTITIES
from core.sweeps.costs import costs
from core.sweeps.curves import ANSWERED
from core.sweeps.floor import MEASURE, known_floor, question_of
from core.sweeps.read import SEEDS, is_lower_better, measure_title, of_measure
from core.sweeps.read import frame as all_rows
from core.sweeps.spec import DENSE
from pages.parts.common import access, charts, engine, present, reports, sweep_data
from pages.parts.common.background import Work
from pages.parts.common.markdown import message, plain
from pages.parts.common.network_links import compare_link, explore_link
from pages.parts.common.waiting import needed
from pages.parts.common.widgets import Known, choice
from pages.parts.curves.sweeps.view import View

if TYPE_CHECKING:
    from core.report import Report

MOST_NAMED = 4  # lines in a headline
OF_COST = ("multiply-adds", "time")
SAME_LEVEL = 1e-2  # of sparsity, between a published level and a network


def section(view: View, known: Known) -> None:
    """Draws the curve, what it says, and what can be done with it."""
    opened = view.opened
    rows = sweep_data.curves(opened, (view.measure,), view.asked)
    shown = of_measure(rows, view.measure)
    if shown["mean"].isna().all():
        st.info("This measure is undefined for all of these images.", icon=":material/info:")
        return
    st.header(_headline(view, shown), anchor=False)
    drawn = rows.merge(_costs(view), on="network", how="left") if view.axis in OF_COST else rows
    if plots.positions(of_measure(drawn, view.measure), view.axis).isna().all():
        st.info("The tables of this sweep do not say this of their networks: choose another axis.")
        return
    figure = plots.means(drawn, view.measure, view.truth, _look(view, rows))
    title = of_truth(measure_title(view.measure), view.truth)
    alt = f"{title} with 95 % intervals by {plots.AXES[view.axis]}."
    charts.chart(figure, "sweep", alt, opens=_open)
    st.caption(_caption(view, shown))
    if not present.on():
        _point(view, known)
        _take_along(view, rows)


def _headline(view: View, shown: DataFrame) -> str:
    title = of_truth(measure_title(view.measure), view.truth)
    once = shown[shown[SEEDS] == shown[SEEDS].max()]
    title += " minus the reference's" if view.asked.difference else ""
    drawn = plots.lines(once)
    if len(drawn) == 1 or len(drawn) > MOST_NAMED:
        return f"{title}: {finding(once)}"
    ends = [(name, points.iloc[-1]) for name, points in drawn]
    first = drawn[0][1].iloc[0]
    is_dense = first.schedule == "none" or first.level == 0
    where = "without pruning" if is_dense else f"at {percent(first.sparsity)} sparsity"
    (name, end), *others = ends
    named = [f"{plain(name)} {score(end['mean'])} at {percent(end.sparsity)} sparsity"]
    named += [f"{plain(name)} {score(end['mean'])} at {percent(end.sparsity)}" for name, end in others]
    return f"{title}: **{score(first['mean'])}** {where}; {'; '.join(named)}."


def _costs(view: View) -> DataFrame:
    """Returns the cost of every network. Raises Stopped, MissingData."""
    opened, measured = view.opened, view.axis == "time"
    work = Work(
        place="sweep costs",
        key=("sweep costs", opened.name, measured),
        stamp=opened.stamp,
        what="Measuring the networks" if measured else "Counting multiply-adds",
        run=lambda task: DataFrame(costs(opened.sweep, measured, task.advance)),
    )
    found: DataFrame = needed(work).answer
    return found


def _look(view: View, rows: DataFrame) -> Look:
    levels = _levels(view, rows) if view.lines else ()
    published = None if view.asked.difference or view.asked.label is not None else _published(view, rows)
    return Look(axis=view.axis, difference=view.asked.difference, levels=levels, published=published)


def _levels(view: View, rows: DataFrame) -> tuple[tuple[str, float], ...]:
    """Returns the values to draw lines at: the reference's, chance, and the noise floor."""
    if view.asked.difference:
        return (("the reference", 0.0),)
    found = []
    shown = of_measure(rows, view.measure)
    reference = shown[_is_reference(view, shown)]
    if len(reference) and shown.model.nunique() == 1 and view.measure not in ("agrees", MEASURE):
        found.append((view.opened.reference, float(reference.iloc[-1]["mean"])))
    if view.measure == "right" and view.asked.answered == "all":
        classes = len(engine.card(view.opened.spec.models[0]).classes)
        found.append((f"chance, one of {classes} classes", 1 / classes))
    if view.measure == MEASURE and (floor := _floor(view)) is not None:
        found.append(("two dense networks of different seeds", floor))
    return tuple(found)


def _is_reference(view: View, shown: DataFrame) -> Series:
    spec = view.opened.spec
    if spec.reference == DENSE:
        return (shown.schedule == "none") | (shown.level == 0)
    return shown.network == spec.reference_of(spec.models[0]).key


def _floor(view: View) -> float | None:
    """Returns the noise floor of the first heatmap where it is known."""
    own, spec = engine.engine(), view.opened.spec
    with suppress(SparsightError):  # photographs that are not on this machine
        asked = question_of(own, VariantSpec(model=spec.models[0]), spec.cams[0], spec.data)
        found = known_floor(own, asked) if asked else None
        return found.mean if found else None
    return None


def _published(view: View, rows: DataFrame) -> Published | None:
    """Returns the values of Less is More beside its own kind of series."""
    key = next((each.published for each in QUANTITIES.values() if each.column == view.measure and each.published), "")
    is_own = all(model.weights.startswith("merkle-") for model in view.opened.spec.models)
    if view.axis in OF_COST or not key or not is_own:
        return None
    levels = sorted({float(share) for share in rows.sparsity})
    points = tuple(
        (share, value)
        for share in levels
        for target, value in zip(merkle.TARGETS, merkle.PUBLISHED[key], strict=True)
        if value is not None and abs(share - target) < SAME_LEVEL
    )
    return Published(points=points, source="VGG-16, 224 px, Imagenette (Less is More)") if points else None


def _caption(view: View, shown: DataFrame) -> str:
    opened, asked = view.opened, view.asked
    parts = [question(opened.sweep, max(len(rows) for _, rows in sweep_data.read(opened)), plain)]
    if asked.answered != "all":
        parts.append(f"{ANSWERED[asked.answered]} answers only: each network is asked about other images.")
    seeds = int(shown[SEEDS].max())
    if seeds > 1:
        parts.append(f"Thick line: mean over {seeds} seeds, image by image, with its interval; thin lines: the seeds.")
    kind = "Wilson's for shares, Student's t for other means"
    if asked.difference:
        kind = "of the paired difference, Tango's for shares, Student's t for other means"
    parts.append(f"Bands: 95 % intervals over images, {kind}; they do not cover other seeds.")
    if (shown.collapsed == 1).any():
        parts.append("Hollow: no path of weights leads from input to output.")
    if view.axis == "time":
        parts.append(
            "Times: median of single images on this machine, networks in turn, emptied channels removed;"
            " zeros save no time."
        )
    if is_lower_better(view.measure):
        parts.append("Lower is better.")
    return " ".join((*parts, *(message(access.without_paths(note)) for note in sweep_data.remarks(opened))))


def _open(data: list[object]) -> None:
    st.session_state["point"] = data[-1]


def _point(view: View, known: Known) -> None:
    """Draws the network that was clicked or chosen, with its links."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        key = choice("Open a network", "point", known, help="Or click a point.", placeholder="choose one")
    variants = {variant.key: variant for variant in view.opened.sweep.variants}
    if key in variants:
        spec = view.opened.spec
        asked = variants[key], spec.cams[0] if spec.cams else None, spec.reference_of(variants[key].model)
        if link := explore_link(*asked):
            right.markdown(f"[Open in Explore]({link}) · [Compare several amounts]({compare_link(*asked, usual=True)})")


def _take_along(view: View, rows: DataFrame) -> None:
    """Draws the downloads: the means on the screen, and all rows."""
    name = view.opened.name
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        reports.button(lambda: _report(view), name)
        as_table = st.toggle("Table", key="_sweep_table")
        st.download_button(
            "Means as CSV",
            lambda: rows.to_csv(index=False),
            f"{name}-{view.measure}.csv",
            "text/csv",
            key="_sweep_means_csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )
        st.download_button(
            "All rows as CSV",
            lambda: all_rows(view.opened.sweep).to_csv(index=False),
            f"{name}.csv",
            "text/csv",
            key="_sweep_rows_csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="One row for every image, network and heatmap.",
        )
        with st.popover("Code", icon=":material/code:", type="tertiary"):
            st.markdown("A notebook cell that draws the figure:")
            st.code(code(view), language="python", wrap_lines=True)
    if as_table:
        head, *body = means_rows(view.opened.sweep, of_measure(rows, view.measure)).rows
        st.dataframe(DataFrame(body, columns=head), hide_index=True, width="stretch")


def _report(view: View) -> Report:
    from core.report import of_sweep

    return of_sweep(view.opened.sweep)


def code(view: View) -> str:
    """Returns Python code that draws the figure on the screen."""
    asked = ", ".join(
        f"{name}={value!r}" for name, value in vars(view.asked).items() if value != getattr(type(view.asked)(), name)
    )
    axis = "" if view.axis in ("sparsity", *OF_COST) else f", look=sweep_plots.Look(axis={view.axis!r})"
    return (
        "from core import Engine, Sweep, known_sweeps, sweep_answers, sweep_curves, sweep_plots\n\n"
        "engine = Engine()\n"
        f"sweep = Sweep(engine, known_sweeps(engine.roots)[{view.opened.name!r}].read())\n"
        f"asked = sweep_curves.Asked({asked})\n"
        f"rows = sweep_curves.curves(sweep.spec, [*sweep_answers.parts(sweep)], [{view.measure!r}], asked)\n"
        f"sweep_plots.means(rows, {view.measure!r}, {view.truth!r}{axis})"
    )
