"""`core.explore`: a comparison with a live slider, in one line of a notebook."""

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
    """Show a slider, and below it the comparison of the dense and the pruned network.

    `core.explore("thesis-cnn", 3500)` is all that a cell needs. The slider removes weights, or
    chooses a level if `pruning` is one of a trained series. The answer follows in place; a question
    is dropped when a newer one replaces it.

    Args:
        model: a name or a ModelSpec; defaults to EfficientNet-lite0.
        image: the row of a digit, the name of an included photograph, a file or its content, or an
            ImageRef; defaults to coffee or digit 3500.
        pruning: how weights are removed, and the initial position of the slider; defaults to
            one-shot, global, by magnitude.
        cam: method, target layer and target class; defaults to Grad-CAM.
        engine: answers the questions and knows your own networks; a new one by default.
    Raises:
        SparsightError: ipywidgets is missing. UnknownName, BadSpec, MissingData, BadFile, BadImage:
            from the first comparison.
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
            "It provides the slider; everything else works without it.",
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
