"""The address of a view of Explore as the question that it asks: network, image, heatmap and
reference.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from core.base.errors import BadSpec, UnknownName
from core.base.text import SHOWN, whole_number
from core.data.datasets import DATASETS
from core.data.folders import PREFIX
from core.data.gallery import GALLERY
from core.engine.amounts import sparsity_of_ratio
from core.engine.engine import Engine
from core.models.cards import Card
from core.specs import TRAINED, CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec, n_of_m
from core.specs.images import DIGIT_NOISE
from core.sweeps.address import FOLDER, read_address

OPACITY = 65.0  # percent
# What an address that omits them means, where it does not depend on the network.
USUAL = {"sparsity": "70", "digit": "7", "nth": "1", "photo": "cat", "row": "1"}
FINE_TO = 25.0  # percent: of the slider that ends early


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a view asks. reference: None for the dense network. opacity: of the heatmaps."""

    variant: VariantSpec
    image: ImageRef
    cam: CamSpec
    reference: VariantSpec | None
    opacity: float


def is_address(text: str) -> bool:
    """Return whether a text is the address of a view, and no name and no file."""
    path, question, _ = text.partition("?")
    return bool(question) and path.rstrip("/").rpartition("/")[2] == "explore"


def read_view(link: str, engine: Engine) -> Asked:
    """Read the address of a view, as the browser or **Copy link** gives it.

    Raises:
        BadSpec, UnknownName: the address names something that is not known, or an uploaded image.
    """
    view = read_address(link, engine.catalogue)
    said = {name: texts[-1] for name, texts in parse_qs(urlsplit(link).query).items()}
    model = view.variant.model
    card = engine.card(model)
    opacity = _number(said, "opacity", OPACITY) / 100
    return Asked(
        variant=VariantSpec(model=model, pruning=_amount(said, view.variant.pruning, model, engine)),
        image=_image(said, card, engine),
        cam=view.cam,
        reference=view.reference,
        opacity=min(1.0, max(0.0, opacity)),
    )


def _amount(said: dict[str, str], family: PruningSpec, model: ModelSpec, engine: Engine) -> PruningSpec:
    """Return the family with the amount that the chosen slider has."""
    if family.is_one_shot and n_of_m(family.granularity):
        return family
    card, series = engine.card(model), engine.catalogue.series_of(model)
    trained = family.schedule in TRAINED and series is not None
    unit = said.get("unit", "level" if family.schedule == "retrained" else "percent")
    if unit == "level" and series is not None:
        level = whole_number(said.get("level", str(min((card.levels or 0) // 2, series.last))))
        if level is None or level > series.last:
            raise BadSpec(
                f"There is no level '{said.get('level', '')[:SHOWN]}' in this series.",
                f"Its levels are 0 to {series.last}.",
                "Copy the link again.",
            )
        return replace(family, level=level) if trained else replace(family, sparsity=series.targets[level])
    if unit == "ratio":
        sparsity = sparsity_of_ratio(card, _number(said, "ratio", 1.25 if max(card.grid) < 1 else 3.0))
    else:
        sparsity = _percent(said, card, family) / 100
    if trained and series is not None:
        nearest = min(range(len(series.targets)), key=lambda level: abs(series.targets[level] - sparsity))
        return replace(family, level=nearest)
    return replace(family, sparsity=sparsity)


def _percent(said: dict[str, str], card: Card, family: PruningSpec) -> float:
    """Return the percentage of the slider that the view shows: the fine one, or the whole one."""
    top = max(card.grid) * 100
    wide = said.get("wide", "true" if "sparsity" in said else "false") == "true"
    if family.is_one_shot and top < 100 and not wide:
        return _number(said, "fine", min(FINE_TO, top))
    return _number(said, "sparsity", float(USUAL["sparsity"]))


def _image(said: dict[str, str], card: Card, engine: Engine) -> ImageRef:
    source = said.get("source", "digits" if card.reads_digits else "gallery")
    if source == "digits" and card.reads_digits:
        digit, nth = (said.get(name, USUAL[name]) for name in ("digit", "nth"))
        rows = [row for row, label in enumerate(engine.gallery().labels.tolist()) if str(label) == digit]
        noise = DIGIT_NOISE if said.get("noise", "true").lower() == "true" else 0.0
        return ImageRef(name=_one_of(rows, nth, f"digit {digit[:SHOWN]}"), noise=noise)
    if source == "gallery":
        name = said.get("photo", USUAL["photo"])
        GALLERY[name]  # raises
        return ImageRef(source="gallery", name=name)
    named = os.environ.get("SPARSIGHT_PHOTOS", "")
    if source in DATASETS or (source == FOLDER and named):
        row = whole_number(said.get("row", USUAL["row"])) or 1
        return ImageRef(source=f"{PREFIX}{named}" if source == FOLDER else source, name=str(row - 1))
    if source == "own":
        raise BadSpec(
            "The image of this view was uploaded, and its address does not hold it.",
            "A report on the command line needs an included image, or one of a data set.",
            "Save the report on the page Explore, or choose another image.",
        )
    raise UnknownName("source of images", source, ["digits", "gallery", *DATASETS])


def _one_of(rows: list[int], nth: str, noun: str) -> str:
    number = whole_number(nth)
    if number is None or not 1 <= number <= len(rows):
        raise BadSpec(
            f"There is no number {nth[:SHOWN]} of {noun}.", f"There are {len(rows):,} of them.", "Copy the link again."
        )
    return str(rows[number - 1])


def _number(said: dict[str, str], name: str, usual: float) -> float:
    """Return the value of a slider. Raises BadSpec."""
    try:
        value = float(said.get(name, usual))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadSpec(f"{name}={said[name][:SHOWN]} is no number.", "It is a number.", "Copy the link again.")
    return value
