"""One unit: the images that excite it most and least, level by level, and its numbers."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st
from pandas import DataFrame

from core import ImageRef, ModelSpec, VariantSpec
from core.base.numbers import percent, score
from core.base.progress import passed
from core.base.stamps import Stamp
from core.figures import contacts, maps
from core.figures.plots.units import FATES, fate
from core.results.images import Picture
from core.units.firing import firing_maps, weights_left
from core.units.included import spec_of
from core.units.machine import MachineTask, machine_tasks
from core.units.study import UnitOptions, UnitStudy
from pages.parts.common import engine, unit_data
from pages.parts.common.background import Task, Work
from pages.parts.common.waiting import wait
from pages.parts.common.widgets import whole
from pages.parts.units import view
from pages.parts.units.view import View

SHOWN = 9  # images of a side
LEVELS = 5  # rows of a strip


def section(asked: View) -> None:
    """Draws the chosen unit."""
    units = unit_data.of_layer(asked.opened, asked.layer)
    own = units[units.network == asked.variant.key]
    number = _choose(own)
    row = own[own.unit == number].iloc[0]
    similar = f"mis-{asked.similarity}"
    state = FATES[fate(own[own.unit == number])[0]][2]
    st.markdown(
        f"Unit {number} of {asked.layer} {state}. Score **{score(row[similar])}**, relevance {row.relevance:.3g}."
        f" Its activation ranges from {row.low:.3g} to {row.high:.3g}."
    )
    st.caption(
        f"Its 20 strongest images: mean similarity {score(row.clarity)} (clarity), in two groups that differ by"
        f" {score(row.polysemanticity)} (polysemanticity); those of the most similar other unit {score(row.redundancy)}"
        " (redundancy)."
    )
    if not view.has_images(asked):
        st.info(
            "The images of this study are not on this machine: start the app with SPARSIGHT_PHOTOS naming your copy of"
            " imagenette-128.zip. The scores above are included.",
            icon=":material/photo_library:",
        )
        return
    if not bool(row.dead):
        _firing(asked, number)
    _strips(asked, number, units)


def _firing(asked: View, number: int) -> None:
    """Draws where the unit fires in its strongest images, and how many of its weights are left."""
    task = wait(_fires(asked, number), st.empty())
    if not task.succeeded:
        return
    url, (left, count), shown = task.answer
    st.markdown(f"**Where it fires** at this level: {left:,} of its {count:,} weights are left")
    st.image(url, alt=f"The maps of unit {number} over its {shown} strongest images", width="content")
    st.caption(
        "The unit's map after a ReLU, over its strongest images; one scale for all of them, black to pale yellow."
    )


def _fires(asked: View, number: int) -> Work:
    def run(task: Task) -> tuple[str, tuple[int, int], int]:
        study, variant = unit_data.study(asked.opened), asked.variant
        shown = study.exemplars(variant, task.advance)
        place = [layer.name for layer in study.layers(variant.model)].index(asked.layer)
        rows = shown[(shown.layer == place) & (shown.unit == number)].strongest.head(SHOWN).tolist()
        values = firing_maps(study, variant, asked.layer, number, rows)
        drawn = contacts.sheet(_pictures(rows, asked.study, variant.model), SHOWN, values)
        return maps.data_url(maps.png(drawn)), weights_left(study, variant, asked.layer, number), len(rows)

    key = ("fires", asked.study, asked.variant, asked.layer, number)
    return Work(
        place="unit-fires", key=key, stamp=asked.opened.stamp, what="Finding where it fires", run=run, slow=True
    )


def _choose(own: DataFrame) -> int:
    number = whole("Unit", "nr", view.parameters(), width=220, help=f"0 to {len(own) - 1}.")
    return min(int(number), len(own) - 1)


def _strips(asked: View, number: int, units: DataFrame) -> None:
    """Draws the strongest and weakest images over the levels, from the dense network on."""
    levels = _levels(asked)
    task = wait(_work(asked, tuple(levels)), st.empty())
    if not task.succeeded:
        return
    for side, title in (("strongest", "Excite it most"), ("weakest", "Excite it least")):
        st.markdown(f"**{title}**")
        for variant, shown in zip(levels, task.answer, strict=True):
            one = shown[(shown.conv == asked.layer) & (shown.unit == number)].head(SHOWN)
            known = units[(units.network == variant.key) & (units.unit == number)]
            if known.empty:
                continue
            removed = percent(known.sparsity.iloc[0])
            if bool(known.dead.iloc[0]):
                st.caption(f"{removed} · dead: every image excites it alike")
            else:
                value = score(known[f"mis-{asked.similarity}"].iloc[0])
                _row(f"{removed} · score {value}", one[side].tolist(), asked)


def _row(title: str, rows: list[int], asked: View) -> None:
    left, right = st.columns([1, 6], vertical_alignment="center")
    left.caption(title)
    right.image(sheet(rows, asked), alt=f"{title}: the {len(rows)} images, {', '.join(map(str, rows))}")


def sheet(rows: Iterable[int], asked: View, columns: int = SHOWN) -> str:
    """Returns small pictures of these images, in rows of so many, as a data URL."""
    return _sheet(tuple(rows), asked.study, asked.variant.model, columns, asked.opened.stamp)


@st.cache_data(max_entries=400, show_spinner=False, hash_funcs=engine.KEYS)
def _sheet(rows: tuple[int, ...], study: str, model: ModelSpec, columns: int, stamp: Stamp) -> str:
    return maps.data_url(maps.png(contacts.sheet(_pictures(rows, study, model), columns)))


def _pictures(rows: Iterable[int], study: str, model: ModelSpec) -> list[Picture]:
    source = spec_of(study).data.name
    return [engine.engine().picture(ImageRef(source=source, name=str(row), noise=0.0), model) for row in rows]


def _levels(asked: View) -> list[VariantSpec]:
    """Returns some levels from the dense network to the last, the chosen one among them."""
    found = spec_of(asked.study).variants(asked.variant.model)
    steps = sorted({round(place * (len(found) - 1) / (LEVELS - 1)) for place in range(LEVELS)})
    return [variant for place, variant in enumerate(found) if place in steps or variant == asked.variant]


def _work(asked: View, levels: tuple[VariantSpec, ...]) -> Work:
    def run(task: Task) -> list[DataFrame]:
        study = unit_data.study(asked.opened)
        found = []
        for done, variant in enumerate(levels):
            advance = passed(task.advance, done, len(levels))
            advance(0, len(study.sweep.rows(variant.model)))
            shown = study.exemplars(variant, advance)
            names = [layer.name for layer in study.layers(variant.model)]
            found.append(shown.assign(conv=[names[place] for place in shown.layer]))
        return found

    key = ("exemplars", asked.study, *levels)
    return Work(place="units", key=key, stamp=asked.opened.stamp, what="Finding exemplars", run=run, slow=True)


def tasks(asked: View, number: int, judge: str) -> Work:
    """Returns the work that draws the machine's tasks for a unit."""

    def run(task: Task) -> tuple[MachineTask, ...]:
        options = UnitOptions(similarities=(judge,))
        study = UnitStudy(unit_data.study(asked.opened).sweep, options)
        return machine_tasks(study, asked.variant, asked.layer, number, task.advance)

    key = ("machine", asked.study, asked.variant, asked.layer, judge, number)
    return Work(
        place="units", key=key, stamp=asked.opened.stamp, what="Drawing the machine's tasks", run=run, slow=True
    )
