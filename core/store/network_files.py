"""The files that a network is made from, for a machine that does not have them."""

from __future__ import annotations

from pathlib import Path

from core.base.errors import BadSpec
from core.disk.files import SUFFIX
from core.models import own
from core.models.cards import RANDOM
from core.specs import VariantSpec
from core.store.store import ModelStore


def network_files(store: ModelStore, variant: VariantSpec) -> dict[str, Path]:
    """Return the weights of a variant and of its dense network, by their place below the folder of
    networks; weights from a package or a seed have none.

    Weights that can be downloaded are downloaded.

    Raises:
        BadSpec: a module of a notebook. MissingData, BadFile, UnknownName.
    """
    model = variant.model
    if model.name.startswith(own.MODULE):
        raise BadSpec(
            "A module of a notebook cannot be sent to another machine.",
            "Its code lies in no file.",
            "Save its weights and add them with `Engine.add_model`.",
        )
    card = store.catalogue.card(model)
    keys = [own.file_key(model.name)] if own.is_file(model.name) else []
    if variant.pruning.is_trained:
        keys.append(store.stored_key(variant))
    found, source = {}, card.weights.get(model.weights)
    if model.weights != RANDOM and (source is None or source.load is None):
        keys.append(store.stored_key(variant.dense))
    if source is not None and source.load is not None and source.file:
        if not source.found(store.downloads):
            source.load(store.downloads, None)
        found[f"{store.downloads.name}/{source.file}"] = store.downloads / source.file
    return found | {f"{key}{SUFFIX}": store.files.find(key) for key in keys}
