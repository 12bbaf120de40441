"""Figures of the progress of a retrained series: loss and validation accuracy by epoch, levels side
by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.plots.base import PRUNED, empty_figure

Facts = Mapping[str, Any]
LEVEL_LINE = "rgba(139, 135, 152, 0.6)"


def loss(lines: Sequence[Facts]) -> go.Figure:
    """Plot the mean loss on the training images over all epochs of all levels.

    lines: of a job, oldest first; repeated epochs count once.
    """
    epochs = _epochs(lines)
    return _figure("Mean loss, training images", epochs, [line["loss"] for line in epochs])


def right(lines: Sequence[Facts]) -> go.Figure:
    """Plot the accuracy on the validation images in percent, as `loss`."""
    epochs = _epochs(lines)
    n = f" (n = {epochs[0]['total']:,})" if epochs else ""
    return _figure(
        f"Correct, validation images, %{n}", epochs, [100 * line["correct"] / line["total"] for line in epochs]
    )


def _epochs(lines: Sequence[Facts]) -> list[Facts]:
    found = {(line["level"], line["epoch"]): line for line in lines if line.get("stage") == "epoch"}
    return [found[place] for place in sorted(found)]


def _figure(title: str, epochs: Sequence[Facts], values: Sequence[float]) -> go.Figure:
    if not epochs:
        return empty_figure("No epoch is finished yet.")
    hover = [f"level {line['level']}, epoch {line['epoch']}" for line in epochs]
    figure = empty_figure(title, 260)
    figure.add_scatter(
        x=list(range(1, len(epochs) + 1)),
        y=values,
        mode="lines+markers",
        line={"color": PRUNED},
        text=hover,
        hovertemplate="%{text}: %{y:.4g}<extra></extra>",
    )
    for place, line in enumerate(epochs, start=1):
        if line["epoch"] == 1 and place > 1:
            figure.add_vline(x=place - 0.5, line={"color": LEVEL_LINE, "dash": "dot"})
    return figure.update_layout(showlegend=False).update_xaxes(title_text="epoch of the whole series")
