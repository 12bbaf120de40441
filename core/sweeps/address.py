"""The address of a view of Explore as specs: the parts of it that a sweep asks about.

Names and defaults of an address are a public format, which the pages share with this module.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from core.base.errors import BadSpec, UnknownName
from core.base.text import SHOWN, whole_number
from core.data.classes import unique_names
from core.data.datasets import DATASETS, is_photos
from core.data.folders import PREFIX
from core.engine.reference_text import DENSE, read_reference, write_reference
from core.models.cards import RANDOM, Card, Series
from core.models.catalogue import Catalogue
from core.pruning import CRITERIA
from core.specs import TRAINED, CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec, n_of_m
from core.specs.images import DIGIT_NOISE

# What an address that omits them means.
DEFAULTS = {
    "model": "thesis-cnn",
    "granularity": "weight",
    "scope": "global",
    "criterion": "magnitude",
    "repair": "none",
    "cam": "grad-cam++",
    "target": "dense",
    "noise": "true",
    "ref": "dense",
    "sweep": "100",
}
BY_HAND = 50.0  # percent of a layer with its own amount
# The target layer of addresses that omit it, where the card names a different one today.
LAYERS_BEFORE = {"relu2": "conv2", "_swish.head": "_bn1", "features": "features.norm5"}
# Parameters of a view that a sweep reads, and those that change only the picture or the amount: a
# sweep takes every amount.
READ = (*DEFAULTS, "weights", "seed", "schedule", "excluded", "byhand", "layer", "class", "source")
NOT_READ = (
    *("unit", "sparsity", "fine", "wide", "ratio", "level", "photo", "row", "digit", "nth"),
    *("outline", "opacity", "threshold", "measure", "present"),
)
AMOUNT = "amount."  # begins the parameter of a layer's own amount
FOLDER = "folder"  # as a source: the photographs that SPARSIGHT_PHOTOS names
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Viewed:
    """What a sweep takes from a view. variant: its amount does not matter. data: None if the image
    belongs to no data set. images: None for all. reference: None for the dense network.
    """

    variant: VariantSpec
    cam: CamSpec
    data: DataSpec | None
    images: int | None
    reference: VariantSpec | None


def read_address(link: str, catalogue: Catalogue) -> Viewed:
    """Read the address of a view of Explore, as the browser or **Copy link** gives it.

    Raises:
        BadSpec, UnknownName: the address names something that is not known.
    """
    try:
        parts = urlsplit(link)
    except ValueError:  # half of an IPv6 address
        parts = urlsplit("")
    if parts.path.rstrip("/").rpartition("/")[2] != "explore":
        raise BadSpec(
            f"'{link[:120]}' is no view of Explore.", "Its address ends in /explore?…", "Press Copy link on Explore."
        )
    asked = parse_qs(parts.query)
    for name in asked:
        if name not in (*READ, *NOT_READ) and not name.startswith(AMOUNT):
            raise UnknownName("parameter of a link", name, (*READ, *NOT_READ))
    said = {**DEFAULTS, **{name: texts[-1] for name, texts in asked.items()}}
    card = catalogue.named(said["model"])
    model = _model(said, catalogue)
    asked_images = said["sweep"]
    images = None if asked_images == ALL else whole_number(asked_images)
    if images == 0 or (images is None and asked_images != ALL):
        raise BadSpec(
            f"sweep={asked_images[:SHOWN]} is no number of images.",
            f"It is a whole number, or {ALL}.",
            "Write sweep=100.",
        )
    pruning = _pruning(said, asked, card, catalogue.series_of(model))
    variant = VariantSpec(model=model, pruning=pruning)
    return Viewed(
        variant=variant,
        reference=read_reference(said["ref"], variant, catalogue),
        cam=CamSpec(method=said["cam"], layer=_layer(said, card), target=_target(said, card)),
        data=_data(said, card),
        images=images,
    )


def has_address(variant: VariantSpec, catalogue: Catalogue, reference: VariantSpec | None = None) -> bool:
    """Return whether an address can say which networks are meant: none says the seed of a random
    choice, weights of a network for digits that are not its first ones, or a reference without a
    short name.
    """
    model = variant.model
    digits = catalogue.named(model.name).reads_digits
    try:
        write_reference(variant, reference)
    except BadSpec:
        return False
    return not (variant.pruning.seed or (digits and model.weights != catalogue.default_model(model.name).weights))


def query_of(
    variant: VariantSpec, cam: CamSpec | None = None, reference: VariantSpec | None = None
) -> list[tuple[str, str]]:
    """Return the parameters of the view of Explore that shows a network beside a reference.

    Args:
        cam: the heatmap; by default Explore's own. reference: by default the dense network.
    Raises:
        BadSpec: no address names this reference (`has_address`).
    """
    model, pruning = variant.model, variant.pruning
    found = [("model", model.name), ("weights", model.weights), ("seed", str(model.seed))]
    if pruning.schedule in TRAINED:
        found += [("schedule", pruning.schedule), ("unit", "level"), ("level", str(pruning.level))]
    else:
        found += [("schedule", "one-shot"), ("unit", "percent"), ("sparsity", f"{100 * (pruning.sparsity or 0):g}")]
        names = ("granularity", "scope", "criterion", "repair")
        ranking = {name: getattr(pruning, name) for name in names} if pruning.is_one_shot else {}
        found += [(name, value) for name, value in ranking.items() if value != DEFAULTS[name]]
        found += [("excluded", weight.removesuffix(".weight")) for weight in pruning.excluded]
        for weight, share in pruning.overrides:
            layer = weight.removesuffix(".weight")
            found += [("byhand", layer), (f"{AMOUNT}{layer}", f"{100 * share:g}")]
    if cam is not None:
        target = "class" if isinstance(cam.target, int) else cam.target
        found += [("cam", cam.method), ("target", target), *([("layer", cam.layer)] if cam.layer else [])]
    beside = write_reference(variant, reference)
    return found if beside == DENSE else [*found, ("ref", beside)]


def excluded_weights(card: Card, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the weights of excluded layers: "first" and "classifier" by position, others by name.

    Raises UnknownName.
    """
    names = {name.removesuffix(".weight"): name for name in card.prunable}
    names |= {"first": card.prunable[0], "classifier": card.classifier}
    for name in chosen:
        if name not in names:
            raise UnknownName("layer", name, list(names))
    return tuple(names[name] for name in chosen)


