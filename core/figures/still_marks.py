"""What still pictures have beside their traces: lines, areas and notes."""

from __future__ import annotations

from typing import Any

from matplotlib.patches import Rectangle
from matplotlib.transforms import Transform, blended_transform_factory

from core.figures.still_axes import Frame, colour, ink, written
from core.figures.still_traces import DASHES, Unknown

ACROSS = {"left": "left", "center": "center", "right": "right"}
UP = {"top": "top", "middle": "center", "bottom": "bottom"}
THIRD = 1 / 3


def draw_shape(frame: Frame, shape: Any) -> None:
    """Draw a line or an area behind or before the traces."""
    if shape.type not in ("line", "rect"):
        raise Unknown(f"shapes of type {shape.type}")
    (x0, x1), (y0, y1) = (_ends(frame, axis, shape) for axis in ("x", "y"))
    look: dict[str, Any] = {"transform": _transform(frame, shape), "zorder": 0.5 if shape.layer == "below" else 2.2}
    if shape.type == "rect":
        fill = colour(shape.fillcolor, shape.opacity) if shape.fillcolor else "none"
        frame.axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=fill, linewidth=0, **look))
        return
    shade, width = colour(shape.line.color, shape.opacity), 2 if shape.line.width is None else shape.line.width
    limits = frame.axes.get_xlim(), frame.axes.get_ylim()
    frame.axes.plot(
        [x0, x1], [y0, y1], color=shade, linestyle=DASHES[shape.line.dash or "solid"], linewidth=width, **look
    )
    if frame.x.range is not None:
        frame.axes.set_xlim(limits[0])
    if frame.y.range is not None:
        frame.axes.set_ylim(limits[1])


def annotate(frame: Frame, note: Any) -> None:
    """Write a note at its place, with an arrow if it has one."""
    font = note.font
    look: dict[str, Any] = {
        "color": colour(font.color) if font.color else ink(),
        "fontsize": (font.size or 12) - 1,
        "ha": ACROSS.get(note.xanchor) or _anchor(note.x, note.xref, ("left", "center", "right")),
        "va": UP.get(note.yanchor) or _anchor(note.y, note.yref, ("bottom", "center", "top")),
        "annotation_clip": False,
    }
    if note.bgcolor:
        look["bbox"] = {"facecolor": colour(note.bgcolor), "linewidth": 0, "pad": 2}
    at = _at(frame, "x", note.x, note.xref, note=True), _at(frame, "y", note.y, note.yref, note=True)
    where, apart = _transform(frame, note), (0.0, 0.0)
    if note.showarrow is not False:
        apart = (-10.0 if note.ax is None else float(note.ax), 30.0 if note.ay is None else -float(note.ay))
        look |= {"ha": "center", "va": "center"}
        look["arrowprops"] = {"arrowstyle": "->", "color": colour(note.arrowcolor), "linewidth": note.arrowwidth or 1}
    frame.axes.annotate(written(note.text), at, apart, xycoords=where, textcoords="offset points", **look)


def _ends(frame: Frame, axis: str, shape: Any) -> tuple[float, float]:
    first, second = (_at(frame, axis, shape[f"{axis}{end}"], shape[f"{axis}ref"]) for end in (0, 1))
    return first, second


def _at(frame: Frame, axis: str, value: Any, reference: str | None, note: bool = False) -> float:
    """Return the position of a mark. note: on a logarithmic axis, notes lie at their logarithm."""
    if _is_part(reference):
        return float(value)
    place = frame.place(axis, value)
    return float(10**place) if note and (frame.x if axis == "x" else frame.y).type == "log" else place


def _is_part(reference: str | None) -> bool:
    """Return whether a position is a share of the axes, and no value."""
    return reference == "paper" or (reference or "").endswith("domain")


def _transform(frame: Frame, mark: Any) -> Transform:
    axes = frame.axes
    across = axes.transAxes if _is_part(mark.xref) else axes.transData
    up = axes.transAxes if _is_part(mark.yref) else axes.transData
    return blended_transform_factory(across, up)


def _anchor(value: Any, reference: str | None, names: tuple[str, str, str]) -> str:
    """Return which side of a note lies at its place: at an edge of the axes, the inner one."""
    if not _is_part(reference) or THIRD <= value <= 1 - THIRD:
        return names[1]
    return names[0] if value < THIRD else names[2]
