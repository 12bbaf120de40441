"""What breaks first: explanations or answers, how far that depends on choices, and the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pandas import DataFrame, concat, isna

from core import ModelSpec
from core.base.errors import BadSpec
from core.base.numbers import UNDEFINED, percent, score
from core.figures.decisions import breaks_text, earlier_text, grid_text, order_text, threshold_text
from core.figures.plots import breaks as plots_breaks
from core.saliency.baselines import heatmap_title
from core.sweeps.breaks import SAME, Breaks, by_threshold, find_breaks
from core.sweeps.families import Family, families, first_of
from core.sweeps.galleries import KINDS, gallery
from core.sweeps.read import LABEL
from core.sweeps.thresholds import THRESHOLDS, Threshold
from pages.parts.common import charts, engine, present
from pages.parts.common.background import Task, Work
from pages.parts.common.sweep_data import Opened
from pages.parts.common.waiting import needed
from pages.parts.common.widgets import Known, choice, number, segments
from pages.parts.curves.sweeps import asking, pictures
from pages.parts.curves.sweeps.pictures import Shown
from pages.parts.curves.sweeps.view import View

A_PAGE = 8  # images
WHAT_IS_BROKEN = "A heatmap that is less similar to the reference's, from some sparsity to the highest, is broken."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a sweep. label: only images of this class."""

    opened: Opened
    family: str
    heatmap: str
    measure: str
    label: int | None

    @property
    def model(self) -> ModelSpec:
        return first_of(self.opened.spec)[self.family].model


def section(view: View, known: Known) -> None:
    """Draws the section. Raises BadSpec, UnknownName."""
    spec = view.opened.spec
    if not asking.similarities(spec) or SAME not in spec.measures or not first_of(spec):
        st.info(
            "What breaks first is told by pruned networks, their answers beside the reference's and the similarity of"
            f" heatmaps: the measures '{SAME}' and, for instance, 'pearson'. This sweep lacks one of them.",
            icon=":material/info:",
        )
        return
    asked, threshold, is_usual = _controls(view, known)
    rows = _rows(asked)
    if asked.family not in rows[asked.heatmap]:
        raise BadSpec(
            "No network of this kind is done yet.", "Its tables are still to be computed.", "Run the sweep, or wait."
        )
    family = rows[asked.heatmap][asked.family]
    found = find_breaks(family.rows, asked.measure, threshold.value, family.reference)
    st.header(_headline(found), anchor=False)
    st.markdown(breaks_text(found))
    notes = (order_text(found), earlier_text(found), threshold_text(threshold), grid_text(found))
    st.caption("  \n".join(filter(None, notes)))
    charts.chart(
        plots_breaks.alive(found), "breaks", "Shares of explanations and answers that are not yet broken by sparsity"
    )
    _choices(asked, rows, threshold, is_usual)
    _gallery(asked, family, found, known)


def _controls(view: View, known: Known) -> tuple[Asked, Threshold, bool]:
    """Draws the controls; returns also whether the threshold is the usual one."""
    left, middle, right = st.columns(3, gap="medium")
    with left:
        family = choice("Networks", "family", known, on_change=_forget)
    with middle:
        heatmap = choice("Heatmap", "made", known, on_change=_forget)
    with right:
        measure = choice("Similarity", "compared", known, on_change=_forget)
    asked = Asked(opened=view.opened, family=family, heatmap=heatmap, measure=measure, label=view.asked.label)
    usual = _usual(asked, heatmap)
    value = number("Broken below", "broken", known, help=WHAT_IS_BROKEN)
    is_usual = value == usual.value
    return asked, usual if is_usual else Threshold(value=value), is_usual


def _forget() -> None:
    """Lets the threshold follow the networks, heatmap and similarity again."""
    st.session_state.pop("broken", None)


def _usual(asked: Asked, heatmap: str) -> Threshold:
    return asking.usual(asked.opened, asked.family, asked.measure, heatmap)


def _rows(asked: Asked) -> Mapping[str, Mapping[str, Family]]:
    """Returns the families of every heatmap. Raises Stopped, BadSpec."""
    opened = asked.opened
    made = asking.heatmaps(opened.spec)
    more = (LABEL,) if LABEL in opened.spec.measures else ()

    def run(task: Task) -> dict[str, dict[str, Family]]:
        found = {}
        for done, heatmap in enumerate(made):
            task.advance(done, len(made))
            found[heatmap] = families(opened.sweep, (SAME, asked.measure, *more), heatmap, asked.label)
        return found

    key = ("breaks", opened.name, asked.measure, asked.label)
    found: Mapping[str, Mapping[str, Family]] = needed(
        Work(place="breaks", key=key, stamp=opened.stamp, what="Reading the answers", run=run)
    ).answer
    return found


