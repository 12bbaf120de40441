"""What follows below the pictures of a photograph: nothing here is computed before a click, but the kept weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, ImageRef, VariantSpec
from core.results import Comparison
from pages.shared import cached, details, present
from pages.shared.frame import guarded
from pages.shared.runs import Job, follow

Question = tuple[VariantSpec, ImageRef, CamSpec]


@st.fragment
@guarded
def photo_section(question: Question) -> None:
    """The kept weights, and on demand this image over all sparsities."""
    left, right = st.columns([3, 2], gap="medium")
    with right:
        details.kept(cached.report(question[0]))
    with left:
        st.markdown("**Over all sparsities**")
        _followed(question)


def _followed(question: Question) -> None:
    variant, image, cam = question
    series = cached.series(variant)
    here, top = cached.report(variant).sparsity, series[-1].pruning.sparsity or 1.0

    def steps(done: int) -> Iterator[Comparison]:
        return (cached.engine().compare(point, image, cam) for point in series[done:])

    def draw(place: DeltaGenerator, answers: Sequence[Comparison]) -> None:
        from core import plots

        place.plotly_chart(present.figure(plots.followed(answers, here, top)), config=details.STILL, key=f"followed-{len(answers)}",
                           alt=f"Similarity of the heatmaps over sparsity, marker at {here:.1%}")  # fmt: skip

    key = "|".join(("followed", series[0].key, image.key, cam.key))
    st.caption("How alike the two heatmaps stay, and how sure the pruned network stays of the dense network's answer.")
    follow(Job(key=key, label="Follow this image", total=len(series), steps=steps), draw)
