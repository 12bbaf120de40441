"""`core.explore`: a comparison under a live slider, in one line of a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.base.errors import SparsightError
from core.engine.engine import Engine
from core.models.cards import Card
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec

if TYPE_CHECKING:
    from core.figures.notebook.explorer import Explorer

FIRST_MODEL = "efficientnet-lite0"
FIRST_IMAGE = {"photos": "coffee", "digits": "3500"}
FIRST_SPARSITY = {"photos": 0.3, "digits": 0.7}
WIDGETS = "ipywidgets"


def explore(
    model: str | ModelSpec | None = None,
    image: str | int | Path | bytes | ImageRef | None = None,
    pruning: PruningSpec | None = None,
    cam: CamSpec | None = None,
    engine: Engine | None = None,
) -> Explorer:
    """A slider, and below it the comparison of the dense and the pruned network.

    `core.explore("thesis-cnn", 3500)` is all that a cell needs. The slider removes weights, or
    chooses a level where `pruning` is one of a trained series. The answer follows it in place; a
    question that is overtaken by a newer one is dropped.

    Args:
        model: a name or a ModelSpec; EfficientNet-lite0 when left out.
        image: the row of a digit, the name of an included photograph, a file or its content, or an
            ImageRef; coffee, or digit 3500, when left out.
        pruning: how weights go, and where the slider begins; one-shot, global, by magnitude when
            left out.
        cam: method, target layer and target class; Grad-CAM when left out.
        engine: answers, and knows your own networks; a new one when left out.
    Raises:
        SparsightError: ipywidgets is missing. UnknownName, BadSpec, MissingData, BadFile, BadImage:
            as the first comparison does.
    """
    engine = engine or Engine()
    model = engine.catalogue.default_model(model or FIRST_MODEL) if not isinstance(model, ModelSpec) else model
    card = engine.card(model)
    make = _explorer()
    family = pruning or PruningSpec.one_shot(FIRST_SPARSITY[card.images])
    return make(engine, model, _reference(engine, model, image, card), family, cam or CamSpec())


def _explorer() -> type[Explorer]:
    try:
        from core.figures.notebook.explorer import Explorer
    except ModuleNotFoundError as error:
        if error.name != WIDGETS:
            raise
        raise SparsightError(
            f"core.explore needs {WIDGETS}, which is not installed.",
            "It draws the slider; everything else works without it.",
            "Run `pip install -r requirements-notebooks.txt`, and restart the kernel.",
        ) from error
    return Explorer


def _reference(
    engine: Engine, model: ModelSpec, image: str | int | Path | bytes | ImageRef | None, card: Card
) -> ImageRef:
    if isinstance(image, ImageRef):
        return image
    if isinstance(image, Path | bytes):
        return engine.add_image(image if isinstance(image, bytes) else image.read_bytes(), model)
    name = FIRST_IMAGE[card.images] if image is None else str(image)
    return ImageRef(source="digits" if card.reads_digits else "gallery", name=name)
