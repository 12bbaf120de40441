"""What people read for the reference of a comparison, within a sentence."""

from __future__ import annotations

from core.base.numbers import percent
from core.models.cards import RANDOM, WEIGHTS_TITLES
from core.models.catalogue import Catalogue
from core.pruning import CRITERIA
from core.results import DENSE_NAME
from core.specs import ModelSpec, PruningSpec, VariantSpec

UNITS = {"weight": "single weights", "kernel": "kernels", "channel": "input channels", "filter": "filters"}
SCOPES = {"global": "all layers together", "layer": "layer by layer"}


def reference_name(catalogue: Catalogue, variant: VariantSpec, reference: VariantSpec) -> str:
    """Return the name of a reference: what it shares with the network is not said again.

    "the dense network"; "the dense network of seed 334"; "level 3 of the same series"; "the same
    network at 30.0 % sparsity"; "SqueezeNet 1.1 (dense)".
    """
    if reference == variant.dense:
        return DENSE_NAME
    pruning, model = reference.pruning, reference.model
    if model == variant.model:
        return _of_the_same(variant.pruning, pruning)
    if (model.name, model.weights) != (variant.model.name, variant.model.weights):
        return f"{_network(catalogue, variant, reference)} ({_amount(pruning, variant.pruning)})"
    if pruning.is_dense:
        return f"{DENSE_NAME} of seed {model.seed}"
    return f"the network of seed {model.seed}, {_amount(pruning, variant.pruning)}"


def candidate_name(catalogue: Catalogue, variant: VariantSpec, beside: ModelSpec) -> str:
    """Return a short name of a network in a list, at the start of a line. What it shares with the
    network `beside` is not said again.

    "Dense"; "Level 3"; "50.0 % of filters"; "Seed 334, level 3"; "SqueezeNet 1.1, 2:4 pattern".
    """
    model, pruning = variant.model, variant.pruning
    parts = []
    if (model.name, model.weights) != (beside.name, beside.weights):
        parts.append(_network(catalogue, VariantSpec(model=beside), VariantSpec(model=model)))
    elif model != beside:
        parts.append(f"seed {model.seed}")
    if not pruning.is_dense or not parts:
        parts.append(_pruned(pruning))
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _pruned(pruning: PruningSpec) -> str:
    """Return how a network is pruned, whatever it is compared with."""
    if not pruning.is_one_shot:
        return _amount(pruning, pruning)
    units = UNITS.get(pruning.granularity)
    parts = [f"{percent(pruning.sparsity or 0.0)} of {units}" if units else f"{pruning.granularity} pattern"]
    if pruning.scope != "global":
        parts.append(SCOPES[pruning.scope])
    if pruning.criterion != "magnitude":
        parts.append(CRITERIA[pruning.criterion].title)
    if pruning.excluded or pruning.overrides:
        parts.append("not all layers alike")
    if pruning.repair != "none":
        parts.append("BatchNorm repaired")
    return ", ".join(parts)


def _of_the_same(own: PruningSpec, pruning: PruningSpec) -> str:
    if pruning.is_trained:
        series = "the same series" if own.schedule == pruning.schedule else "its trained series"
        return f"level {pruning.level} of {series}"
    return f"the same network at {percent(pruning.sparsity or 0.0)} sparsity{_way(pruning, own)}"


def _network(catalogue: Catalogue, variant: VariantSpec, reference: VariantSpec) -> str:
    """Return the title of the reference's network, with weights and seed where the title is not
    enough.
    """
    model, card = reference.model, catalogue.card(reference.model)
    usual, several = card.first_model(model.name).weights, len(card.seeds) > 1 or model.weights == RANDOM
    named = model.weights != usual or model.name == variant.model.name
    weights = f", {WEIGHTS_TITLES.get(model.weights, model.weights)}" if named else ""
    return f"{catalogue.title(model)}{weights}" + (f", seed {model.seed}" if several else "")


def _amount(pruning: PruningSpec, own: PruningSpec) -> str:
    if pruning.is_dense:
        return "dense"
    if pruning.is_trained:
        return f"level {pruning.level}"
    return f"at {percent(pruning.sparsity or 0.0)} sparsity{_way(pruning, own)}"


def _way(pruning: PruningSpec, own: PruningSpec) -> str:
    """Return how the reference was pruned, where the network was pruned in another way."""
    if own.is_dense or own.family == pruning.family:
        return ""
    if own.is_trained:
        return ", without retraining"
    ways = (
        (UNITS.get(pruning.granularity, pruning.granularity), UNITS.get(own.granularity, own.granularity)),
        (CRITERIA[pruning.criterion].title, CRITERIA[own.criterion].title),
        (SCOPES[pruning.scope], SCOPES[own.scope]),
    )
    differing = [way for way, other in ways if way != other]
    return f" ({', '.join(differing or ['other layers or repair'])})"
