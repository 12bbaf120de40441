"""Layer sensitivity: prunes each layer alone by the current amount and compares the heatmaps of the
image. Starts on a click, shows progress and can be stopped.
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
    """Draws a button, then one bar per layer as results arrive."""
    variant, image, cam = answer.question
    pruning = variant.pruning
    if not pruning.is_one_shot or n_of_m(pruning.granularity):
        st.caption(
            "The scan prunes one layer at a time by the chosen sparsity. It needs the schedule *One-shot* and a"
            " granularity other than N:M."
        )
        return
    layers = tuple(name for name in engine.card(variant.model).prunable if name not in pruning.excluded)
    amount = pruning.sparsity or 0.0
    st.caption(
        f"Prunes each layer alone by {story.percent(amount)}, leaves all others dense, and measures the effect on this"
        " image."
    )

    def steps(done: int) -> Iterator[Comparison]:
        for name in layers[done:]:
            alone = replace(pruning, sparsity=0.0, scope="layer", overrides=((name, amount),))
            yield engine.engine().compare(replace(variant, pruning=alone), image, cam, *answer.against)

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
        slow=True,
        key=("layer scan", *answer.question, answer.against),
        stamp=answer.stamp,
        what="Layers",
        run=lambda task: task.collect(steps, len(layers)),
        large=True,
    )
    follow(work, "Scan layers", draw)


def _most_sensitive(layers: Sequence[str], answers: Sequence[Comparison]) -> str:
    """Names the layer whose pruning changes the heatmap most so far; counts undefined
    similarities.
    """
    known = [(answer.similarity["pearson"], name) for name, answer in zip(layers, answers, strict=False)]
    values = [(value, name) for value, name in known if value is not None]
    undefined = len(known) - len(values)
    text = f" {undefined} of {len(known)} maps are empty or constant: undefined similarity." if undefined else ""
    if not values:
        return text.strip()
    value, name = min(values)
    so_far = "" if len(answers) == len(layers) else " so far"
    text += _untouched(answers)
    return f"Most sensitive{so_far}: **{plain(name.removesuffix('.weight'))}**, similarity {score(value)}.{text}"


def _untouched(answers: Sequence[Comparison]) -> str:
    """Counts the layers that lost nothing because the weights to remove were already zero."""
    count = sum(not answer.mask.removed_anything for answer in answers if asks_for_something(answer.mask))
    return (
        f" {count} of {len(answers)} layers lost nothing: their lowest-ranked weights were already zero."
        if count
        else ""
    )
