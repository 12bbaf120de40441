"""The addresses of candidates in Explore, and of pairs in Compare."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from core import CamSpec, SparsightError, VariantSpec
from core.engine.reference_text import DENSE, write_reference
from core.specs import n_of_m
from core.sweeps.address import has_address
from pages.parts.common import engine, present


def explore_link(variant: VariantSpec, reference: VariantSpec, cam: CamSpec) -> str:
    """Returns the address of a network in Explore beside a reference; "" if none says this."""
    query = explore_query(variant, reference, cam)
    return f"explore?{urlencode(query)}" if query else ""


def explore_query(variant: VariantSpec, reference: VariantSpec, cam: CamSpec) -> dict[str, str]:
    """Returns the parameters of that address; {} if none say this."""
    found, pruning, card = _shared(variant, reference, cam), variant.pruning, engine.card(variant.model)
    if not found:
        return {}
    if pruning.is_trained:
        found |= {"unit": "level", "level": str(pruning.level)}
    else:
        percent, top = 100 * (pruning.sparsity or 0.0), 100 * max(card.grid)
        if top >= 100:
            found |= {"sparsity": f"{percent:g}"}
        elif percent <= top:
            found |= {"fine": f"{percent:g}"}
        else:
            found |= {"wide": "true", "sparsity": f"{percent:g}"}
    return found


def compare_link(variant: VariantSpec, reference: VariantSpec, cam: CamSpec) -> str:
    """Returns the address of two networks in Compare; "" if none says this."""
    found, pruning = _shared(variant, reference, cam), variant.pruning
    if not found:
        return ""
    amount = str(pruning.level) if pruning.is_trained else f"{100 * (pruning.sparsity or 0.0):g}"
    return f"compare?{urlencode(found | ({} if n_of_m(pruning.granularity) else {'amounts': amount}))}"


def _shared(variant: VariantSpec, reference: VariantSpec, cam: CamSpec) -> dict[str, str]:
    """Returns what both addresses say of the networks; {} if they cannot say it."""
    model, pruning, card = variant.model, variant.pruning, engine.card(variant.model)
    if pruning.excluded or pruning.overrides or not has_address(variant, engine.catalogue()):
        return {}
    found = {"model": model.name, "seed": str(model.seed), "cam": cam.method, "layer": card.target_layer}
    found |= {} if card.reads_digits else {"weights": model.weights}
    found |= {"schedule": pruning.schedule} if pruning.is_trained else {"schedule": "one-shot"}
    if pruning.is_one_shot:
        ways = ("granularity", "scope", "criterion", "repair")
        found |= {name: getattr(pruning, name) for name in ways}
    with suppress(SparsightError):
        text = write_reference(variant, None if reference == variant.dense else reference)
        return found | ({} if text == DENSE else {"ref": text}) | ({"present": "1"} if present.on() else {})
    return {}
