"""What pruned networks forget: which images, which classes, and whether these were hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from pandas import DataFrame, isna

from core import VariantSpec
from core.base.errors import BadSpec
from core.base.numbers import UNDEFINED, percent, score
from core.figures import forgotten as words
from core.figures.plots import breaks as plots_breaks
from core.sweeps.families import first_of
from core.sweeps.forgotten import Forgotten, Population, by_sparsity, find_forgotten, population_of, populations
from core.sweeps.spec import DENSE
from pages.parts.common import charts, engine, present
from pages.parts.common.background import Work
from pages.parts.common.markdown import plain
from pages.parts.common.sweep_data import Opened
from pages.parts.common.waiting import needed
from pages.parts.common.widgets import Known, choice, number, toggle
from pages.parts.curves.sweeps import asking, pictures
from pages.parts.curves.sweeps.pictures import Shown
from pages.parts.curves.sweeps.view import View

A_PAGE = 8  # images
TOGETHER = "All networks of this architecture in the sweep, however they were trained and pruned."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a sweep. population: its name. measure: "" without similarities."""

    opened: Opened
    population: str
    pooled: bool
    heatmap: str
    measure: str


def section(view: View, known: Known) -> None:
    """Draws the section. Raises BadSpec, UnknownName."""
    spec = view.opened.spec
    if spec.reference != DENSE or not first_of(spec):
        st.info(
            "Forgotten images are those that pruned networks answer otherwise than their dense ones. This sweep does"
            " not compare pruned networks with their dense ones.",
            icon=":material/info:",
        )
        return
    asked, share = _controls(view, known)
    population = _population(asked)
    nearest = min(population.sparsities, key=lambda each: abs(each - share))
    found = find_forgotten(population, nearest, asked.measure)
    classes = engine.card(_members(asked)[0].model).classes
    st.header(words.headline(found), anchor=False)
    texts = (
        words.forgotten_text(found),
        words.hard_text(found),
        words.similar_text(found),
        words.classes_text(found, lambda at: plain(classes[at])),
    )
    st.markdown("\n".join(f"- {text}" for text in texts if text))
    everything = "The class chosen in the sidebar does not apply here." if view.asked.label is not None else ""
    st.caption(" ".join(filter(None, (words.limits_of(found), _heatmap_limit(asked), everything))))
    _figures(asked, population, found)
    _images(asked, found)


def _controls(view: View, known: Known) -> tuple[Asked, float]:
    spec = view.opened.spec
    left, middle, right = st.columns([3, 2, 3], gap="medium")
    several = len({population_of(variant) for variant in first_of(spec).values()}) > 1
    with left:
        way = choice("Networks", "way", known)
        pooled = toggle("All together", "pooled", known, help=TOGETHER) if several else False
    measure = heatmap = ""
    with middle:
        if asking.similarities(spec):
            heatmap = choice("Heatmap", "made", known)
            measure = choice("Similarity", "compared", known)
    with right:
        share = number("Sparsity (%)", "forgot", known, help="The nearest one that the sweep has is shown.") / 100
    named = {population_of(variant): population_of(variant, pooled) for variant in first_of(spec).values()}
    asked = Asked(opened=view.opened, population=named[way], pooled=pooled, heatmap=heatmap, measure=measure)
    return asked, share


def _population(asked: Asked) -> Population:
    """Raises Stopped, BadSpec."""
    opened = asked.opened
    work = Work(
        place="forgotten",
        key=("forgotten", opened.name, asked.measure, asked.heatmap, asked.pooled),
        stamp=opened.stamp,
        what="Reading the answers",
        run=lambda task: populations(opened.sweep, asked.measure, asked.heatmap, asked.pooled),
    )
    found: dict[str, Population] = needed(work).answer
    if asked.population not in found:
        raise BadSpec(
            "No network of this kind is done yet.", "Its tables are still to be computed.", "Run the sweep, or wait."
        )
    return found[asked.population]


def _members(asked: Asked) -> list[VariantSpec]:
    """Returns the first network of each family in the population."""
    found = first_of(asked.opened.spec).values()
    return [variant for variant in found if population_of(variant, asked.pooled) == asked.population]


