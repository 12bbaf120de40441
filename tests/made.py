"""Comparisons made by hand, so that pictures, plots and words are tested without a network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.results import (
    Agreement,
    Comparison,
    Heatmap,
    LayerCount,
    MaskReport,
    Picture,
    Prediction,
    Scores,
    frozen_array,
)
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec

SIDE = 28


def spot(row: int, column: int, height: float = 1.0) -> np.ndarray:
    """(28, 28): a 4 x 4 spot of this height on zero."""
    values = np.zeros((SIDE, SIDE))
    values[row : row + 4, column : column + 4] = height
    return values


@dataclass
class Made:
    """What a comparison is made of; change a field, then `build`."""

    sparsity: float = 0.5
    kept: tuple[int, ...] = (18, 144, 1000)
    already_zero: tuple[int, ...] = (0, 0, 0)
    removed_others: int = 0
    collapsed: bool = False
    dense_map: np.ndarray = field(default_factory=lambda: spot(4, 4))
    pruned_map: np.ndarray = field(default_factory=lambda: spot(4, 4, 0.5))
    dense_state: str = "ok"
    pruned_state: str = "ok"
    dense_says: int = 7
    pruned_says: int = 7
    label: int | None = 7
    agreements: tuple[float | None, float | None] = (0.65, 0.7)  # by Grad-CAM and by Layer-CAM
    cam: CamSpec = field(default_factory=lambda: CamSpec(layer="relu2"))
    negative_share: float = 0.0
    image: ImageRef = field(default_factory=lambda: ImageRef(name="3500"))
    pruning: PruningSpec | None = None
    clean: np.ndarray = field(default_factory=lambda: spot(4, 4))
    truth_kind: str = "ink"  # "" for a picture in which nobody marked the object

    def build(self) -> Comparison:
        variant = VariantSpec(pruning=self.pruning or PruningSpec.one_shot(self.sparsity))
        dense = self._heatmap(variant.dense, self.dense_map, self.dense_state, self.dense_says)
        pruned = self._heatmap(variant, self.pruned_map, self.pruned_state, self.pruned_says)
        totals = (36, 288, 2000)
        names = ("conv1.weight", "conv2.weight", "fc.weight")
        counts = zip(names, self.kept, totals, self.already_zero, strict=True)
        layers = tuple(LayerCount(name=n, kept=k, total=t, already_zero=z) for n, k, t, z in counts)
        thresholds = np.linspace(0, 1, 51)
        return Comparison(
            picture=Picture(
                image=self.image,
                clean=frozen_array(self.clean),
                seen=frozen_array(np.maximum(self.clean, 0.1)),
                label=self.label,
                truth=frozen_array(self.clean if self.clean.ndim == 2 else self.clean.mean(axis=2))
                if self.truth_kind
                else None,
                truth_kind=self.truth_kind,
            ),
            reference=dense,
            pruned=pruned,
            mask=MaskReport(
                variant=variant,
                layers=layers,
                other_parameters=22,
                removed_others=self.removed_others,
                collapsed=self.collapsed,
            ),
            difference=frozen_array(self.dense_map - self.pruned_map),
            overlap_reference=Scores(
                values={"soft-iou": 0.4, "iou-top-p": 0.3, "energy-inside": 0.5, "pointing-game": 1.0}
            ),
            overlap_pruned=Scores(
                values={"soft-iou": 0.2, "iou-top-p": None, "energy-inside": 0.5, "pointing-game": 0.0}
            ),
            overlap_blob=Scores(values={"soft-iou": 0.3, "iou-top-p": 0.1, "energy-inside": 0.4, "pointing-game": 1.0}),
            similarity=Scores(values={"pearson": 0.6, "soft-iou-of-maps": 0.5}),
            statistics_reference=Scores(values={"mean": 0.1}),
            statistics_pruned=Scores(values={"mean": 0.2}),
            thresholds=frozen_array(thresholds),
            curve_reference=tuple(float(1 - t) for t in thresholds),
            curve_pruned=tuple(None if t > 0.9 else float(0.5 - t / 2) for t in thresholds),
            reference_class=self.dense_says if dense.prediction.answered else None,
            agreement=Agreement(
                method=self.cam.method,
                value=self.agreements[0],
                second_method="layer-cam" if self.cam.method == "grad-cam" else "grad-cam",
                second_value=self.agreements[1],
            ),
        )

    def _heatmap(self, variant: VariantSpec, values: np.ndarray, state: str, says: int) -> Heatmap:
        probabilities = np.full(10, 0.02)
        probabilities[says] = 0.82
        prediction = Prediction(
            variant=variant, image=self.image, probabilities=frozen_array(probabilities), classes=tuple("0123456789")
        )
        return Heatmap(
            variant=variant,
            image=self.image,
            cam=self.cam,
            target_class=self.dense_says,
            saliency=frozen_array(values[::3, ::3]),
            map=frozen_array(values),
            state=state,
            prediction=prediction,
            negative_share=self.negative_share,
            others={},
        )
