"""Explore without a server: a few images at every sparsity, computed beforehand, in one HTML file.

It shows the same sentences and pictures as Explore, and needs nothing but a browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.base.errors import BadSpec
from core.base.numbers import percent, probability, score
from core.base.progress import Progress, tell
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.figures import maps
from core.figures.names import at_start, names, network
from core.figures.networks import model_text, way_text
from core.figures.wording import accuracy_text, class_name, headline, plain
from core.report.render import in_script, page
from core.report.views import image_title
from core.report.words import html_of, literal
from core.results import Comparison, Heatmap
from core.saliency import CAMS
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.specs.images import DIGIT_NOISE

MOST_BYTES = 10_000_000  # of the file
POINTS = 25  # sparsities beside 0
METHODS = ("grad-cam", "layer-cam")
DIGITS, PHOTOGRAPHS = ModelSpec(), ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0)
DIGIT_PX, PHOTO_PX, QUALITY = 112, 176, 72
OF_MNIST = "MNIST: LeCun, Cortes, Burges, CC BY-SA 3.0, as are the pictures made of it"
FIRST_DIGIT, MOST_DIGITS = 3, 10
NTH = 5  # digit of its class that is shown


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows. photographs: of GALLERY, pruned without retraining. digits: how many, at
    every level of the included series.
    """

    photographs: tuple[str, ...] = ("coffee", "cat", "rocket")
    digits: int = 4

    def __post_init__(self) -> None:
        for name in self.photographs:
            GALLERY[name]  # raises
        if not 0 <= self.digits <= MOST_DIGITS or not (self.digits or self.photographs):
            raise BadSpec(
                f"{self.digits} digits and {len(self.photographs)} photographs cannot be shown.",
                f"There are 0 to {MOST_DIGITS} digits, and at least one image.",
                "Name fewer digits, or a photograph.",
            )


def demo_html(engine: Engine, shown: Shown, progress: Progress = tell) -> str:
    """Return the page as HTML.

    Args:
        progress: called with networks and images done, and of how many.
    Raises:
        MissingData, UnknownName.
    """
    asked = list(_images(engine, shown))
    total = sum(len(points) for _, points in asked) * len(METHODS)
    done, items = 0, []
    for image, points in asked:
        ways = []
        for method in METHODS:
            answers = []
            for point in points:
                answers.append(engine.compare(point, image, CamSpec(method=method)))
                done += 1
                progress(done, total)
            ways.append(answers)
        items.append(_item(engine, ways))
    content = {"items": items, "methods": [CAMS[name].title for name in METHODS]}
    first = items[0]
    place = len(first["points"]) // 2
    return page(
        "demo.html",
        content=in_script(json.dumps(content, ensure_ascii=False)),
        items=items,
        methods=content["methods"],
        first=first,
        place=place,
        shown=first["methods"][0]["steps"][place],
        said=html_of(first["methods"][0]["steps"][place]["text"]),
        device=engine.device_name,
    )


def _images(engine: Engine, shown: Shown) -> Iterator[tuple[ImageRef, tuple[VariantSpec, ...]]]:
    """Yield each image with the networks that look at it."""
    labels = engine.gallery().labels.tolist()
    for place in range(shown.digits):
        digit = (FIRST_DIGIT + place) % MOST_DIGITS
        row = [row for row, label in enumerate(labels) if label == digit][NTH]
        yield ImageRef(name=str(row)), tuple(variant for variant, _ in engine.levels(DIGITS))
    for name in shown.photographs:
        top = max(engine.card(PHOTOGRAPHS).grid)
        amounts = [round(top * step / POINTS, 4) for step in range(POINTS + 1)]
        points = (VariantSpec(model=PHOTOGRAPHS, pruning=PruningSpec.one_shot(amount)) for amount in amounts)
        yield ImageRef(source="gallery", name=name), tuple(points)


def _item(engine: Engine, ways: Sequence[Sequence[Comparison]]) -> dict[str, Any]:
    """Return one image: its pictures, and the steps of each heatmap method."""
    first = ways[0][0]
    variant, title = ways[0][-1].pruned.variant, image_title(first)
    is_digit = first.picture.truth_kind == "ink"
    px = DIGIT_PX if is_digit else PHOTO_PX
    seen = maps.plain(first.picture.seen, px)
    model = engine.catalogue.title(variant.model)
    return {
        "title": title,
        "network": f"{model_text(model, variant.model)}: {way_text(variant.pruning)}",
        "credit": OF_MNIST if is_digit else first.picture.credit or "",
        "input": maps.data_url(maps.png(seen) if is_digit else maps.jpeg(seen, QUALITY)),
        "alt": f"The input: {title}",
        "points": [percent(answer.mask.sparsity) for answer in ways[0]],
        "at": [round(answer.mask.sparsity, 4) for answer in ways[0]],
        "methods": [_way(engine, answers, px) for answers in ways],
    }


def _way(engine: Engine, answers: Sequence[Comparison], px: int) -> dict[str, Any]:
    dense = answers[0]
    return {
        "dense": _overlay(dense.reference, dense, px),
        "says": _says(dense.reference),
        "agreement": [_rounded(answer.similarity["pearson"]) for answer in answers],
        "probability": [_rounded(answer.pruned.prediction.of(answer.reference_class)) for answer in answers],
        "steps": [_step(engine, answer, px) for answer in answers],
    }


def _step(engine: Engine, answer: Comparison, px: int) -> dict[str, Any]:
    """Return what one position of the slider shows."""
    side, text = answer.pruned, headline(answer, literal)
    data = DataSpec(noise=DIGIT_NOISE) if answer.picture.truth_kind == "ink" else None
    known = engine.known_accuracy(side.variant, data) if data else None
    whole = f"Of the embedded digits, {accuracy_text(known)} are read correctly." if known else ""
    at = percent(answer.mask.sparsity)
    return {
        "picture": _overlay(side, answer, px),
        "html": str(html_of(text)),
        "text": text,
        "says": _says(side),
        "alt": f"{at_start(names(answer).own)}: heatmap of {network(answer, side)} at {at} sparsity; it says"
        f" {_says(side)}; agreement of the heatmaps {score(answer.similarity['pearson'])}. {plain(text)}",
        "accuracy": whole,
    }


def _overlay(side: Heatmap, answer: Comparison, px: int) -> str:
    return maps.data_url(maps.jpeg(maps.overlay(side, answer.picture.clean, 0.65, px), QUALITY))


def _says(side: Heatmap) -> str:
    sure = side.prediction.confidence
    return class_name(side, side.prediction.top) + ("" if sure is None else f", {probability(sure)}")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
