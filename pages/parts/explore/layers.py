"""What the pruning removes from each layer: a table, both compression ratios, and notes."""

from __future__ import annotations

import streamlit as st

from core.base.text import first_few
from core.results import LayerCount, MaskReport
from pages.parts.common import engine, present, story
from pages.parts.common.markdown import message

# Sparsities for single weights without retraining: at the first most correct answers are lost, at
# the second nearly all.
USUAL_COLLAPSE = (0.5, 0.75)


def layer_plan(mask: MaskReport) -> None:
    """Draws the kept weights of every layer, and the table of all layers, including excluded
    ones.
    """
    from core.figures.plots import base as plots

    st.markdown(_ratios(mask))
    st.plotly_chart(
        present.figure(plots.kept_weights(mask)), config=present.STILL, key="layers", alt="Kept weights per layer"
    )
    st.dataframe(_rows(mask), hide_index=True, width="stretch", height="content" if len(mask.layers) <= 12 else 420)
    st.caption(message(" ".join(_notes(mask))))


def _ratios(mask: MaskReport) -> str:
    text = f"**{mask.compression_ratio:.3g}×** compression, counting all parameters"
    conv = mask.conv_compression_ratio
    return text + (f"; **{conv:.3g}×** counting only convolution weights" if conv is not None else "")


def _rows(mask: MaskReport) -> dict[str, list[str]]:
    titles = ("layer", "kind", "weights", "already zero", "removed", "kept", "sparsity")
    rows: dict[str, list[str]] = {title: [] for title in titles}
    alone = set(mask.variant.pruning.excluded)
    for layer in _in_order(mask):
        counts = (layer.total, layer.already_zero, layer.removed, layer.kept)
        fate = "excluded" if layer.name in alone else story.percent(layer.sparsity)
        cells = (layer.name.removesuffix(".weight"), layer.kind, *(f"{count:,}" for count in counts), fate)
        for column, cell in zip(rows.values(), cells, strict=True):
            column.append(cell)
    if not any(layer.already_zero for layer in (*mask.layers, *mask.excluded)):
        del rows["already zero"]
    return rows


def _in_order(mask: MaskReport) -> list[LayerCount]:
    """Returns the layers in the order of the network."""
    places = {name: place for place, name in enumerate(engine.card(mask.variant.model).prunable)}
    return sorted((*mask.layers, *mask.excluded), key=lambda layer: places[layer.name])


def _notes(mask: MaskReport) -> list[str]:
    notes = []
    if mask.removed_others:
        notes.append(f"{mask.removed_others:,} biases and norm parameters were removed with whole filters.")
    emptied = [layer.name.removesuffix(".weight") for layer in mask.layers if layer.kept == 0]
    if emptied:
        notes.append(f"Layers without any weight left: {first_few(emptied, 4)}.")
    found, pruning = engine.card(mask.variant.model), mask.variant.pruning
    if not found.reads_digits and pruning.is_one_shot and pruning.granularity == "weight":
        low, high = USUAL_COLLAPSE
        notes.append(
            f"Without retraining, networks for photographs usually collapse between {low:.0%} and {high:.0%} sparsity;"
            " removing whole kernels or filters hurts much earlier."
        )
    if pruning.is_one_shot and found.classifier not in pruning.excluded:
        notes.append(
            "The classifier is pruned too. Many studies exclude it; results with and without it are not comparable."
        )
    return notes
