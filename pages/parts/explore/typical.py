"""How typical is this image? The agreement of both networks over many images, computed on a click,
with this image marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import quantiles

import streamlit as st

from core import CamSpec, DataSpec, ImageRef, ModelSpec, VariantSpec
from core.base.numbers import score
from core.engine.reference import against
from core.results import Agreement, Agreements, Comparison, Verdict, summarise
from core.sweeps.floor import Floor
from pages.parts.common import engine, present, story
from pages.parts.common.background import Work, background
from pages.parts.common.markdown import plain
from pages.parts.common.waiting import follow
from pages.parts.explore.floor import floor_of, mark
from pages.parts.sidebar import photo_sets

Question = tuple[VariantSpec, ImageRef, CamSpec]
IMAGES = 100
FEW = 20  # fewer images are too few for a range
WHERE = {
    Verdict.SAME: "at the same places",
    Verdict.PARTLY: "at places that moved in part",
    Verdict.ELSEWHERE: "elsewhere",
    Verdict.DISPUTED: "at the same places by one method only",
}


def spread(answer: Comparison) -> str:
    """Returns the central 90 % of the agreement over images in words; "" before it is computed."""
    task = background().find(_work(answer, _images(answer.pruned.image, answer.mask.variant.model)))
    values = summarise(task.results).values if task and task.succeeded else ()
    if len(values) < FEW:
        return ""
    twentieths = quantiles(values, n=20)
    return f"{score(twentieths[0])} to {score(twentieths[-1])} in 90 % of {len(values)} images"


def section(answer: Comparison) -> None:
    """Draws a button, then the distribution as it grows."""
    variant, image, _ = answer.question
    images = _images(image, variant.model)
    st.caption(
        f"One image proves little. This compares {_both(answer)} on {len(images)} images,"
        f" sampled evenly from {_source(images[0])}."
    )
    if len(images) < IMAGES:
        st.caption(
            f"Only {len(images)} photographs are included. To compare {IMAGES}, start Sparsight with"
            " `SPARSIGHT_PHOTOS` set to a folder of photographs."
        )

    def draw(found: Sequence[Agreement]) -> None:
        from core.figures.plots import base as plots

        here = answer.agreement
        titles = story.title(here.method), story.title(here.second_method)
        compared = "dense with pruned" if answer.with_dense else "reference with this network"
        figure, floor = plots.typical(found, here, titles, len(images), compared), floor_of(answer)
        if floor:
            plots.with_floor_at_top(figure, floor)
        st.plotly_chart(
            present.figure(figure),
            config={"displayModeBar": False},
            key="typical",
            alt=f"Agreement of the heatmaps of {len(found)} images for two methods, with this image marked",
        )
        st.markdown(in_words(summarise(found), here) + _beside_floor(summarise(found), floor))

    follow(_work(answer, images), f"Compare on {len(images)} images", draw)


def _both(answer: Comparison) -> str:
    if answer.with_dense:
        return "the dense and the pruned network's heatmaps"
    return f"the heatmaps of {plain(answer.reference_name)} and of this network"


def _work(answer: Comparison, images: tuple[ImageRef, ...]) -> Work:
    variant, image, cam = answer.question

    def steps(done: int) -> Iterator[Agreement]:
        return (engine.engine().agreement(variant, one, cam, *answer.against) for one in images[done:])

    source = images[0].source
    asked = against(variant, answer.against[0])
    files = engine.stamp(variant, image, *asked, *([] if source in ("digits", "gallery") else [DataSpec(name=source)]))
    return Work(
        place="typical",
        slow=True,
        key=("typical", variant, images, cam, answer.against),
        stamp=files,
        what="Images",
        run=lambda task: task.collect(steps, len(images)),
    )


def in_words(found: Agreements, here: Agreement) -> str:
    """Describes counts, medians, and the rank of this image among the others."""
    counts = [f"{found.verdicts[verdict]} {where}" for verdict, where in WHERE.items() if found.verdicts[verdict]]
    if unknown := found.verdicts[Verdict.UNKNOWN]:
        counts.append(f"{unknown} not comparable, because a map holds no evidence")
    text = f"Heatmaps of **{found.n}** images: {'; '.join(counts)}."
    titles, (first, second) = (story.title(here.method), story.title(here.second_method)), found.medians
    if first is not None and second is not None:
        text += f" Median agreement: {titles[0]} {score(first)}, {titles[1]} {score(second)}."
    if here.value is not None and found.values:
        below = sum(value < here.value for value in found.values)
        rank = f"higher than {below} of the {len(found.values)} images"
        text += f" This image has agreement {score(here.value)}, {rank}."
    return text


def _beside_floor(found: Agreements, floor: Floor | None) -> str:
    """Describes how many images agree less than two dense networks do; "" without a noise floor."""
    if floor is None or not found.values:
        return ""
    below = sum(value < floor.mean for value in found.values)
    return f" For comparison, {mark(floor)}; {below} of the {len(found.values)} images agree less."


def _images(image: ImageRef, model: ModelSpec) -> tuple[ImageRef, ...]:
    """Samples images from the source of this image.

    The gallery is small, so a data set on this machine replaces it where there is one.
    """
    if not engine.card(model).reads_digits and image.source in ("gallery", "own"):
        sets = photo_sets.fitting(model)
        if sets:
            image = replace(image, source=next(iter(sets.values())), name="0")
    return engine.engine().images_like(image, model, IMAGES)


def _source(image: ImageRef) -> str:
    if image.source == "digits":
        return "the 5,000 embedded digits"
    return "the gallery" if image.source == "gallery" else "the data set"
