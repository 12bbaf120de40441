"""Compare's controls and parameters: what the rows are, their amounts, and how maps are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core import CamSpec, ImageRef, PruningSpec, VariantSpec
from core.base.errors import BadSpec
from core.engine import amounts
from core.engine.reference_text import read_reference
from core.figures.strips import SHOWS, Look
from core.pruning import CRITERIA
from core.saliency import CAMS
from core.specs import GRANULARITIES, SCOPES, n_of_m
from pages.parts.common import address, engine, present, references, titles
from pages.parts.common.parameters import Choice, Number, Parameter, Several, Text
from pages.parts.common.widgets import current, number, segments, several, text
from pages.parts.compare import images
from pages.parts.sidebar.amount import series_here
from pages.parts.sidebar.model import listed
from pages.parts.sidebar.reference import references_choice, title_of

ROWS: dict[str, str] = {
    "images": "several images, one heatmap method",
    "cams": "several heatmap methods, one image",
    "prunings": "several pruning methods, one image",
    "schedules": "retrained networks, and networks pruned as far without retraining, one image",
    "references": "several networks to compare with, such as dense networks of three seeds, one image",
}
WAYS = tuple(
    f"{granularity}-{scope}-{criterion}" for granularity in GRANULARITIES for scope in SCOPES for criterion in CRITERIA
)
USUAL_WAYS = ("weight-global-magnitude", "weight-layer-magnitude", "filter-layer-magnitude", "weight-global-random")
USUAL_CAMS = ("grad-cam", "grad-cam++", "layer-cam", "eigen-cam")
MOST_ROWS = 6
ROW_TITLES = {
    "images": "Images",
    "cams": "Heatmap methods",
    "prunings": "Pruning methods",
    "schedules": "Retrained or not",
    "references": "References",
}
SHOW_TITLES = {"overlay": "Overlay", "visible": "Top 10 % only", "difference": "Difference", "cells": "Raw cells"}


OWN: dict[str, Parameter] = {
    "rows": Choice("images", tuple(ROWS), titles=ROW_TITLES),
    "show": Choice("overlay", tuple(SHOWS), titles=SHOW_TITLES),
    "amounts": Text("", ()),
    "count": Number(1, 1, MOST_ROWS),
    "cams": Several(tuple(CAMS), titles=titles.of(CAMS)),
    "ways": Several(WAYS, titles={way: titles.way(way) for way in WAYS}),
}
# Explore's parameters that a list of amounts replaces here.
SLIDERS = ("unit", "sparsity", "fine", "wide", "ratio", "level", "threshold")

Question = tuple[VariantSpec, ImageRef, CamSpec, VariantSpec | None]


@dataclass(frozen=True, kw_only=True)
class RowAsked:
    """One row: its title, and its questions by column (requested sparsity or level)."""

    title: str
    columns: dict[float, Question]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(self.columns.values())


def parameters() -> dict[str, Parameter]:
    """Returns the parameters of this page for the requested model."""
    return {name: known for name, known in address.known().items() if name not in SLIDERS} | OWN | _refs()


def _refs() -> dict[str, Parameter]:
    entry = address.known()["ref"]
    assert isinstance(entry, references.ReferenceText)
    return {"refs": references.ReferenceTexts((), model=entry.model)}


def look(opacity: float) -> Look:
    """Draws the choice of how maps are shown."""
    show = segments("Show", "show", OWN, help=listed(SHOWS, SHOW_TITLES))
    return Look(show=show, opacity=opacity, side_px=260 if present.on() else 196)


def varied() -> dict[str, str]:
    """Returns what the rows vary, by group of the sidebar."""
    kind = current("rows", OWN)
    if kind == "cams":
        return {"Heatmap": "The method varies by row."}
    return {"Pruning": "The pruning varies by row."} if kind in ("prunings", "schedules") else {}


def kind_of_rows() -> str:
    """Draws the choice of what the rows are: a key of ROWS."""
    return segments("Rows", "rows", OWN, help=listed(ROWS, ROW_TITLES), width="content")


def rows_of(kind: str, first: Question, family: PruningSpec) -> list[RowAsked]:
    """Draws the controls for items and amounts and returns the rows.

    Raises BadSpec for amounts that cannot be parsed.
    """
    variant, image, cam, reference = first
    if kind == "schedules":
        return _schedule_rows(first)
    prunings = _amounts(variant, _any_way(family) if kind == "prunings" else family)
    if kind == "cams":
        return [
            _row(CAMS[name].title, (variant, image, replace(cam, method=name), reference), prunings)
            for name in _names("Heatmap methods", "cams")
        ]
    if kind == "prunings":
        return [_pruned_row(way, first, prunings) for way in _names("Pruning methods", "ways")]
    if kind == "references":
        return [
            _row(f"Beside: {title_of(text, variant.model)}", (variant, image, cam, _read(text, variant)), prunings)
            for text in references_choice(variant.model, "refs", MOST_ROWS)
        ]
    count = int(number("Images", "count", OWN, help="Starts with the chosen image."))
    return [
        _row(images.title(each, variant.model), (variant, each, cam, reference), prunings)
        for each in images.following(image, count)
    ]


def _read(text: str, variant: VariantSpec) -> VariantSpec | None:
    return read_reference(text, variant, engine.catalogue())


def _any_way(family: PruningSpec) -> PruningSpec:
    """Returns what all pruning methods share: excluded layers, per-layer sparsities, repair.

    A trained series has none of them.
    """
    return PruningSpec.one_shot(0.0, excluded=family.excluded, overrides=family.overrides, repair=family.repair)


def _amounts(variant: VariantSpec, family: PruningSpec) -> tuple[PruningSpec, ...]:
    found = engine.card(variant.model)
    usual = amounts.usual(found, family, None if family.level is None else series_here(variant.model).last)
    written = text("Amounts", "amounts", OWN, placeholder=usual, help=amounts.ALLOWED)
    return amounts.prunings(written or usual, found, family)


def _names(label: str, name: str) -> list[str]:
    usual = {"cams": USUAL_CAMS, "ways": USUAL_WAYS}[name]
    return list(several(label, name, OWN, placeholder="default: four methods", max_selections=MOST_ROWS) or usual)


def _row(
    title: str, first: Question, prunings: tuple[PruningSpec, ...], columns: tuple[PruningSpec, ...] = ()
) -> RowAsked:
    """columns: prunings that name the columns; by default the row's own."""
    variant, image, cam, reference = first
    asked = [(replace(variant, pruning=pruning), image, cam, reference) for pruning in prunings]
    return RowAsked(title=title, columns=dict(zip(map(_amount, columns or prunings), asked, strict=True)))


