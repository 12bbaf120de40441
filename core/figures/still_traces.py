"""Traces of still pictures: lines and points, bands, intervals, bars and histograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from core.figures.still_axes import Frame, colour, ink, listed, written

DASHES: dict[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 3)),
    "dot": (0, (1.2, 2)),
    "dashdot": (0, (5, 3, 1.2, 3)),
    "longdash": (0, (9, 3)),
    "longdashdot": (0, (9, 3, 1.2, 3)),
}
SYMBOLS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "x": "X", "star": "*"}
SHAPES: dict[str | None, dict[str, str]] = {None: {}, "linear": {}, "hv": {"drawstyle": "steps-post"}}
STROKES = {"line-ns": "|", "x-thin": "x"}  # without an area
SLIM = ("D",)  # drawn larger than its width in pixels
OPEN = "-open"
FADED = 0.5  # opacity of a band without a colour of its own, as plotly draws it


class Unknown(NotImplementedError):
    """A figure has a part that still pictures do not draw."""


def scatter(frame: Frame, trace: Any) -> Any:
    """Draw lines, points, a band down to the trace before, and intervals. Return what the legend
    shows.
    """
    parts = set((trace.mode or "lines+markers").split("+"))
    if parts - {"lines", "markers"} or trace.fill not in (None, "none", "tonexty"):
        raise Unknown(f"mode {trace.mode} with fill {trace.fill}")
    x, y = frame.places("x", trace.x, len(listed(trace.y))), frame.places("y", trace.y)
    if trace.fill == "tonexty":
        _band(frame, trace, x, y)
    _intervals(frame, trace, x, y)
    line = _line(trace) if "lines" in parts and (trace.line.width is None or trace.line.width > 0) else {}
    if line:
        frame.axes.plot(x, y, **line)
    if "markers" in parts:
        _points(frame, trace, x, y)
    if not line and "markers" not in parts:
        return None
    return Line2D([], [], **(line or {"linestyle": ""}), **(_mark(trace) if "markers" in parts else {}))


def bar(frame: Frame, trace: Any) -> Any:
    """Draw bars: beside those of the other traces, on them or over them. Return what the legend
    shows.
    """
    lies = trace.orientation == "h"
    along, up = ("y", "x") if lies else ("x", "y")
    lengths = frame.places(up, trace[up])
    places, mode = frame.places(along, trace[along], len(lengths)), frame.figure.layout.barmode
    others = [other for other in frame.traces if other.type == "bar"]
    thick, base = (1 - (frame.figure.layout.bargap or 0)) * _spacing(places), np.zeros(len(lengths))
    if mode == "stack":
        if (np.nan_to_num(lengths) < 0).any():
            raise Unknown("stacked bars below zero")
        base = _heights(frame, others[: others.index(trace)], places, (along, up))
    elif mode == "overlay" or len(others) == 1:
        thick = thick if trace.width is None else trace.width
    else:
        thick /= len(others)
        places = places + (others.index(trace) - (len(others) - 1) / 2) * thick
    shades = _colours(trace.marker.color, len(lengths))
    start = {"left" if lies else "bottom": base}
    (frame.axes.barh if lies else frame.axes.bar)(places, np.nan_to_num(lengths), thick, color=shades, **start)
    if trace.text is not None:
        _texts(frame, trace.text, places, base + lengths, lies)
    return Patch(color=shades[0] if shades else ink())


def _spacing(places: Any) -> float:
    """Return the smallest distance of two bars, which is the room of one."""
    apart = np.diff(np.unique(places[np.isfinite(places)]))
    return float(apart.min()) if len(apart) else 1.0


def _heights(frame: Frame, below: list[Any], places: Any, axes: tuple[str, str]) -> Any:
    """Return where bars begin that are stacked on others. axes: along the bars, and up."""
    along, up = axes
    heights: dict[float, float] = {}
    for trace in below:
        lengths = np.nan_to_num(frame.places(up, trace[up]))
        for place, length in zip(frame.places(along, trace[along], len(lengths)), lengths, strict=True):
            heights[place] = heights.get(place, 0.0) + length
    return np.array([heights.get(place, 0.0) for place in places])


def histogram(frame: Frame, trace: Any) -> Any:
    """Draw how many values lie in each bin. Return what the legend shows."""
    bins = trace.xbins
    if bins.size is None or frame.figure.layout.barmode != "overlay":
        raise Unknown("a histogram without bins of its own, or stacked")
    edges = np.arange(bins.start, bins.end + bins.size / 2, bins.size)
    shade = colour(trace.marker.color, trace.opacity)
    values = np.asarray(listed(trace.x), dtype=float)
    frame.axes.hist(values[np.isfinite(values)], edges, color=shade, rwidth=1 - (frame.figure.layout.bargap or 0))
    return Patch(color=shade)


TRACES: dict[str, Callable[[Frame, Any], Any]] = {"scatter": scatter, "bar": bar, "histogram": histogram}


def _line(trace: Any) -> dict[str, Any]:
    shade = trace.line.color or (trace.marker.color if isinstance(trace.marker.color, str) else None)
    dash = trace.line.dash or "solid"
    if dash not in DASHES:
        raise Unknown(f"lines with dash {dash}")
    if trace.line.shape not in SHAPES:
        raise Unknown(f"lines with shape {trace.line.shape}")
    width = 2 if trace.line.width is None else trace.line.width
    return {"color": colour(shade, trace.opacity), "linestyle": DASHES[dash], "linewidth": width} | SHAPES[
        trace.line.shape
    ]


def _band(frame: Frame, trace: Any, x: Any, y: Any) -> None:
    before = frame.traces[frame.traces.index(trace) - 1]
    shade = colour(trace.fillcolor) if trace.fillcolor else colour(trace.line.color, FADED)
    shade = (*shade[:3], shade[3] * (1.0 if trace.opacity is None else trace.opacity))
    frame.axes.fill_between(x, frame.places("y", before.y), y, color=shade, linewidth=0)


def _intervals(frame: Frame, trace: Any, x: Any, y: Any) -> None:
    for name in ("error_x", "error_y"):
        error = trace[name]
        if error.array is None:
            continue
        above = np.asarray(listed(error.array), dtype=float)
        below = above if error.arrayminus is None else np.asarray(listed(error.arrayminus), dtype=float)
        own = trace.marker.color if isinstance(trace.marker.color, str) else trace.line.color
        sizes = np.clip(np.nan_to_num(np.stack([below, above])), 0, None)  # rounding can make one negative
        look = {"fmt": "none", "ecolor": colour(error.color or own or trace.line.color), "capsize": error.width or 0}
        width = 1.5 if error.thickness is None else error.thickness
        frame.axes.errorbar(x, y, **{name[-1:] + "err": sizes}, elinewidth=width, **look)


def _symbols(trace: Any, count: int) -> list[str]:
    symbol = trace.marker.symbol
    return [symbol or "circle"] * count if symbol is None or isinstance(symbol, str) else list(symbol)


def _marker(symbol: str) -> str:
    known = SYMBOLS | STROKES
    if symbol.removesuffix(OPEN) not in known:
        raise Unknown(f"points with symbol {symbol}")
    return known[symbol.removesuffix(OPEN)]


def _points(frame: Frame, trace: Any, x: Any, y: Any) -> None:
    marker, symbols = trace.marker, _symbols(trace, len(x))
    opacity = (1.0 if trace.opacity is None else trace.opacity) * (1.0 if marker.opacity is None else marker.opacity)
    shades = _shades(frame, trace, len(x), opacity)
    edge = colour(marker.line.color) if marker.line.color else None
    for symbol in dict.fromkeys(symbols):
        own = [place for place, each in enumerate(symbols) if each == symbol]
        fill = [shades[place] for place in own]
        look: dict[str, Any] = {"c": fill, "edgecolors": edge or fill, "linewidths": marker.line.width or 0}
        if symbol.endswith(OPEN):
            look = {"facecolors": "none", "edgecolors": fill, "linewidths": 1.4}
        if _marker(symbol) in STROKES.values():
            look = {"c": fill, "linewidths": 1.2}
        frame.axes.scatter(x[own], y[own], _area(trace, symbol), marker=_marker(symbol), zorder=2.5, **look)


def _area(trace: Any, symbol: str) -> float:
    size = float(trace.marker.size or 6)
    return (size * (0.8 if _marker(symbol) in SLIM else 1.0)) ** 2


def _shades(frame: Frame, trace: Any, count: int, opacity: float) -> list[Any]:
    marker = trace.marker
    if marker.colorscale is None or marker.color is None or isinstance(marker.color, str):
        return _colours(marker.color or trace.line.color, count, opacity)
    values = np.asarray(listed(marker.color), dtype=float)
    scale = LinearSegmentedColormap.from_list("scale", [(at, colour(text)) for at, text in marker.colorscale])
    norm = Normalize(values.min(), values.max())
    from matplotlib.cm import ScalarMappable

    if marker.colorbar.title.text:
        place = frame.axes.figure.colorbar(ScalarMappable(norm, scale), ax=frame.axes, pad=0.02)
        place.set_label(written(marker.colorbar.title.text), color=ink())
        place.ax.tick_params(colors=ink())
    return [scale(norm(value)) for value in values]


def _colours(asked: Any, count: int, opacity: float | None = None) -> list[Any]:
    if asked is None or isinstance(asked, str):
        return [colour(asked, opacity)] * count
    return [colour(text, opacity) for text in asked]


def _mark(trace: Any) -> dict[str, Any]:
    """Return how the legend shows the points of a trace."""
    symbol = _symbols(trace, 1)[0] if len(_symbols(trace, 1)) else "circle"
    marker = trace.marker
    shade = marker.color if isinstance(marker.color, str) else trace.line.color
    fill = "none" if symbol.endswith(OPEN) else colour(shade, marker.opacity)
    edge = colour(marker.line.color) if marker.line.color else colour(shade)
    size = min(9.0, float(marker.size or 6))
    return {"marker": _marker(symbol), "markersize": size, "markerfacecolor": fill, "markeredgecolor": edge}


def _texts(frame: Frame, texts: Any, places: Any, lengths: Any, lies: bool) -> None:
    words = [texts] * len(places) if isinstance(texts, str) else texts
    for text, place, length in zip(words, places, np.nan_to_num(lengths), strict=True):
        at, apart = ((length, place), (4, 0)) if lies else ((place, length), (0, 3))
        look = {"ha": "left", "va": "center"} if lies else {"ha": "center", "va": "bottom"}
        frame.axes.annotate(written(text), at, apart, textcoords="offset points", color=ink(), fontsize=10, **look)
