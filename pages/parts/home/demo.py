"""Home's live example: one photograph, the sparsity slider, and the heatmaps."""

from __future__ import annotations

import streamlit as st

from core import CamSpec, ImageRef, PruningSpec, VariantSpec
from core.models.zoo import default_model
from core.results import Comparison
from pages.parts.common import address, engine, frame, link, pictures, story
from pages.parts.common.parameters import Number, Parameter
from pages.parts.common.waiting import wait
from pages.parts.common.widgets import number

PARAMETERS: dict[str, Parameter] = {"amount": Number(30.0, 0.0, 60.0, 0.5)}
OPACITY = 0.65


def demo() -> None:
    """Draws the example and a link to the same view in Explore."""
    link.open_page(lambda: PARAMETERS)
    headline, slider, place = pictures.room("headline"), st.container(), pictures.room("pictures")
    with slider:
        sparsity = number("Sparsity", "amount", PARAMETERS, format="%.1f %%")
    link.write()
    model, photo = default_model(address.START_MODEL), str(address.START["photo"])
    variant = VariantSpec(model=model, pruning=PruningSpec.one_shot(sparsity / 100))
    question = (variant, ImageRef(source="gallery", name=photo), CamSpec(method=str(address.START["cam"])), None)
    answer: Comparison | None = wait(engine.compare(question), st.container()).answer
    if answer is None:
        return
    headline.header(story.headline(answer), anchor=False)
    pictures.four_pictures(answer, pictures.Drawn(OPACITY), place)
    view = {name: str(value) for name, value in address.start().items()} | {"fine": f"{sparsity:g}"}
    frame.link("pages/explore.py", "Open this view in Explore", ":material/search:", view)