def _amount(pruning: PruningSpec) -> float:
    return (pruning.sparsity or 0.0) if pruning.level is None else float(pruning.level)


def _schedule_rows(first: Question) -> list[RowAsked]:
    """Returns a trained series and the dense network pruned to the same sparsities.

    Raises BadSpec if there is no series.
    """
    variant = first[0]
    series = engine.series_of(variant.model)
    if series is None:
        raise BadSpec(
            f"{engine.catalogue().title(variant.model)} has no trained series.",
            "These rows compare retrained networks with networks that were only pruned.",
            "Choose a network with a trained series, or train one on the page Retrain.",
        )
    series = series_here(variant.model)
    levels = _amounts(variant, PruningSpec.at_level(0, series.schedule))
    rows = [_row(titles.SCHEDULES[series.schedule], first, levels)]
    alone = _left_alone(replace(variant, pruning=PruningSpec.at_level(series.last, series.schedule)))
    for scope in SCOPES:
        once = tuple(PruningSpec.one_shot(series.targets[level.level or 0], scope, excluded=alone) for level in levels)
        title = f"Not retrained, {titles.SCOPES[scope].lower()}, L1"
        rows.append(_row(title, first, once, columns=levels))
    return rows


def _left_alone(last: VariantSpec) -> tuple[str, ...]:
    """Returns the weights that a series never prunes, judged by its last level; none if that level
    is dense.
    """
    layers = engine.report(last).layers
    whole = tuple(layer.name for layer in layers if not layer.removed)
    return whole if len(whole) < len(layers) else ()


def _pruned_row(way: str, first: Question, listed: tuple[PruningSpec, ...]) -> RowAsked:
    granularity, scope, criterion = way.split("-", 2)
    fixed = n_of_m(granularity) is not None  # fixes the sparsity of every layer
    again = tuple(
        replace(p, granularity=granularity, scope=scope, criterion=criterion, overrides=() if fixed else p.overrides)
        for p in listed
    )
    return _row(titles.way(way), first, tuple(dict.fromkeys(again)))  # an N:M pattern has only one amount
