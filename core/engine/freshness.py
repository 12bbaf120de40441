"""Which files answer a question: the stamp under which an answer may be kept."""

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
    """Looks at the files that an engine's answers are made of: cards and weights, photographs,
    stored counts.
    """

    store: ModelStore
    pictures: Pictures
    inputs: InputCache
    accuracies: AccuracyTable

    def of(self, variant: VariantSpec, *asked: ImageRef | DataSpec) -> Stamp:
        """The stamp of the files that answer now for a variant, and for images and data sets given
        to it.

        Raises: as the questions themselves do for a network, an image or a data set that is not
        there.
        """
        found, card = [self.store.stamps.of(variant)], self.store.catalogue.card(variant.model)
        for each in asked:
            if isinstance(each, ImageRef):
                found.append(self.pictures.get(each, card).stamp)
            else:
                found += [self.accuracies.stamp(variant.model), self.inputs.stamp(each, card)]
        return "|".join(found)