def _heatmap_limit(asked: Asked) -> str:
    cam = next((cam for cam in asked.opened.spec.cams if cam.method == asked.heatmap), None)
    if cam is None or not asked.measure or cam.target != "own":
        return ""
    return "Heatmaps are for each network's own answer, so a forgotten image's heatmaps are of different classes."


def _figures(asked: Asked, population: Population, found: Forgotten) -> None:
    opened = asked.opened
    work = Work(
        place="forgotten by sparsity",
        key=("forgotten by sparsity", opened.name, asked.population, asked.measure, asked.heatmap),
        stamp=opened.stamp,
        what="Comparing answers",
        run=lambda task: list(by_sparsity(population, asked.measure)),
    )
    every: list[Forgotten] = needed(work).answer
    classes = engine.card(_members(asked)[0].model).classes
    left, right = st.columns(2, gap="large")
    with left:
        figure = plots_breaks.forgotten(every, sum(found.sparsities) / 2)
        charts.chart(figure, "forgotten", "Share of forgotten images by sparsity")
    if found.classes:
        with right:
            figure = plots_breaks.classes(found, lambda at: classes[at])
            charts.chart(figure, "forgotten-classes", "Change of recall of each class beside all classes")
        if not present.on():
            with st.expander("Classes in numbers"):
                rows = words.class_rows(found, lambda at: classes[at])
                st.dataframe(DataFrame(rows, columns=words.HEAD), hide_index=True, width="stretch")


def _images(asked: Asked, found: Forgotten) -> None:
    """Draws the forgotten images, those that dense networks were surest of first."""
    st.subheader("Which images?", anchor=False)
    if not present.on():
        st.download_button(
            "All images as CSV",
            lambda: found.by_image.to_csv(index=False),
            f"{asked.opened.name}-forgotten.csv",
            "text/csv",
            key="_forgotten_csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="One row for every image: the most frequent answers, and how many networks are right.",
        )
    rows = found.by_image[found.by_image.forgotten]
    if rows.empty:
        st.markdown("No image is forgotten at this sparsity.")
        return
    rows = rows.sort_values(["dense_right", "confidence", "image"], ascending=[False, False, True])
    start = pictures.first_of_page(len(rows), f"{asked.opened.name} {asked.population} {found.sparsities}", A_PAGE)
    some = rows.iloc[start : start + A_PAGE]
    variant = _nearest(asked, found)
    if variant is None or not asked.opened.spec.cams or not pictures.are_there(asked.opened, variant.model):
        st.dataframe(_table(asked, some), hide_index=True, width="stretch")
        return
    cam = next((cam for cam in asked.opened.spec.cams if cam.method == asked.heatmap), asked.opened.spec.cams[0])
    shown = [Shown(row=int(row.image), variant=variant, says=_says(row)) for row in some.itertuples()]
    pictures.draw(asked.opened, cam, shown)
    st.caption(f"Pictures and answers are those of one of the networks, seed {variant.model.seed}.")


def _nearest(asked: Asked, found: Forgotten) -> VariantSpec | None:
    """Returns the network of the first member whose sparsity is the one that is shown; None if
    there is none.
    """
    first = _members(asked)[0]
    for variant in asked.opened.sweep.variants:
        if variant.model != first.model or variant.pruning.family != first.pruning.family:
            continue
        rows = asked.opened.sweep.tables.read(asked.opened.sweep.cells(variant)[0], {})
        if rows is not None and found.sparsities[0] <= rows[1]["sparsity"] <= found.sparsities[1]:
            return variant
    return None


def _says(row: Any) -> str:
    said = [f"dense networks right: {percent(row.dense_right)}"] if not isna(row.dense_right) else []
    said += [f"similarity {score(row.similarity)}"] if not isna(row.similarity) else []
    return " · ".join(said) or f"image {row.image}"


def _table(asked: Asked, rows: DataFrame) -> dict[str, list[str]]:
    classes = engine.card(_members(asked)[0].model).classes

    def name(at: float) -> str:
        return UNDEFINED if isna(at) or at < 0 else classes[int(at)]

    return {
        "image": [str(image) for image in rows.image],
        "class": [name(each) for each in rows.label],
        "dense networks say": [name(each) for each in rows.dense],
        "pruned networks say": [name(each) for each in rows.pruned],
        "dense networks right": [UNDEFINED if isna(each) else percent(each) for each in rows.dense_right],
        "mean similarity": [score(each) for each in rows.similarity],
    }
