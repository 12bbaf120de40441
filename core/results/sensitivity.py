"""What pruning one layer alone does."""

from __future__ import annotations

from dataclasses import dataclass

from core.results.data import Accuracy
from core.specs import ImageRef, VariantSpec


@dataclass(frozen=True, kw_only=True)
class LayerEffect:
    """One layer pruned alone, one image.

    layer: name of its weight. sparsity: the share of the layer that was asked for. target_class: what the dense network predicts, and
    its probability in both networks; None where outputs are not finite. similarity: Pearson correlation of the heatmap with the dense
    one at the target layer's cells, None where undefined. accuracy: None where no data set was given.
    """

    variant: VariantSpec
    image: ImageRef
    layer: str
    sparsity: float
    target_class: int | None
    probability_dense: float | None
    probability: float | None
    flipped: bool
    similarity: float | None
    accuracy: Accuracy | None = None

    @property
    def key(self) -> str:
        """Names the answer within its scan."""
        return self.variant.key

    @property
    def probability_change(self) -> float | None:
        """Pruned minus dense, -1 to 1; None where either is unknown."""
        if self.probability is None or self.probability_dense is None:
            return None
        return self.probability - self.probability_dense
