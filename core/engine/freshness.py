"""Stamps of the files that a question depends on; answers are cached under them."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.stamps import Stamp
from core.data.inputs import InputCache
from core.data.load_picture import Pictures
from core.specs import DataSpec, ImageRef, VariantSpec
from core.store.accuracy_table import AccuracyTable
from core.store.store import ModelStore


@dataclass(frozen=True, eq=False)
class Freshness:
    """Checks the files that an engine's answers depend on: cards, weights, photographs and stored
    counts.
    """

    store: ModelStore
    pictures: Pictures
    inputs: InputCache
    accuracies: AccuracyTable

    def of(self, variant: VariantSpec, *asked: ImageRef | DataSpec | VariantSpec) -> Stamp:
        """Return the stamp of the current files of a variant and of the images, data sets and
        reference networks given to it.

        Raises: as the questions themselves for a missing network, image or data set.
        """
        found, card = [self.store.stamps.of(variant)], self.store.catalogue.card(variant.model)
        for each in asked:
            if isinstance(each, VariantSpec):
                found.append(self.store.stamps.of(each))
            elif isinstance(each, ImageRef):
                found.append(self.pictures.get(each, card).stamp)
            else:
                found += [self.accuracies.stamp(variant.model), self.inputs.stamp(each, card)]
        return "|".join(found)
