"""Heatmaps and predictions of variants for one image, and their comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.base.brief import brief
from core.base.stamps import Stamp
from core.results.agreement import Agreement
from core.results.arrays import Array
from core.results.images import Picture
from core.results.pruning import MaskReport
from core.specs import CamSpec, ImageRef, VariantSpec

Mapped = tuple[tuple[str, str], ...]  # names of classes: the reference's, the network's
DENSE_NAME = "the dense network"  # the usual reference
OVERFLOW_ADVICE = "Check the weights, or compute in float32 (SPARSIGHT_PRECISION)."


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Softmax probabilities of one variant for one image, (C,); all NaN where the network's outputs
    are not finite. classes: their C names.

    In that case there is no answer: `top` and `confidence` are None, and it never counts as
    correct.
    """

    variant: VariantSpec
    image: ImageRef
    probabilities: Array
    classes: tuple[str, ...]

    @property
    def answered(self) -> bool:
        return bool(np.isfinite(self.probabilities).all())

    @property
    def top(self) -> int | None:
        return int(np.argmax(self.probabilities)) if self.answered else None

    @property
    def confidence(self) -> float | None:
        return float(self.probabilities.max()) if self.answered else None

    def of(self, index: int | None) -> float | None:
        """Return the probability of a class; None without an answer or a class."""
        return None if index is None or not self.answered else float(self.probabilities[index])

    def best(self, count: int = 5) -> list[tuple[int, float]]:
        """Return the most probable classes with their probabilities, in descending order; empty
        without an answer.
        """
        if not self.answered:
            return []
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(index), float(self.probabilities[index])) for index in order]


MAP_STATES: dict[str, str] = {
    "ok": "The map is usable.",
    "empty": "The map is zero everywhere: the method found no evidence for this class at this layer.",
    "constant": "The map has the same value everywhere: it singles out no place.",
    "invalid": "The map contains values that are not finite, so it is not drawn and not scored.",
}


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Heatmap:
    """Where one variant looks in one image.

    `saliency` (h, w) is the raw map of the method, `map` (H, W) in [0, 1] its resized and scaled
    form; an empty, constant or invalid map is all zero in `map`, never stretched into noise.
    `state` is a key of MAP_STATES. `cam` names the layer, even where the question left it to the
    card. `negative_share`: the share of the target layer's values below 0. `others` (h, w): raw
    maps of the possible second methods, from the same pass. `target_class` is None if the map is
    for the network's own answer and it gives none.
    """

    variant: VariantSpec
    image: ImageRef
    cam: CamSpec
    target_class: int | None
    saliency: Array
    map: Array
    state: str
    prediction: Prediction
    negative_share: float
    others: Mapping[str, Array]

    @property
    def usable(self) -> bool:
        """Whether the map shows evidence: neither empty nor constant nor invalid."""
        return self.state == "ok"


@brief
@dataclass(frozen=True, kw_only=True)
class Scores:
    """Values of registered measures by name; None where a measure is undefined."""

    values: Mapping[str, float | None]

    def __getitem__(self, name: str) -> float | None:
        return self.values[name]


@brief
@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Comparison of a network with a reference on one image, as Explore shows it. The reference is
    usually the network before pruning.

    reference_name: what people read for the reference, within a sentence. overlap: of each map with
    the picture's truth (all None without truth), and of a round spot in the middle of the picture,
    which knows nothing of either network; similarity: of the two saliency maps, at the target
    layer's own cells (networks of other cells: `core/engine/reference.py`); statistics: of each
    map; curve: Jaccard of each map with the truth over `thresholds`.
    difference: reference.map - pruned.map, (H, W) in [-1, 1]. agreement: whether both look at the
    same places, by two methods. reference_class: the reference's predicted class as one of the
    network's own; None without an answer, or if the network has no such class.
    notes: remarks on the network itself, and on how the two are compared. mapping: class names of
    the reference, with the network's, as they were stated. stamp: of the files behind the answer
    (core/base/stamps.py).
    """

    picture: Picture
    reference: Heatmap
    pruned: Heatmap
    mask: MaskReport
    difference: Array
    overlap_reference: Scores
    overlap_pruned: Scores
    overlap_blob: Scores
    similarity: Scores
    statistics_reference: Scores
    statistics_pruned: Scores
    thresholds: Array
    curve_reference: tuple[float | None, ...]
    curve_pruned: tuple[float | None, ...]
    agreement: Agreement
    reference_class: int | None
    reference_name: str = DENSE_NAME
    notes: tuple[str, ...] = ()
    mapping: Mapped = ()
    stamp: Stamp = ""

    @property
    def question(self) -> tuple[VariantSpec, ImageRef, CamSpec]:
        """The question, with the target layer by name."""
        return self.pruned.variant, self.pruned.image, self.pruned.cam

    @property
    def with_dense(self) -> bool:
        """Whether the reference is the network's own dense one."""
        return self.reference.variant == self.pruned.variant.dense

    @property
    def against(self) -> tuple[VariantSpec | None, Mapped]:
        """The reference and the stated classes, as `Engine.compare` takes them; None for the
        usual reference.
        """
        return (None, ()) if self.with_dense else (self.reference.variant, self.mapping)

    @property
    def flipped(self) -> bool:
        """Whether the two networks answer differently."""
        answers = self.reference.prediction.answered, self.pruned.prediction.answered
        return answers[0] != answers[1] or self.reference_class != self.pruned.prediction.top
