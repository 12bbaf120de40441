"""Which files answer for a network, and their stamps."""

from __future__ import annotations

from collections.abc import Callable

from core.models.zoo import card
from core.specs import ModelSpec, VariantSpec
from core.stamps import Stamp, stamp_of
from core.store.files import Files
from core.store.weights import stored_key


class Stamps:
    """Stamps of the files that answer for networks. Safe for threads.

    Args:
        files: where trained networks lie; its folder "downloads" holds downloaded weights.
        exchanged: called with a model when one of its files was exchanged since the last look.
    """

    def __init__(self, files: Files, exchanged: Callable[[ModelSpec], None]) -> None:
        self._files, self._exchanged = files, exchanged
        self._newest: dict[str, Stamp] = {}  # by the key of the file

    def of(self, variant: VariantSpec) -> Stamp:
        """Of the dense network's file, and of the level's for a trained level. Packages and random weights have no file that counts.

        Raises: UnknownName, BadSpec.
        """
        dense = stored_key(variant.dense)
        own = dense if variant.pruning.schedule == "one-shot" else stored_key(variant)
        source = card(variant.model).weights.get(variant.model.weights)
        if source is not None and source.load is not None:
            found = stamp_of(self._files.write_root / "downloads" / source.file) if source.file else ""
        else:
            found = self._files.stamp(dense)
        if own != dense:
            found += f" {self._files.stamp(own)}"
        if self._newest.get(own, found) != found:
            self._exchanged(variant.model)
        self._newest[own] = found
        return found
