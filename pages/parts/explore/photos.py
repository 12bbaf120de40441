"""The sections below the pictures of a photograph. Only the kept weights, and the curve of small
networks, are computed without a click.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import streamlit as st
from pandas import Series

from core import CamSpec, DataSpec, ImageRef, VariantSpec
from core.base.numbers import change, interval
from core.data.datasets import DATASETS
from core.results import Accuracy, Comparison
from pages.parts.common import engine, pictures, present, series_data, story
from pages.parts.common.background import Work, background
from pages.parts.common.frame import guarded
from pages.parts.common.markdown import message, plain
from pages.parts.common.state import state
from pages.parts.common.waiting import follow
from pages.parts.explore import layers, sections
from pages.parts.explore.floor import floor_of
from pages.parts.sidebar import photo_sets

FOLLOWED_AT_ONCE = 12_000_000  # parameters: for larger networks a whole curve takes long
Question = tuple[VariantSpec, ImageRef, CamSpec]


def photo_section(answer: Comparison) -> None:
    """Draws the kept weights and, on demand, this image over all sparsities and accuracies."""
    left, right = st.columns([3, 2], gap="medium")
    with right:
        sections.kept(answer.mask)
    with left:
        with sections.figure_place():
            _followed(answer)
        _accuracies(answer.pruned.variant)


def _followed(answer: Comparison) -> None:
    variant, image, cam = answer.question
    series = engine.series(variant)
    here, top = answer.mask.sparsity, series[-1].pruning.sparsity or 1.0
    if answer.mask.was_sparse and answer.mask.sparsity_before >= top:
        st.caption(
            f"A curve up to {story.percent(top)} would be one point: this network was already"
            f" {story.percent(answer.mask.sparsity_before)} sparse. The switch **Up to 100 %** lets you prune it"
            " further."
        )
        return
    one_shot = variant.pruning.is_one_shot and variant.pruning.granularity == "weight"
    is_usual = one_shot and not answer.mask.was_sparse
    band = layers.USUAL_COLLAPSE if is_usual and layers.USUAL_COLLAPSE[0] < top else None

    floor = floor_of(answer)

    def steps(done: int) -> Iterator[Comparison]:
        for point in series[done:]:
            background().give_way()  # to a slider that moves meanwhile
            yield engine.engine().compare(point, image, cam, *answer.against)

    def draw(answers: Sequence[Comparison]) -> None:
        from core.figures.plots import base as plots

        figure = plots.followed(answers, here, top, band)
        st.plotly_chart(
            present.figure(plots.with_floor(figure, floor) if floor else figure),
            config=present.STILL,
            key="followed",
            alt=f"Similarity of the heatmaps over sparsity, marker at {here:.1%}",
        )

    stamps = [engine.stamp(point) for point in (series if not variant.pruning.is_one_shot else series[:1])]
    work = Work(
        place="followed",
        slow=True,
        key=("followed", series[0], image, cam, answer.against),
        stamp=" ".join((answer.stamp, *stamps)),
        what="Sparsities",
        run=lambda task: task.collect(steps, len(series)),
        large=True,
    )
    small = engine.card(variant.model).parameters <= FOLLOWED_AT_ONCE
    by_itself = small and engine.is_quick(cam) and not background().is_busy
    follow(work, "Compute this image over all sparsities", draw, begun=by_itself)


@guarded
def _accuracies(variant: VariantSpec) -> None:
    """Draws the top-1 accuracy on the available data sets, counted on a click."""
    known = series_data.counted(variant)
    for name, (found, dense) in known.items():
        _from_table(name, variant, found, dense)
    sets = photo_sets.fitting(variant.model)
    if not sets and not known:
        st.caption(photo_sets.how_to_get_one("Accuracy", variant.model))
    for name, data in sets.items():
        _accuracy(variant, name, DataSpec(name=data))


def _from_table(name: str, variant: VariantSpec, found: Series, dense: Series) -> None:
    points = f"{change((found.value - dense.value) * 100, 1)} points"
    pictures.metric(
        f"Accuracy, {plain(name)}",
        story.percent(found.value),
        points,
        f"from {story.percent(dense.value)}",
    )
    of, right = quote(variant.model.name), round(found.value * found.n)
    st.caption(
        f"{right:,} of {found.n:,.0f} photographs are classified correctly; {interval(found.low, found.high)}."
        f" Counted when the series was evaluated: [all levels in Curves](curves?of={of}&on={quote(name)})."
    )


def _accuracy(variant: VariantSpec, name: str, data: DataSpec) -> None:
    photos = photo_sets.inputs(data.name, variant.model).photos
    title = f"Accuracy, {DATASETS[name].title if name in DATASETS else 'your folder'}"
    begun, label = state().clicked.counts, f"Measure accuracy on {len(photos):,} photographs"
    dense, found = (engine.known_count(one, data) for one in (variant.dense, variant))
    if dense and found:
        points = f"{change((found.fraction - dense.fraction) * 100, 1)} points"
        pictures.metric(
            title,
            story.percent(found.fraction),
            points,
            f"from {story.percent(dense.fraction)}",
        )
        st.caption(_in_words(found))
    elif data.key in begun:
        metric = st.empty()
        with metric.container():
            pictures.metric(title, "…", "…", "counting")
        work = engine.count(f"count {name}", variant if dense else variant.dense, data)
        follow(work, label, lambda counted: st.rerun(), begun=True)
        if (task := background().find(work)) and not (task.at_work or task.succeeded):
            metric.empty()  # it failed or was stopped: nothing is counted any more
    else:
        st.button(
            label,
            key=f"_count_{name}",
            icon=":material/play_arrow:",
            on_click=begun.add,
            args=(data.key,),
            help=f"{title}. Measured again whenever the slider moves.",
        )


def _in_words(found: Accuracy) -> str:
    counts = f"{found.correct:,} of {found.total:,} photographs are classified correctly"
    text = f"{counts}; {interval(found.low, found.high)}."
    if found.top5_fraction is not None:
        text += f" Top-5: {story.percent(found.top5_fraction)}."
    if found.among_fraction is not None:
        text += f" Among the set's {found.among_classes} classes only: {story.percent(found.among_fraction)}."
    return " ".join((text, *map(message, found.notes)))
