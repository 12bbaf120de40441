"""Axes of still pictures: categories, ranges, ticks and titles, as a plotly figure says them."""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib import rcParams
from matplotlib.colors import to_rgba
from matplotlib.ticker import EngFormatter, FuncFormatter, MultipleLocator, NullLocator
from numpy.typing import NDArray

INK, GRID = "#4a4656", "#e4e2ea"  # of text, dark enough to be read on white; of a grid without a colour of its own
BREAK, TAG = re.compile(r"<br\s*/?>"), re.compile(r"</?(?:b|i|sub|sup|span)(?:\s[^>]*)?>")
RGBA = re.compile(r"rgba?\(([^)]*)\)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Where traces are drawn: matplotlib's axes, the figure, and what it says of both axes.

    name: of the vertical axis. categories: names along an axis in their order, None for numbers.
    """

    axes: Any
    figure: go.Figure
    x: Any
    y: Any
    name: str
    categories: dict[str, list[str] | None] = field(default_factory=dict)

    @property
    def traces(self) -> list[Any]:
        return [trace for trace in self.figure.data if (trace.yaxis or "y") == self.name]

    def places(self, axis: str, values: Sequence[Any] | None, count: int = 0) -> NDArray[np.float64]:
        """Return positions along an axis; None is a gap. count: of values, if there are none."""
        if values is None:
            return np.arange(count, dtype=float)
        return np.array([self.place(axis, value) for value in listed(values)], dtype=float)

    def place(self, axis: str, value: Any) -> float:
        """Return the position of a number or of a category."""
        if value is None:
            return math.nan
        known = self.categories.get(axis)
        return float(value) if known is None else float(known.index(str(value)))


def listed(values: Any) -> Any:
    """Return the values of an attribute; plotly packs numbers of a figure that was copied."""
    if not isinstance(values, dict):
        return values
    return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])


def written(markup: str) -> str:
    """Return plotly's markup as plain text, with line breaks."""
    plain = html.unescape(TAG.sub("", BREAK.sub("\n", str(markup))))
    return "\n".join("".join(sign for sign in line if sign.isprintable()) for line in plain.split("\n"))


def colour(text: str | None, opacity: float | None = None) -> tuple[float, float, float, float]:
    """Return a colour of CSS as matplotlib's: red, green, blue, opacity, from 0 to 1."""
    found = RGBA.fullmatch(text or "")
    if found:
        red, green, blue, *alpha = (float(part) for part in found[1].split(","))
        rgba = (red / 255, green / 255, blue / 255, alpha[0] if alpha else 1.0)
    else:
        rgba = to_rgba(text or ink())
    return (*rgba[:3], rgba[3] * (1.0 if opacity is None else opacity))


def ink() -> str:
    """Return the colour of text in the still that is being drawn."""
    return str(rcParams["text.color"])


def prepare(frame: Frame, is_lowest: bool) -> None:
    """Set up both axes. is_lowest: the horizontal axis is labelled here."""
    for axis, about in (("x", frame.x), ("y", frame.y)):
        frame.categories[axis] = _categories(frame, axis, about)
        ours = frame.axes.xaxis if axis == "x" else frame.axes.yaxis
        if about.type == "log":
            (frame.axes.set_xscale if axis == "x" else frame.axes.set_yscale)("log")
        _ticks(ours, about, frame.categories[axis])
        frame.axes.tick_params(axis=axis, colors=ink(), length=0)
        if about.showgrid is not False:
            frame.axes.grid(True, axis=axis, color=colour(about.gridcolor or GRID), linewidth=1)
        if about.title.text and (axis == "y" or is_lowest):
            ours.set_label_text(written(about.title.text), color=ink())
        _range(frame, axis, about)
    if frame.x.showticklabels is False:
        frame.axes.tick_params(axis="x", labelbottom=False)


def _categories(frame: Frame, axis: str, about: Any) -> list[str] | None:
    values = [value for trace in frame.traces for value in (listed(trace[axis]) if trace[axis] is not None else ())]
    if about.type != "category" and not any(isinstance(value, str) for value in values):
        return None
    return list(dict.fromkeys([*map(str, about.categoryarray or ()), *map(str, values)]))


def _ticks(ours: Any, about: Any, categories: list[str] | None) -> None:
    ours.set_minor_locator(NullLocator())
    if categories is not None:
        ours.set_ticks(range(len(categories)), [written(name) for name in categories])
        return
    show = partial(number_text, about.tickformat)
    if about.tickvals is not None:
        texts = about.ticktext if about.ticktext is not None else [show(value) for value in about.tickvals]
        ours.set_ticks(list(about.tickvals), [written(text) for text in texts])
    else:
        if about.dtick is not None:
            ours.set_major_locator(MultipleLocator(float(about.dtick)))
        if about.type == "log" or about.tickformat:
            ours.set_major_formatter(FuncFormatter(lambda value, _: show(value)))


def number_text(form: str | None, value: float) -> str:
    """Write a number of a tick in a format that our figures use: ".0%", "~%", "~s", "~g", ".2f"."""
    if form in (None, "", "~g"):
        return f"{value:g}"
    if form == "~s":
        return str(EngFormatter(sep="")(value))
    if form == "~%":
        return f"{value * 100:.6g}%"
    return format(value, form)


def _range(frame: Frame, axis: str, about: Any) -> None:
    limit = frame.axes.set_xlim if axis == "x" else frame.axes.set_ylim
    known = frame.categories[axis]
    if about.range is not None:
        low, high = (10**bound if about.type == "log" else bound for bound in about.range)
        limit(low, high)
    elif known is not None:
        limit(-0.6, max(0, len(known) - 1) + 0.6)
    elif about.autorange == "reversed":
        (frame.axes.xaxis if axis == "x" else frame.axes.yaxis).set_inverted(True)
