"""All widgets of Explore's sidebar, in order -> specs. Other pages use the parts too."""

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
from pages.parts.sidebar.reference import reference_choice, reference_line, reference_of


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The settings of the sidebar, without the amount.

    family: how the network is pruned, with an amount of zero. reference: what it is compared with,
    None for its dense network. image: None until an own image is
    uploaded. trouble: why an upload was rejected. drawn: how the maps are drawn over the image.
    """

    model: ModelSpec
    family: PruningSpec
    reference: VariantSpec | None
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
    """The settings with the amount. counts: container for how much was removed."""

    variant: VariantSpec
    counts: DeltaGenerator


def parts(varied: Mapping[str, str] | None = None) -> Parts:
    """Draws the sidebar.

    Args:
        varied: text by group, for groups whose settings a page varies over its rows.
    """
    varied = varied or {}
    with st.sidebar:
        with group("Network", ":material/hub:") as state_settings:
            model = model_choice(address.known())
            reference_choice(model)
            state_settings(network_line(model) + reference_line(model))
        with group("Image", ":material/image:") as state_settings:
            image, trouble = image_choice(model)
            state_settings(image_line(image, model))
        with group("Pruning", ":material/content_cut:") as state_settings:
            family = family_choice(model)
            state_settings(varied.get("Pruning") or family_line(family))
        with group("Heatmap", ":material/gradient:") as state_settings:
            cam, drawn = heatmap_choice(model, image)
            state_settings(varied.get("Heatmap") or heatmap_line(cam, model))
    reference = reference_of(model, family)
    return Parts(model=model, family=family, reference=reference, image=image, cam=cam, drawn=drawn, trouble=trouble)


def view(stage: DeltaGenerator, below: DeltaGenerator) -> View:
    """Draws the sidebar, the slider on the stage, and below it the unit and what is removed."""
    asked = parts()
    pruning, counts = amount_choice(asked.family, asked.model, stage, below)
    link.write()
    link.remember(address.known())
    return View(variant=VariantSpec(model=asked.model, pruning=pruning), counts=counts, **vars(asked))
