"""All of Explore's widgets, in order -> specs. Each part serves other pages too."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, ImageRef, ModelSpec, PruningSpec, SparsightError, VariantSpec
from pages.parts.common import address, last_view
from pages.parts.common.pictures import Drawn
from pages.parts.sidebar.amount import amount_choice
from pages.parts.sidebar.heatmap import heatmap_choice
from pages.parts.sidebar.image import image_choice
from pages.parts.sidebar.model import family_choice, model_choice


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


def parts() -> Parts:
    """Draws the sidebar without its slider."""
    with st.sidebar:
        model = model_choice(address.known())
        image, trouble = image_choice(model)
        family = family_choice(model)
        cam, drawn = heatmap_choice(model, image)
    return Parts(model=model, family=family, image=image, cam=cam, drawn=drawn, trouble=trouble)


def view(stage: DeltaGenerator | None = None) -> View:
    """Draws the sidebar with its slider. stage: where the slider stands instead, when it is shown
    to a room.
    """
    with st.sidebar:
        amount = stage or st.container()  # the slider stands first, but needs to know the network and the schedule
    asked = parts()
    with amount:
        pruning, counts = amount_choice(asked.family, asked.model)
    address.settle()
    last_view.remember(address.known())
    return View(variant=VariantSpec(model=asked.model, pruning=pruning), counts=counts, **vars(asked))
