"""Explore's first screen: four pictures of equal size, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.grid_container import GridContainer

from core import CamSpec, ImageRef, ModelSpec, VariantSpec
from core.base.numbers import MINUS, probability, score
from core.base.stamps import Stamp
from core.data.folders import PREFIX
from core.figures import maps
from core.figures.names import names, network
from core.figures.scores import first_scores
from core.results import Agreement, Comparison, Heatmap, Picture
from pages.parts.common import engine, story
from pages.parts.common.markdown import message, plain

NARROWEST_PX = 150  # two pictures side by side on a phone


# Space is reserved for headline and pictures before they are computed, so that nothing moves when
# they arrive.
ROOM = """<style>
.st-key-headline { min-height: 4.6rem; }
.st-key-pictures { min-height: 20.5rem; }
.st-key-pictures img { aspect-ratio: auto 1 / 1; }
.st-key-pictures img[alt^="Colour bar"] { aspect-ratio: auto 18 / 1; }
@media (max-width: 640px) { .st-key-headline { min-height: 5.4rem; } .st-key-pictures { min-height: 36rem; } }
</style><span></span>"""


@dataclass(frozen=True)
class Drawn:
    """How the pictures are drawn. opacity: of the heatmaps. outline: the border of the true
    object.
    """

    opacity: float
    outline: bool = False


def room(name: Literal["headline", "pictures"]) -> DeltaGenerator:
    """Returns a container with space reserved for the headline or the pictures."""
    found = st.container(key=name)
    found.html(ROOM)
    return found


def four_pictures(answer: Comparison, drawn: Drawn, place: DeltaGenerator, more: tuple[str, ...] = ()) -> None:
    """Draws input, reference, network and difference.

    Every alt text ends with the counted sparsity, so that tests can wait for the change.

    Args:
        place: container of the pictures.
        more: lines below the difference, such as the range of the agreement over images.
    """
    pruned, picture, called = answer.pruned, answer.picture, names(answer)
    urls = _urls(answer, drawn)
    at = f"at {answer.mask.sparsity:.4%} sparsity"
    grid = place.grid(4, min_column_width=NARROWEST_PX, gap="small")
    with _cell(grid):
        _picture("Input" + (", with noise" if pruned.image.noise else ""), urls[0], f"The input{_of(picture)} {at}")
        _named(answer)
        if pruned.image.noise:
            _without_noise(pruned.image, pruned.variant.model)
    with _cell(grid):
        _picture(plain(called.titles[0]), urls[1], f"Heatmap of {answer.reference_name}, beside the one {at}")
        _says(answer.reference)
    with _cell(grid):
        _picture(called.titles[1], urls[2], f"Heatmap of {network(answer, pruned)} {at}")
        _says(pruned, changed=answer.flipped)
    with _cell(grid):
        _picture(called.difference, urls[3], f"Difference of the two heatmaps {at}")
        _agreement(answer.agreement, called.stronger, more)


def _of(picture: Picture) -> str:
    return f", {picture.title}," if picture.title else ""


def _named(answer: Comparison) -> None:
    """Writes the label or title of the image, as far as known."""
    picture = answer.picture
    if picture.label is not None:
        st.markdown(f"label **{story.class_name(answer.pruned, picture.label)}**")
    elif picture.image.source == "own":
        st.markdown("your own image")
    else:
        st.markdown(f"**{plain(picture.title)}**, no label" if picture.title else "no label")
    if picture.image.source.startswith(PREFIX):
        st.caption("from your folder")
    elif picture.credit:
        st.caption(message(picture.credit))


def _cell(grid: GridContainer) -> DeltaGenerator:
    return grid.cell().container(gap="xsmall")


def _picture(title: str, url: str, alt: str) -> None:
    st.markdown(f"**{title}**")
    st.image(url, width="stretch", alt=alt)


def _without_noise(image: ImageRef, model: ModelSpec) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.image(_clean(image, model), width=40, alt="The input without noise")
        st.caption("without noise", width="content")


def _says(side: Heatmap, changed: bool = False) -> None:
    icon = ":material/swap_horiz: " if changed else ""
    if side.prediction.confidence is None:
        st.markdown(":material/warning: **no answer**: its outputs overflow")
    else:
        st.markdown(
            f"{icon}says **{story.class_name(side, side.prediction.top)}**, {probability(side.prediction.confidence)}"
        )
    st.image(_bar("magma"), width="stretch", alt="Colour bar from black, 0, to pale yellow, 1")
    st.caption("0 to 1, by its own maximum" if side.usable else f":material/warning: the map is {side.state}")


def _agreement(found: Agreement, stronger: tuple[str, str], more: tuple[str, ...]) -> None:
    """Writes the agreement of the two maps for two methods, and what else is known of it.

    Args:
        stronger: the ends of the colour bar.
    """
    first, second = map(score, (found.value, found.second_value))
    st.markdown(f"agreement **{first}**", help=story.WORDS["agreement"])
    st.image(_bar("signed"), width="stretch", alt="Colour bar from purple, -1, over black, 0, to orange, 1")
    lines = (" :material/arrow_range: ".join(stronger), f"{second} by {story.title(found.second_method)}", *more)
    st.caption("  \n".join(filter(None, lines)))


@st.cache_data(max_entries=10, show_spinner=False)
def _bar(table: str) -> str:
    return maps.data_url(maps.png(maps.colour_bar(table)))


def _clean(image: ImageRef, model: ModelSpec) -> str:
    return _clean_url(image, model, engine.stamp(VariantSpec(model=model), image))


@st.cache_data(max_entries=400, show_spinner=False, hash_funcs=engine.KEYS)
def _clean_url(image: ImageRef, model: ModelSpec, stamp: Stamp) -> str:
    return maps.data_url(maps.png(maps.plain(engine.engine().picture(image, model).clean, side_px=84)))


def _urls(answer: Comparison, drawn: Drawn) -> tuple[str, str, str, str]:
    """Returns the four pictures as data URLs, so that they arrive together with their text."""
    reference = f"{answer.reference.variant.key} {answer.mapping!r}"
    return _encoded(answer.question, reference, drawn, answer.stamp, answer)


@st.cache_data(max_entries=150, show_spinner=False, hash_funcs=engine.KEYS | {Drawn: repr})
def _encoded(
    question: tuple[VariantSpec, ImageRef, CamSpec], reference: str, drawn: Drawn, stamp: Stamp, _answer: Comparison
) -> tuple[str, str, str, str]:
    answer, clean, truth = _answer, _answer.picture.clean, _answer.picture.truth
    made = [
        maps.plain(answer.picture.seen),
        maps.overlay(answer.reference, clean, drawn.opacity),
        maps.overlay(answer.pruned, clean, drawn.opacity),
        maps.difference(answer),
    ]
    if drawn.outline and truth is not None:
        made = [maps.outlined(picture, truth) for picture in made]
    encode = maps.png if clean.ndim == 2 else maps.jpeg  # a digit's sharp pixels, a photograph
    first = maps.data_url(encode(made[0]))
    second, third, fourth = (maps.data_url(maps.jpeg(picture)) for picture in made[1:])
    return first, second, third, fourth


def score_cards(answer: Comparison) -> None:
    """Draws the main scores: value, change from the reference, a one-sentence explanation."""
    grid = st.grid(4, min_column_width=NARROWEST_PX, gap="small")
    for each in first_scores(answer):
        with _cell(grid):
            metric(each.title, each.value, each.change, each.origin)
            st.caption(each.summary)
    if not answer.picture.truth_kind:
        st.caption(story.NOTHING_MARKED)


def metric(title: str, value: str, change: str, origin: str) -> None:
    """Draws a number with its change in grey, because an increase is not always an improvement."""
    arrow: Literal["off", "up", "down"] = {"+": "up", MINUS: "down"}.get(change[0], "off")  # type: ignore[assignment]
    st.metric(title, value, change, delta_color="off", delta_arrow=arrow, delta_description=origin)
