"""Which layer matters: each is pruned alone, by the present amount, and this image is asked again.

On a click, with progress and Stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import streamlit as st

from core import CamSpec, ImageRef, VariantSpec
from core.base.numbers import score
from core.figures.wording import asks_for_something
from core.results import Comparison
from core.specs import n_of_m
from pages.parts.common import engine, present, story
from pages.parts.common.background import Work
from pages.parts.common.markdown import plain
from pages.parts.common.waiting import follow

Question = tuple[VariantSpec, ImageRef, CamSpec]


def scan(answer: Comparison) -> None:
    """A button, then a bar for each layer as it comes."""
    variant, image, cam = answer.question
    pruning = variant.pruning
    if not pruning.is_one_shot or n_of_m(pruning.granularity):
        st.caption(
            "A scan prunes one layer by an amount: choose schedule one-shot, and a granularity that has no pattern of"
            " its own."
        )
        return
    layers = tuple(name for name in engine.card(variant.model).prunable if name not in pruning.excluded)
    amount = pruning.sparsity or 0.0
    st.caption(f"Each layer alone loses {story.percent(amount)}; all others stay whole. What changes for this image?")

    def steps(done: int) -> Iterator[Comparison]:
        for name in layers[done:]:
            alone = replace(pruning, sparsity=0.0, scope="layer", overrides=((name, amount),))
            yield engine.engine().compare(replace(variant, pruning=alone), image, cam)

    def draw(answers: Sequence[Comparison]) -> None:
        from core.figures.plots import base as plots

        figure = plots.one_at_a_time(layers[: len(answers)], answers, len(layers))
        st.plotly_chart(
            present.figure(figure),
            config={"displayModeBar": False},
            key="sensitivity",
            alt="Similarity of the heatmaps and probability of the dense class, with one layer pruned at a time",
        )
        st.caption(_most_sensitive(layers, answers))

    work = Work(
        place="layer scan",
        key=("layer scan", *answer.question),
        stamp=engine.stamp(variant, image),
        what="Layers",
        run=lambda task: task.collect(steps, len(layers)),
        large=True,
    )
    follow(work, "Scan the layers", draw)


def _most_sensitive(layers: Sequence[str], answers: Sequence[Comparison]) -> str:
    """The layer whose pruning changes the heatmap most, of those that are done; undefined ones are
    counted.
    """
    known = [(answer.similarity["pearson"], name) for name, answer in zip(layers, answers, strict=False)]
    values = [(value, name) for value, name in known if value is not None]
    undefined = len(known) - len(values)
    text = f" {undefined} of {len(known)} maps are empty or constant: similarity undefined." if undefined else ""
    if not values:
        return text.strip()
    value, name = min(values)
    so_far = "" if len(answers) == len(layers) else " so far"
    text += _untouched(answers)
    return f"Most sensitive{so_far}: **{plain(name.removesuffix('.weight'))}**, similarity {score(value)}.{text}"


def _untouched(answers: Sequence[Comparison]) -> str:
    """How many layers lost nothing because the weights that were to go were zero already."""
    count = sum(not answer.mask.removed_anything for answer in answers if asks_for_something(answer.mask))
    return (
        f" {count} of {len(answers)} layers lost nothing: their lowest-ranked weights were already zero."
        if count
        else ""
    )
