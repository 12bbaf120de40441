"""Stamps of the files of a network, its card included."""

from __future__ import annotations

from collections.abc import Callable

from core.base.stamps import Stamp, stamp_of
from core.models.catalogue import Catalogue
from core.specs import ModelSpec, VariantSpec


class Stamps:
    """Stamps of the files of networks. Thread-safe.

    Args:
        catalogue: the networks and their files; the folder "downloads" holds downloaded weights.
        exchanged: called with a model if one of its files was replaced since the last check.
    """

    def __init__(self, catalogue: Catalogue, exchanged: Callable[[ModelSpec], None]) -> None:
        self._catalogue, self._files, self._exchanged = catalogue, catalogue.files, exchanged
        self._newest: dict[str, Stamp] = {}  # by the key of the file

    def of(self, variant: VariantSpec) -> Stamp:
        """Return the stamp of the card, the dense network's file and, for a trained level, the
        level's file. Packages and random weights have no files.

        A card that was replaced is read first. Raises UnknownName.
        """
        cards = self._catalogue.look_at(variant.model.name)
        model, found = variant.model, self._catalogue.card(variant.model)
        dense = f"{model.key}/{found.dense.key}"
        own = variant.key if variant.pruning.is_trained else dense
        source = found.weights.get(model.weights)
        if source is not None and source.load is not None:
            weights = stamp_of(self._files.write_root / "downloads" / source.file) if source.file else ""
        else:
            weights = self._files.stamp(dense)
        stamp = f"{cards} {weights}" if own == dense else f"{cards} {weights} {self._files.stamp(own)}"
        if self._newest.get(own, stamp) != stamp:
            self._exchanged(model)
        self._newest[own] = stamp
        return stamp
