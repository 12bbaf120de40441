"""The view in the address bar: names, defaults and allowed values of its parameters. They are a
public format, pinned by a test.

Defaults are part of the format and never change. They differ from the initial view: an address
without any parameter opens START. Every address states network, method and target layer; older
addresses that omit them keep their meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import SparsightError
from core.data.classes import unique_names
from core.data.datasets import photo_sets
from core.data.gallery import GALLERY
from core.models.cards import RANDOM, Card
from core.models.layers import Layer
from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.results import SAME_FROM
from core.saliency import CAMS
from core.specs import GRANULARITIES, REPAIRS, SCOPES, TARGETS, ModelSpec
from core.sweeps.address import ALL, BY_HAND, DEFAULTS, FOLDER, LAYERS_BEFORE
from core.sweeps.read import measure_title
from core.sweeps.spec import ANSWERS
from core.sweeps.spots import TOLERANCE
from core.sweeps.views import MEASURES
from pages.parts.common import engine, references, titles
from pages.parts.common.by_card import by_card
from pages.parts.common.parameters import Choice, Number, Parameter, Several, Stated
from pages.parts.common.series_parameters import of_weights

FIRST_MODEL = DEFAULTS["model"]
START_MODEL = "efficientnet-lite0"
START = {"photo": "coffee", "fine": 30.0, "cam": "grad-cam"}  # the view of a bare address, of that model
PHOTO_SETS = photo_sets()
MORE_PATTERNS = ("1:4", "4:8")  # beside those of GRANULARITIES
RATIOS = (
    1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 40.0, 48.0, 64.0, 80.0,
    100.0,
)  # fmt: skip
FINE_RATIOS = (1.0, 1.02, 1.05, 1.08, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.25, 2.5)

CARD = MODELS[FIRST_MODEL].value


def _names(ratios: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(f"{ratio:g}" for ratio in ratios)


def layer_names(card: Card) -> tuple[str, ...]:
    """Returns the names of layers that can be excluded: two by position, all by name."""
    return "first", "classifier", *(name.removesuffix(".weight") for name in card.prunable)


def by_hand(card: Card) -> dict[str, Parameter]:
    """Returns the parameters for layers with their own amount, and each amount in percent."""
    names = tuple(name.removesuffix(".weight") for name in card.prunable)
    return {"byhand": Several(names), **{f"amount.{name}": Number(BY_HAND, 0.0, 100.0, 0.5) for name in names}}


def layers_of(model: str) -> dict[str, Layer]:
    """Returns the target layers of a model by name, in execution order."""
    return {layer.name: layer for layer in engine.catalogue().named(model).layers}


def _layer_choice(card: Card) -> Stated:
    usual, layers = card.target_layer, [layer.name for layer in card.layers]
    before = LAYERS_BEFORE.get(usual, usual)
    return Stated(before if before in layers else usual, tuple(dict.fromkeys((*layers, usual))), usual)


PARAMETERS: dict[str, Parameter] = {
    "model": Stated(FIRST_MODEL, tuple(MODELS), FIRST_MODEL),
    "weights": Choice(next(iter(CARD.weights)), (next(iter(CARD.weights)),)),
    "unit": Choice("percent", ("percent", "ratio", "level"), titles=titles.UNITS),
    "sparsity": Number(70.0, 0.0, 100.0, 0.1),
    "fine": Number(25.0, 0.0, 60.0, 0.5),
    "wide": Choice("false", ("true", "false")),
    "ratio": Choice("3", _names(RATIOS)),
    "level": Number(5, 0, CARD.levels or 0),
    "source": Choice("digits", ("digits", "own"), titles=titles.SOURCES),
    "photo": Choice("cat", tuple(GALLERY), titles=titles.of(GALLERY)),
    "row": Number(1, 1, 99_999),
    "digit": Choice("7", CARD.classes),
    "nth": Number(1, 1, 500),
    "noise": Choice(DEFAULTS["noise"], ("true", "false")),
    "seed": Choice(str(CARD.seeds[0]), tuple(map(str, CARD.seeds))),
    "ref": references.of_model(CARD.first_model(FIRST_MODEL)),
    "schedule": Choice("one-shot", ("one-shot", "iterative-reset"), titles=titles.SCHEDULES),
    "granularity": Choice(DEFAULTS["granularity"], (*GRANULARITIES, *MORE_PATTERNS), titles=titles.GRANULARITY),
    "excluded": Several(layer_names(CARD), titles=titles.LAYERS),
    **by_hand(CARD),
    "repair": Choice(DEFAULTS["repair"], tuple(REPAIRS), titles=titles.REPAIRS),
    "criterion": Choice(DEFAULTS["criterion"], tuple(CRITERIA), titles=titles.of(CRITERIA)),
    "scope": Choice(DEFAULTS["scope"], tuple(SCOPES), titles=titles.SCOPES),
    "cam": Stated(DEFAULTS["cam"], tuple(CAMS), "grad-cam", titles=titles.of(CAMS)),
    "layer": _layer_choice(CARD),
    "target": Choice(DEFAULTS["target"], (*TARGETS, "class"), titles=titles.TARGETS),
    "class": Choice(CARD.classes[0], CARD.classes),
    "outline": Choice("false", ("true", "false")),
    "opacity": Number(65, 0, 100, 5),
    "threshold": Number(0.5, 0.0, 1.0, 0.02),
    "sweep": Stated(DEFAULTS["sweep"], ("20", "50", "100", "200", "500", "1000", ALL), DEFAULTS["sweep"]),  # images
    "tolerance": Number(100 * TOLERANCE, 0.0, 20.0, 0.5),  # percentage points
    "similar": Number(SAME_FROM, 0.0, 1.0, 0.05),
    "measure": Choice(ANSWERS[0], MEASURES, titles={name: measure_title(name) for name in MEASURES}),
}


@by_card
def of_model(name: str, weights: str = "") -> dict[str, Parameter]:
    """The parameters of a view of this model: the same names everywhere; choices, ranges and
    defaults as the model allows.

    weights: decide which seeds, schedules and levels there are; the model's first weights when left
    out.
    """
    if name == FIRST_MODEL:
        return PARAMETERS
    found = engine.catalogue().named(name)
    top, first = max(found.grid), found.first_model(name).weights
    shared = {name: entry for name, entry in PARAMETERS.items() if name not in by_hand(CARD)}
    return shared | {
        "ratio": Choice("1.25", _names(FINE_RATIOS)) if top < 1 else PARAMETERS["ratio"],
        "fine": Number(min(25.0, top * 100), 0.0, top * 100, 0.5),
        "source": PARAMETERS["source"]
        if found.reads_digits
        else Choice("gallery", ("gallery", "own", FOLDER, *PHOTO_SETS), titles=titles.SOURCES),
        "weights": Choice(
            first,
            tuple(dict.fromkeys((*found.weights, RANDOM))) if not found.reads_digits else (first,),
            titles=titles.WEIGHTS,
        ),
        **of_weights(ModelSpec(name=name, weights=weights or first)),
        "excluded": Several(layer_names(found), titles=titles.LAYERS),
        **by_hand(found),
        "layer": _layer_choice(found),
        "class": Choice(class_names(name)[0], class_names(name)),
    }


@by_card
def class_names(model: str) -> tuple[str, ...]:
    """Returns the classes of a model with unique names: two cranes become "crane (134)" and "crane
    (517)".
    """
    return unique_names(engine.catalogue().named(model).classes)


@dataclass(frozen=True)
class Model(Stated):
    """A network: a listed one, or any other torchvision CNN by name."""

    def problem(self, text: str) -> str | None:
        return None if _is_model(text) else super().problem(text)

    def allows(self, value: object) -> bool:
        return isinstance(value, str) and _is_model(value)


def _is_model(name: str) -> bool:
    try:
        return engine.catalogue().named(name) is not None
    except SparsightError:
        return False


def known() -> dict[str, Parameter]:
    """Returns the parameters of a view for the chosen model, or for the first one."""
    model = str(st.session_state.get("model"))
    model = model if _is_model(model) else FIRST_MODEL
    entry = of_model(model)["weights"]
    assert isinstance(entry, Choice)
    weights = st.session_state.get("weights")
    catalogue = engine.catalogue()
    names = tuple(dict.fromkeys((*catalogue, model)))
    models = Model(FIRST_MODEL, names, FIRST_MODEL, titles=titles.of(catalogue))
    return of_model(model, weights if entry.allows(weights) else entry.default) | {"model": models}


def start() -> dict[str, Any]:
    """Returns the view of an address without parameters."""
    return {"model": START_MODEL, "layer": MODELS[START_MODEL].value.target_layer} | START
