"""Still pictures of plotly figures, as SVG: for paper, and where no script runs.

They are drawn with matplotlib, from what a figure says, and know the traces of `core.figures.plots`
only. A trace that they do not know raises, so that no figure is drawn without a part of it.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from core.figures.still_axes import INK, Frame, prepare, written
from core.figures.still_marks import annotate, draw_shape
from core.figures.still_traces import TRACES, Unknown

WIDTH_PX = 720
LETTER_PX, HANDLE_PX = 6.2, 50.0  # of a name in the legend: a letter, and what stands before it
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small, readable aloud, searchable
    "svg.hashsalt": "sparsight",  # the same figure is the same file
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8b8798",
    "axes.axisbelow": True,
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
ONE_AT_A_TIME = threading.Lock()  # matplotlib's settings and its measuring of text are of the whole process


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What a still is drawn on. width: in pixels. ink: of text. ground: behind it, or "none"."""

    width: int = WIDTH_PX
    ink: str = INK
    ground: str = "white"


def still(figure: go.Figure, paper: Paper = Paper()) -> str:
    """Draw a figure as SVG. Raises Unknown for a trace that is not known."""
    look = {"text.color": paper.ink, "figure.facecolor": paper.ground, "axes.facecolor": paper.ground}
    with ONE_AT_A_TIME, warnings.catch_warnings(), rc_context(STYLE | look):
        warnings.simplefilter("ignore")  # letters that the font lacks: another one shows them
        drawn = _draw(figure, paper.width)
        target = io.StringIO()
        FigureCanvasSVG(drawn).print_svg(target, metadata=NO_METADATA)
    text = target.getvalue()
    return text[text.index("<svg") :]


def _draw(figure: go.Figure, width: int) -> Figure:
    layout = figure.layout
    if unknown := {trace.type for trace in figure.data} - set(TRACES):
        raise Unknown(f"traces of type {', '.join(sorted(unknown))}")
    made = Figure(figsize=(width / 72, (layout.height or 400) / 72), dpi=72, layout="constrained")
    frames = _frames(made, figure)
    handles: list[tuple[str, Any]] = []
    for trace in figure.data:
        handle = TRACES[trace.type](frames[trace.yaxis or "y"], trace)
        if trace.name and trace.showlegend is not False and handle is not None:
            handles.append((written(trace.name), handle))
    for shape in layout.shapes:
        draw_shape(frames[_side(shape.yref)], shape)
    for note in layout.annotations:
        annotate(frames[_side(note.yref)], note)
    if layout.title.text:
        weight = layout.title.font.weight or "normal"
        made.suptitle(written(layout.title.text), x=0.01, ha="left", fontsize=13, fontweight=weight)
    if layout.showlegend and handles:
        _legend(made, handles[::-1] if layout.legend.traceorder == "reversed" else handles, width)
    return made


def _frames(made: Figure, figure: go.Figure) -> dict[str, Frame]:
    """Return the places for traces by their vertical axis: one, or two above each other."""
    layout, names = figure.layout, ["y"]
    if any(trace.yaxis == "y2" for trace in figure.data):
        names.append("y2")
    if {trace.xaxis or "x" for trace in figure.data} - {"x"} or {trace.yaxis or "y" for trace in figure.data} - {
        *names
    }:
        raise Unknown("further axes")
    heights = [_height(layout[f"yaxis{name[1:]}"].domain) for name in names]
    places = made.subplots(len(names), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    return {name: _frame(place, figure, name, place is places[-1]) for name, place in zip(names, places, strict=True)}


def _frame(place: Axes, figure: go.Figure, name: str, is_lowest: bool) -> Frame:
    frame = Frame(axes=place, figure=figure, x=figure.layout.xaxis, y=figure.layout[f"yaxis{name[1:]}"], name=name)
    prepare(frame, is_lowest)
    return frame


def _height(domain: tuple[float, float] | None) -> float:
    return 1.0 if domain is None else domain[1] - domain[0]


def _side(reference: str | None) -> str:
    return "y2" if (reference or "").startswith("y2") else "y"


def _legend(made: Figure, handles: list[tuple[str, Any]], width: int) -> None:
    widest = max(max(map(len, name.split("\n"))) for name, _ in handles)
    columns = max(1, min(len(handles), int(width / (widest * LETTER_PX + HANDLE_PX))))
    names, marks = zip(*handles, strict=True)
    made.legend(marks, names, loc="outside lower left", ncols=columns, frameon=False, fontsize=10)
