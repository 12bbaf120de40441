"""A network without the channels that pruning emptied, saved as a network of its own."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from core.base.draws import torch_generator
from core.base.errors import BadSpec
from core.base.numbers import percent
from core.engine.cost import smaller
from core.models import own
from core.models.building import fill, skeleton
from core.models.cards import RANDOM, WEIGHTS_TITLES, Card, State, Weights
from core.models.catalogue import Catalogue
from core.models.own import About
from core.models.smaller import Smaller, build, changed, filters
from core.pruning.coupling import CannotRemove
from core.results import RemovalReport
from core.specs import ModelSpec, VariantSpec
from core.store.store import ModelStore

TOLERANCE = 1e-5  # of the largest output, or of 1 if outputs are smaller


def save_smaller(store: ModelStore, variant: VariantSpec, title: str = "") -> ModelSpec:
    """Save a variant, without the channels that pruning emptied, as a network of its own.

    Args:
        title: shown to people; "" for one made from the network's and the share of removed filters.
    Returns:
        the new network; it is the same if it was saved before.
    Raises:
        CannotRemove. BadSpec: no channel is empty, the network is a module of a notebook, or
        networks compute in reduced precision. CacheNotWritable. As `ModelStore.borrow`.
    """
    catalogue = store.catalogue
    architecture = own.architecture_of(catalogue.files, variant.model.name)
    small, report = shrunk(store, variant)
    if not report.layers:
        raise BadSpec(
            "No whole channel of this network is empty, so none can be removed.",
            "A network of its own must be smaller than the one that it comes from.",
            "Prune whole filters, or more.",
        )
    card = catalogue.card(variant.model)
    about = About(architecture=architecture, classes=card.classes, input=card.input, target_layer=card.target_layer)
    full = own.full_builder(about, catalogue.named(architecture))
    described = _described(store, variant, skeleton(full), small)
    state: State = {name: values.detach().cpu().clone() for name, values in small.state_dict().items()}
    check_rebuilt(build(full, described), small, card)
    name = title.strip() or f"{described.title}, {share(described.removed / described.filters_before)} removed"
    return catalogue.add_smaller(state, replace(about, title=name), described)


def shrunk(store: ModelStore, variant: VariantSpec) -> tuple[nn.Module, RemovalReport]:
    """Return a copy of a variant on the CPU without the channels that pruning emptied.

    Raises as `save_smaller`.
    """
    check_precision(store)
    small, report = smaller(store, variant)
    small._forward_pre_hooks.clear()  # copied from the lent network: it asks whether work was stopped
    return small.cpu(), report


def check_precision(store: ModelStore) -> None:
    """Raise BadSpec if networks compute in reduced precision: a file would hold rounded values."""
    if store.precision != "float32":
        raise BadSpec(
            f"Networks compute in {store.precision} here.",
            "Files that leave Sparsight hold float32 values.",
            "Start it without SPARSIGHT_PRECISION, or add --precision float32.",
        )


def check_rebuilt(rebuilt: nn.Module, network: nn.Module, card: Card) -> None:
    """Raise CannotRemove unless a network that was built again gives the same outputs."""
    fill(rebuilt, network.state_dict())
    images = torch.rand(2, *card.input_shape, generator=torch_generator("rebuilt"))
    with torch.no_grad():
        expected, found = network(card.input(images)), rebuilt.eval()(card.input(images))
    difference = float((found - expected).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):
        raise CannotRemove(
            f"The smaller network gives other outputs when it is built again (by {difference:.2g}).",
            "Its architecture depends on more than the sizes of its layers.",
            "Its zeros stay in place; everything else still works.",
        )


def share(part: float) -> str:
    """Return a share of filters: "30 % of filters"."""
    return f"{part:.0%}".replace("%", " %") + " of filters" if 0.01 <= part <= 0.99 else f"{percent(part)} of filters"


def title_of(catalogue: Catalogue, variant: VariantSpec) -> str:
    """Return what people read for a network, with weights, seed and level where the title is not
    enough: "SqueezeNet 1.1", "Small digit CNN (thesis), seed 334, level 20".
    """
    model, card = variant.model, catalogue.card(variant.model)
    usual, series = card.first_model(model.name), catalogue.series_of(model)
    parts = [catalogue.title(model)]
    if model.weights != usual.weights:
        parts.append(WEIGHTS_TITLES.get(model.weights, model.weights))
    if len(series.seeds if series else card.seeds) > 1 or model.weights == RANDOM:
        parts.append(f"seed {model.seed}")
    if variant.pruning.is_trained:
        parts.append(f"level {variant.pruning.level}")
    return ", ".join(parts)


def _described(store: ModelStore, variant: VariantSpec, full: nn.Module, small: nn.Module) -> Smaller:
    catalogue, model = store.catalogue, variant.model
    card, before = catalogue.card(model), own.smaller_of(catalogue.files, model.name)
    weights = card.weights.get(model.weights, Weights(summary="", origin="drawn from a seed, untrained"))
    return Smaller(
        layers=changed(full, small),
        rescales=getattr(small, "transform_input", None),
        title=before.title if before else title_of(catalogue, variant),
        variant=variant.key,
        filters=filters(small, card.classifier),
        filters_before=filters(full, card.classifier),
        origin=weights.origin or "trained by this project",
        licence=weights.licence,
    )