def _headline(found: Breaks) -> str:
    gap = found.earlier
    if gap.value is None or gap.low is None or gap.high is None:
        return "One image tells no average."
    if gap.low <= 0 <= gap.high:
        return "On average, neither explanations nor answers break clearly earlier."
    first, second = ("Explanations", "answers") if gap.value > 0 else ("Answers", "explanations")
    return f"{first} break {100 * abs(gap.value):.1f} points of sparsity before {second}, on average."


def _choices(asked: Asked, rows: Mapping[str, Mapping[str, Family]], threshold: Threshold, is_usual: bool) -> None:
    """Draws how far the finding depends on the threshold and on the heatmap."""
    st.subheader("Does it depend on choices?", anchor=False)
    opened = asked.opened
    family = rows[asked.heatmap][asked.family]
    work = Work(
        place="breaks by threshold",
        key=("breaks by threshold", opened.name, asked.family, asked.heatmap, asked.measure, asked.label),
        stamp=opened.stamp,
        what="Changing the threshold",
        run=lambda task: list(by_threshold(family.rows, asked.measure, THRESHOLDS, family.reference)),
    )
    found: list[Breaks] = needed(work).answer
    left, right = st.columns(2, gap="large")
    with left:
        figure = plots_breaks.thresholds(found, threshold.value)
        charts.chart(figure, "breaks-thresholds", "How much earlier explanations break, by threshold")
    with right:
        figure = plots_breaks.order(found, threshold.value)
        charts.chart(figure, "breaks-order", "Images by what breaks first, by threshold")
    st.caption("Left: above 0, explanations break first. The line marks the threshold of the other figures.")
    if len(rows) > 1:
        by_heatmap = {
            heatmap_title(heatmap): find_breaks(
                of_heatmap[asked.family].rows,
                asked.measure,
                _usual(asked, heatmap).value if is_usual else threshold.value,
                of_heatmap[asked.family].reference,
            )
            for heatmap, of_heatmap in rows.items()
            if asked.family in of_heatmap
        }
        figure = plots_breaks.heatmaps(by_heatmap)
        charts.chart(figure, "breaks-heatmaps", "How much earlier explanations break, by heatmap")


def _gallery(asked: Asked, family: Family, found: Breaks, known: Known) -> None:
    """Draws the images of one kind, and their table."""
    st.subheader("Which images?", anchor=False)
    kind = segments("Images", "gallery", known, label_visibility="collapsed")
    rows = gallery(family.rows, found, kind)
    if not present.on():
        st.download_button(
            "All images as CSV",
            lambda: concat([gallery(family.rows, found, each).assign(kind=each) for each in KINDS]).to_csv(index=False),
            f"{asked.opened.name}-breaks.csv",
            "text/csv",
            key="_breaks_csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="One row for every image: when explanation and answer break, and how similar the heatmaps are there.",
        )
    if rows.empty:
        st.markdown("There is no such image.")
        return
    start = pictures.first_of_page(len(rows), f"{asked.opened.name} {asked.family} {kind}", A_PAGE)
    some = rows.iloc[start : start + A_PAGE]
    if pictures.are_there(asked.opened, asked.model):
        variants = {variant.key: variant for variant in asked.opened.sweep.variants}
        cam = next(cam for cam in asked.opened.spec.cams if cam.method == asked.heatmap)
        shown = [Shown(row=int(row.image), variant=variants[row.network], says=_says(row)) for row in some.itertuples()]
        pictures.draw(asked.opened, cam, shown)
    else:
        st.dataframe(_table(asked, some), hide_index=True, width="stretch")


def _says(row: Any) -> str:
    return (
        f"at {percent(row.at)} · heatmap breaks {_when(row.explanation)}, answer {_when(row.answer)} · similarity"
        f" {score(row.similarity)}"
    )


def _when(sparsity: float) -> str:
    return "never" if isna(sparsity) else f"at {percent(sparsity)}"


def _table(asked: Asked, rows: DataFrame) -> dict[str, list[str]]:
    classes = engine.card(asked.model).classes
    return {
        "image": [str(image) for image in rows.image],
        "class": [UNDEFINED if isna(label) or label < 0 else classes[int(label)] for label in rows.label],
        "heatmap breaks": [_when(each) for each in rows.explanation],
        "answer breaks": [_when(each) for each in rows.answer],
        "shown at": [percent(each) for each in rows["at"]],
        "similarity there": [score(each) for each in rows.similarity],
    }
