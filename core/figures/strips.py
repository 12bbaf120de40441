"""Rows of pictures over a list of amounts, as tiles for Compare and as one figure (PNG, SVG) for
export.

A row has the input, the map of the reference (usually the dense network) and one map per amount,
all of one image by one method, on one scale.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from core.base.brief import brief
from core.base.errors import BadSpec, UnknownName
from core.base.numbers import percent, probability, score
from core.figures import maps
from core.figures.names import names
from core.measures.overlap import top
from core.results import Comparison, Heatmap

SHOWS: dict[str, str] = {
    "overlay": "the heatmap over the grey image",
    "visible": "only the top tenth of the heatmap's pixels is visible, the rest is black (Merkle et al.)",
    "difference": "dense minus pruned, purple to orange",
    "cells": "the raw map, one square per cell of the target layer",
}
VISIBLE_SHARE = 0.1
READ_PX = 56  # side of the grid of values that a page reads; a digit's 28 pixels fit twice


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """One picture with its text.

    likeness: Pearson correlation with the reference's map; None for input and reference, and if
    undefined.
    values: (h, w) in [0, 1], shown under the pointer; None for the input.
    """

    title: str
    picture: Image.Image
    alt: str
    lines: tuple[str, ...] = ()
    likeness: float | None = None
    values: NDArray[np.float32] | None = None


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """One row of a figure: its common title and one comparison per amount."""

    title: str
    answers: tuple[Comparison, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How maps are drawn. show: a key of SHOWS. opacity: of overlays. side_px: of a square
    picture.
    """

    show: str = "overlay"
    opacity: float = 0.65
    side_px: int = 196


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """Strips below each other, drawn in the same way. A notebook shows it as rows of pictures."""

    strips: tuple[Strip, ...]
    look: Look

    @property
    def caption(self) -> str:
        """Return the caption that explains the pictures."""
        return f"Shown: {SHOWS[self.look.show]}."


def rows(answers: Mapping[str, Iterable[Comparison]], show: str = "overlay") -> Sheet:
    """Arrange comparisons as rows of pictures: `rows({"one-shot": engine.follow(...)})`.

    Args:
        answers: comparisons of one image by the title of their row. show: a key of SHOWS.
    Raises:
        UnknownName: no such way to show a map. BadSpec: a row has no comparison.
    """
    if show not in SHOWS:
        raise UnknownName("way to show a map", show, SHOWS)
    made = tuple(Strip(title=title, answers=tuple(each)) for title, each in answers.items())
    if empty := [strip.title for strip in made if not strip.answers]:
        raise BadSpec(f"The row {empty[0]} has no comparison.", "A row needs at least one comparison.")
    return Sheet(strips=made, look=Look(show=show))


def visible(side: Heatmap, image: NDArray, share: float = VISIBLE_SHARE) -> NDArray:
    """Return the image (H, W) or (H, W, 3) with all but the strongest `share` of the heatmap's
    pixels black.

    k = floor(share x pixels) remain, ties by position; all are black if the map is not usable.
    Source: Merkle et al., Less is More, occlusion maps (top 10 %: 5,017 of 224 x 224).
    """
    if not side.usable:
        return np.zeros_like(image)
    count = int(share * side.map.size + 1e-9)
    kept = top(torch.from_numpy(side.map.copy()).flatten()[None], count)[0].reshape(side.map.shape).numpy()
    return image * (kept if image.ndim == 2 else kept[..., None])


def tiles(strip: Strip, look: Look) -> list[Tile]:
    """Draw the row as pictures: input, reference, then each amount."""
    first = strip.answers[0]
    label = "" if first.picture.label is None else f"label {_class_name(first.pruned, first.picture.label)}"
    start = [
        Tile(
            title="Input",
            picture=pictures_of(first.picture.seen, look.side_px),
            alt=f"Input of {strip.title}",
            lines=(label,),
        ),
        Tile(
            title=names(first).titles[0],
            picture=_drawn(first, first.reference, look),
            alt=f"{strip.title}: {first.reference_name.removeprefix('the ')}, {SHOWS[look.show]}",
            lines=(_says(first.reference),),
            values=_readable(first.reference.map),
        ),
    ]
    return start + [_tile(strip, answer, look) for answer in strip.answers]


def pictures_of(clean: NDArray, side_px: int) -> Image.Image:
    """Draw an image (H, W) or (H, W, 3) in [0, 1]; pixels of a digit stay sharp."""
    if clean.ndim == 2:
        return maps.grey(clean, side_px).convert("RGB")
    return Image.fromarray((np.clip(clean, 0, 1) * 255).round().astype(np.uint8)).resize(
        (side_px, side_px), Image.Resampling.BICUBIC
    )


