"""Images of a sweep as pictures: what a network sees, where its reference looked and where it
looks, with a link to the same view in Explore.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from core import CamSpec, ImageRef, ModelSpec, SparsightError, VariantSpec
from core.data.folders import PREFIX
from core.figures import maps
from core.figures.wording import class_name
from core.results import Comparison
from core.sweeps.address import FOLDER
from pages.parts.common import engine
from pages.parts.common.background import Work
from pages.parts.common.markdown import plain
from pages.parts.common.network_links import digit, explore_link
from pages.parts.common.state import state
from pages.parts.common.sweep_data import Opened
from pages.parts.common.waiting import needed
from pages.parts.sidebar import downloads, photo_sets

PX = 112  # of a picture; three stand side by side on a phone
OPACITY = 0.65


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One image of a sweep. says: Markdown below the pictures."""

    row: int
    variant: VariantSpec
    says: str


def are_there(of: Opened, model: ModelSpec) -> bool:
    """Whether images and network are on this machine; if not, says how to get them."""
    try:
        of.sweep.inputs(model)
    except SparsightError:
        name = of.spec.data.name
        if name.startswith(PREFIX):
            file = Path(name.removeprefix(PREFIX)).name
            text = (
                "The photographs of this sweep are not on this machine: start the app with SPARSIGHT_PHOTOS naming"
                f" your copy of {plain(file)}, a zip file or folder. The numbers are included."
            )
        else:
            text = photo_sets.how_to_get_one("Showing the pictures", model)
        st.info(text, icon=":material/photo_library:")
        return False
    if downloads.is_there(model):
        return True
    downloads.offer(model)
    return False


def first_of_page(count: int, of: str, a_page: int) -> int:
    """Draws buttons that page through so many images; returns the place of the first one. of: what
    they are images of; others start at their beginning.
    """
    at = state().pages.get(of, 0) if count > a_page else 0
    if count > a_page:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            last = (count - 1) // a_page * a_page
            for label, icon, to in (("Previous", "arrow_back", at - a_page), ("Next", "arrow_forward", at + a_page)):
                st.button(
                    label,
                    key=f"_{label.lower()}_images",
                    icon=f":material/{icon}:",
                    type="tertiary",
                    disabled=not 0 <= to <= last,
                    on_click=state().pages.__setitem__,
                    args=(of, to),
                )
            st.caption(f"{at + 1:,} to {min(at + a_page, count):,} of {count:,}", width="content")
    return at


def draw(of: Opened, cam: CamSpec, shown: Sequence[Shown]) -> None:
    """Draws three pictures for each image. cam: the heatmap of the sweep."""
    grid = st.grid(2, min_column_width=3 * PX + 48, gap="medium")
    for each, (urls, before, after) in zip(shown, _pictures(of, cam, shown), strict=False):
        with grid.cell().container(gap="xsmall"):
            with st.container(horizontal=True, gap="xsmall"):
                for url, alt in zip(urls, _alts(each, before, after), strict=True):
                    st.image(url, width=PX, alt=alt)
            st.markdown(f"{_answers(before, after)}  \n{each.says} {_link(of, cam, each)}")
    st.caption("The image, the dense network's heatmap and the pruned network's, each by its own maximum.")


def _alts(each: Shown, before: str, after: str) -> tuple[str, str, str]:
    return (
        f"Image {each.row}",
        f"Heatmap of the dense network, which says {before}",
        f"Heatmap of the pruned network, which says {after}",
    )


def _answers(before: str, after: str) -> str:
    if before == after:
        return f"**{plain(before)}**"
    return f"**{plain(before)}** :material/arrow_right_alt: **{plain(after)}**"


def _pictures(of: Opened, cam: CamSpec, shown: Sequence[Shown]) -> list[tuple[list[str], str, str]]:
    """Returns the pictures of each image and the two answers, or those that were done when it was
    stopped.
    """
    asked = replace(cam, layer=cam.layer or engine.card(shown[0].variant.model).target_layer) if shown else cam

    def steps(done: int) -> Iterator[tuple[list[str], str, str]]:
        for each in shown[done:]:
            answer = engine.engine().compare(each.variant, _image(of, each.row), asked, _reference(of, each.variant))
            sides = answer.reference, answer.pruned
            before, after = (class_name(side, side.prediction.top) for side in sides)
            yield _drawn(answer), before, after

    work = Work(
        place="sweep pictures",
        key=("sweep pictures", of.name, asked, *((each.row, each.variant) for each in shown)),
        stamp=of.stamp,
        what="Drawing heatmaps",
        run=lambda task: task.collect(steps, len(shown)),
        large=True,
    )
    found: list[tuple[list[str], str, str]] = needed(work).results
    return found


def _drawn(answer: Comparison) -> list[str]:
    clean = answer.picture.clean
    encode = maps.png if clean.ndim == 2 else maps.jpeg  # a digit's sharp pixels, a photograph
    overlays = [maps.overlay(side, clean, OPACITY, 2 * PX) for side in (answer.reference, answer.pruned)]
    seen = encode(maps.plain(answer.picture.seen, 2 * PX))
    return [maps.data_url(content) for content in (seen, *map(maps.jpeg, overlays))]


def _image(of: Opened, row: int) -> ImageRef:
    data = of.spec.data
    return ImageRef(source=data.name, name=str(row), noise=data.noise, noise_seed=data.noise_seed)


def _reference(of: Opened, variant: VariantSpec) -> VariantSpec | None:
    reference = of.spec.reference_of(variant.model)
    return None if reference == variant.dense else reference


def _link(of: Opened, cam: CamSpec, each: Shown) -> str:
    """Returns a link to the same view in Explore; "" if no address says it."""
    model, data = each.variant.model, of.spec.data
    if engine.card(model).reads_digits:
        image = digit(each.row, noise=data.noise > 0)
    else:
        image = {"source": FOLDER if data.name.startswith(PREFIX) else data.name, "row": str(each.row + 1)}
    link = explore_link(each.variant, cam, of.spec.reference_of(model), image)
    return f"· [Open in Explore]({link})" if link else ""
