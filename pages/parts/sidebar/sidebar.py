"""All of Explore's widgets, in order -> specs. Each part serves other pages too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, ImageRef, ModelSpec, PruningSpec, SparsightError, VariantSpec
from pages.parts.common import address, link
from pages.parts.common.pictures import Drawn
from pages.parts.sidebar.amount import amount_choice
from pages.parts.sidebar.group import group
from pages.parts.sidebar.heatmap import heatmap_choice, heatmap_line
from pages.parts.sidebar.image import image_choice, image_line
from pages.parts.sidebar.model import family_choice, family_line, model_choice, network_line


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the sidebar asks for, but how much is removed.

    family: how the network is pruned, with an amount of nothing. image is None while an own image
    is awaited, trouble says why one was refused; drawn: how the maps are laid over it.
    """

    model: ModelSpec
    family: PruningSpec
    image: ImageRef | None
    cam: CamSpec
    drawn: Drawn
    trouble: SparsightError | None = None

    @property
    def opacity(self) -> float:
        """Of overlays, as a share."""
        return self.drawn.opacity

    @property
    def dense(self) -> VariantSpec:
        """The network before pruning."""
        return VariantSpec(model=self.model)


@dataclass(frozen=True, kw_only=True)
class View(Parts):
    """The same with its amount. counts: where it is said how much was removed, once that is
    known.
    """

    variant: VariantSpec
    counts: DeltaGenerator


def parts(varied: Mapping[str, str] | None = None) -> Parts:
    """Draws the sidebar. varied: what a page says instead of the settings of a group that its rows
    vary.
    """
    varied = varied or {}
    with st.sidebar:
        with group("Network", ":material/hub:") as state_settings:
            model = model_choice(address.known())
            state_settings(network_line(model))
        with group("Image", ":material/image:") as state_settings:
            image, trouble = image_choice(model)
            state_settings(image_line(image, model))
        with group("Pruning", ":material/content_cut:") as state_settings:
            family = family_choice(model)
            state_settings(varied.get("Pruning") or family_line(family))
        with group("Heatmap", ":material/gradient:") as state_settings:
            cam, drawn = heatmap_choice(model, image)
            state_settings(varied.get("Heatmap") or heatmap_line(cam, model))
    return Parts(model=model, family=family, image=image, cam=cam, drawn=drawn, trouble=trouble)


def view(stage: DeltaGenerator, below: DeltaGenerator) -> View:
    """Draws the sidebar, the slider on the stage, and below it its unit and what it removes."""
    asked = parts()
    pruning, counts = amount_choice(asked.family, asked.model, stage, below)
    link.write()
    link.remember(address.known())
    return View(variant=VariantSpec(model=asked.model, pruning=pruning), counts=counts, **vars(asked))