def _tile(strip: Strip, answer: Comparison, look: Look) -> Tile:
    at = amount_text(answer)
    values = (answer.difference + 1) / 2 if look.show == "difference" else answer.pruned.map
    return Tile(
        title=at,
        picture=_drawn(answer, answer.pruned, look),
        alt=f"{strip.title} at {at}: {SHOWS[look.show]}",
        lines=(
            f"like {'dense' if answer.with_dense else 'reference'} {_two(answer.similarity['pearson'])}",
            _says(answer.pruned, answer.flipped),
            *_state(answer.pruned),
        ),
        likeness=answer.similarity["pearson"],
        values=_readable(values),
    )


def amount_text(answer: Comparison) -> str:
    """Return the counted sparsity, with a level's number, and with the requested sparsity if the
    network had zeros before.
    """
    mask, pruning = answer.mask, answer.mask.variant.pruning
    counted = percent(mask.sparsity)
    if pruning.is_trained:
        return f"level {pruning.level}, {counted}"
    if pruning.sparsity and mask.was_sparse:
        return f"{counted} ({pruning.sparsity * 100:g} % requested)"
    return counted


def _says(side: Heatmap, changed: bool = False) -> str:
    if side.prediction.confidence is None:
        return "no answer: its outputs overflow"
    verb, sure = "now" if changed else "says", probability(side.prediction.confidence)
    return f"{verb} {_class_name(side, side.prediction.top)}, {sure}"


def _class_name(side: Heatmap, index: int | None) -> str:
    """Return the class name; "" for no class."""
    return "" if index is None else side.prediction.classes[index]


def _state(side: Heatmap) -> tuple[str, ...]:
    return () if side.usable else (f"map is {side.state}",)


def _two(value: float | None) -> str:
    return score(value)


def _drawn(answer: Comparison, side: Heatmap, look: Look) -> Image.Image:
    if look.show == "visible":
        return pictures_of(visible(side, answer.picture.clean), look.side_px)
    if look.show == "cells":
        return maps.cells(side, look.side_px)
    if look.show == "difference" and side is answer.pruned:
        return maps.difference(answer, look.side_px)
    return maps.overlay(side, answer.picture.grey, look.opacity, look.side_px)


def _readable(values: NDArray) -> NDArray[np.float32]:
    """Reduce the map to at most READ_PX x READ_PX cells, each the mean of its pixels."""
    if max(values.shape) <= READ_PX:
        return np.asarray(values, dtype=np.float32)
    return np.asarray(
        Image.fromarray(np.asarray(values, dtype=np.float32)).resize((READ_PX, READ_PX), Image.Resampling.BOX)
    )


def read_out(values: NDArray) -> dict[str, str | int]:
    """Return a grid of values for a page: width, height and base64 of bytes, 0 to 255 for 0 to 1,
    row by row.
    """
    steps = (np.clip(values, 0, 1) * 255).round().astype(np.uint8)
    return {"width": steps.shape[1], "height": steps.shape[0], "steps": base64.b64encode(steps.tobytes()).decode()}


COLUMNS = (
    "row",
    "variant",
    "image",
    "cam",
    "sparsity",
    "kept",
    "compression_ratio",
    "conv_compression_ratio",
    "collapsed",
    "predicted",
    "probability",
    "dense_predicted",
    "reference",
    "state",
    "target_class",
)


def table(strips: Sequence[Strip]) -> str:
    """Return all numbers of the figure as CSV: one line per map; undefined scores are empty."""
    target = io.StringIO()
    rows = [_row(strip, answer) for strip in strips for answer in strip.answers]
    writer = csv.DictWriter(target, list(rows[0]) if rows else COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


def _row(strip: Strip, answer: Comparison) -> dict[str, object]:
    pruned, mask = answer.pruned, answer.mask
    facts: Iterable[object] = (
        strip.title,
        pruned.variant.key,
        pruned.image.key,
        pruned.cam.key,
        mask.sparsity,
        mask.kept,
        mask.compression_ratio,
        mask.conv_compression_ratio,
        mask.collapsed,
        _class_name(pruned, pruned.prediction.top),
        pruned.prediction.confidence,
        _class_name(answer.reference, answer.reference.prediction.top),
        answer.reference.variant.key,
        pruned.state,
        _class_name(pruned, pruned.target_class),
    )
    scores = {f"similarity:{name}": value for name, value in answer.similarity.values.items()}
    scores |= {f"truth:{name}": value for name, value in answer.overlap_pruned.values.items()}
    scores |= {f"map:{name}": value for name, value in answer.statistics_pruned.values.items()}
    return dict(zip(COLUMNS, facts, strict=True)) | scores
