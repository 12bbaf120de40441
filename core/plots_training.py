"""Progress of a retrained series as figures: loss and validation accuracy, epoch by epoch, levels side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots import PRUNED, empty_figure

Facts = Mapping[str, Any]
LEVEL_LINE = "rgba(139, 135, 152, 0.6)"


def progress(lines: Sequence[Facts]) -> go.Figure:
    """Loss and accuracy over all epochs of all levels. lines: of a job, oldest first; those of a repeated epoch count once."""
    epochs = {(line["level"], line["epoch"]): line for line in lines if line.get("stage") == "epoch"}
    if not epochs:
        return empty_figure("No epoch is finished yet.")
    ordered = [epochs[place] for place in sorted(epochs)]
    x = list(range(1, len(ordered) + 1))
    titles = ("Mean loss on the training images", f"Right answers on {ordered[0]['total']:,} validation images, %")
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles, horizontal_spacing=0.1)
    values = ([line["loss"] for line in ordered], [100 * line["correct"] / line["total"] for line in ordered])
    hover = [f"level {line['level']}, epoch {line['epoch']}" for line in ordered]
    for column, y in enumerate(values, start=1):
        figure.add_trace(
            go.Scatter(
                x=x, y=y, mode="lines+markers", line={"color": PRUNED}, text=hover, hovertemplate="%{text}: %{y:.4g}<extra></extra>"
            ),
            row=1, col=column,
        )  # fmt: skip
        figure.update_xaxes(title_text="epoch of the whole series", row=1, col=column)
    for place, line in enumerate(ordered, start=1):
        if line["epoch"] == 1 and place > 1:
            figure.add_vline(x=place - 0.5, line={"color": LEVEL_LINE, "dash": "dot"})
    figure.update_layout(height=280, showlegend=False, margin={"l": 50, "r": 20, "t": 40, "b": 45})
    return figure