def _model(said: dict[str, str], catalogue: Catalogue) -> ModelSpec:
    card, usual = catalogue.named(said["model"]), catalogue.default_model(said["model"])
    weights = usual.weights if card.reads_digits else said.get("weights", usual.weights)
    if weights not in (*card.weights, RANDOM):
        raise UnknownName("set of weights of this network", weights, list(card.weights))
    series = card.series_of(weights)
    seeds = [str(seed) for seed in (series.seeds if series else card.seeds)]
    seed = said.get("seed", seeds[0])
    if seed not in seeds:
        raise UnknownName("seed of these weights", seed, seeds)
    return ModelSpec(name=said["model"], weights=weights, seed=int(seed))


def _pruning(said: dict[str, str], asked: dict[str, list[str]], card: Card, series: Series | None) -> PruningSpec:
    usual = "retrained" if series and series.schedule == "retrained" else "one-shot"
    schedule = said.get("schedule", usual)
    if schedule not in ("one-shot", series.schedule if series else ""):
        raise UnknownName("schedule of these weights", schedule, ["one-shot", *([series.schedule] if series else [])])
    if schedule in TRAINED:
        return PruningSpec(schedule=series.schedule, level=0) if series else PruningSpec()
    CRITERIA[said["criterion"]]
    pattern = n_of_m(said["granularity"])
    excluded = excluded_weights(card, asked.get("excluded", ()))
    own = [] if pattern else asked.get("byhand", [])
    amounts = {weight: _share(said, name) for name, weight in zip(own, excluded_weights(card, own), strict=True)}
    return PruningSpec.one_shot(
        0.0,
        "global" if pattern else said["scope"],
        said["criterion"],
        granularity=said["granularity"],
        excluded=excluded,
        overrides=tuple((weight, share) for weight, share in amounts.items() if weight not in excluded),
        repair=said["repair"],
    )


def _share(said: dict[str, str], layer: str) -> float:
    text = said.get(f"{AMOUNT}{layer}", f"{BY_HAND:g}")
    try:
        return float(text) / 100
    except ValueError as error:
        raise BadSpec(
            f"amount.{layer}={text[:SHOWN]} is no number.", "It is a percentage.", "Copy the link again."
        ) from error


def _layer(said: dict[str, str], card: Card) -> str:
    names = [layer.name for layer in card.layers]
    before = LAYERS_BEFORE.get(card.target_layer, card.target_layer)
    name = said.get("layer", before if before in names else card.target_layer)
    if name not in (*names, card.target_layer):
        raise UnknownName("target layer", name, names)
    return name


def _target(said: dict[str, str], card: Card) -> str | int:
    if said["target"] != "class":
        return said["target"]
    names = unique_names(card.classes)
    name = said.get("class", names[0])
    if name not in names:
        raise UnknownName("class", name, list(names))
    return names.index(name)


def _data(said: dict[str, str], card: Card) -> DataSpec | None:
    if card.reads_digits:
        return DataSpec(noise=DIGIT_NOISE if said["noise"].lower() == "true" else 0.0)
    source = said.get("source", "")
    if source == FOLDER and (named := os.environ.get("SPARSIGHT_PHOTOS")):
        return DataSpec(name=f"{PREFIX}{named}")
    return DataSpec(name=source) if source in DATASETS and is_photos(source) else None
