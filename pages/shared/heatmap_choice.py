"""How the heatmap is made: widgets -> CamSpec."""

from __future__ import annotations

import streamlit as st

from core import CamSpec, ModelSpec
from core.saliency import CAMS
from core.specs import TARGETS
from pages.shared.address import of_model
from pages.shared.networks import listed
from pages.shared.widgets import choice, number, segments


def heatmap_choice(model: ModelSpec, has_label: bool) -> tuple[CamSpec, float]:
    """Method, target class, and the overlay's opacity as a share. has_label: whether the image has a true class."""
    known = of_model(model.name)
    st.subheader("Heatmap")
    method = choice("Method", "cam", known)
    entry = CAMS[method]
    st.caption(f":{'gray' if entry.facts['cost'] == 'one pass' else 'orange'}-badge[{entry.facts['cost']}] {entry.summary}")
    target = segments("Target class", "target", known, help=listed(TARGETS))
    if target == "label" and not has_label:
        st.caption("Your own image has no label: the class that the dense network predicts is used.")
        target = "dense"
    opacity = number("Opacity", "opacity", known, format="%d %%")
    return CamSpec(method=method, target=target), opacity / 100
