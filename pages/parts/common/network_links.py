"""The addresses of a network in Explore and Compare, beside its reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from core import CamSpec, VariantSpec
from core.specs import n_of_m
from core.sweeps.address import has_address, query_of
from pages.parts.common import engine, present
from pages.parts.common.address import class_names

Query = dict[str, list[str]]
AMOUNTS = ("unit", "sparsity", "level")  # what Explore's address says of the amount; Compare takes a list of amounts


def explore_query(variant: VariantSpec, cam: CamSpec | None = None, reference: VariantSpec | None = None) -> Query:
    """Returns the parameters of a network in Explore; {} if none say which networks are meant.

    Args:
        cam: the heatmap, by default at the model's target layer; without one, Explore's own.
        reference: by default the dense network.
    """
    if not has_address(variant, engine.catalogue(), reference):
        return {}
    found: Query = {}
    if cam is not None:
        cam = replace(cam, layer=cam.layer or engine.card(variant.model).target_layer)
        if isinstance(cam.target, int):
            found["class"] = [class_names(variant.model.name)[cam.target]]
    for name, text in query_of(variant, cam, reference):
        found.setdefault(name, []).append(text)
    return found | ({"present": ["1"]} if present.on() else {})


def explore_link(
    variant: VariantSpec,
    cam: CamSpec | None = None,
    reference: VariantSpec | None = None,
    image: Mapping[str, str] | None = None,
) -> str:
    """Returns the address of a network in Explore; "" if none says which networks are meant.

    image: the parameters of an image, by default Explore's own.
    """
    query = explore_query(variant, cam, reference)
    return f"explore?{urlencode({**query, **(image or {})}, doseq=True)}" if query else ""


def digit(row: int, noise: bool) -> dict[str, str]:
    """Returns the parameters of an embedded digit. noise: whether it has background noise."""
    label = int(engine.engine().gallery().labels[row])
    nth = engine.rows_of_class(label).index(row) + 1
    return {"source": "digits", "digit": str(label), "nth": str(nth), "noise": "true" if noise else "false"}


def compare_link(
    variant: VariantSpec, cam: CamSpec | None = None, reference: VariantSpec | None = None, usual: bool = False
) -> str:
    """Returns the address of a network in Compare; "" if none says which networks are meant.

    usual: at Compare's usual amounts instead of its own.
    """
    query, pruning = explore_query(variant, cam, reference), variant.pruning
    if not query:
        return ""
    query = {name: texts for name, texts in query.items() if name not in AMOUNTS}
    if not (usual or n_of_m(pruning.granularity)):
        query["amounts"] = [str(pruning.level) if pruning.is_trained else f"{100 * (pruning.sparsity or 0):g}"]
    return f"compare?{urlencode(query, doseq=True)}"
