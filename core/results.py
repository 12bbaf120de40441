"""Answers. Frozen, on the CPU, and each holds the spec it answers. Undefined values are None, never NaN.

Arrays are read-only numpy float32; H, W are pixels of the network's input, h, w cells of the target layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.specs import CamSpec, DataSpec, ImageRef, VariantSpec

Array = NDArray[np.float32]


def frozen_array(values: NDArray) -> Array:
    """A read-only float32 copy."""
    array = np.array(values, dtype=np.float32)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """An image ready for a network: `clean` (H, W) in [0, 1], `seen` the same with background noise, as the network gets it."""

    image: ImageRef
    clean: Array
    seen: Array
    label: int | None
    notes: tuple[str, ...] = ()  # what was done to a person's own image, in plain words


@dataclass(frozen=True, kw_only=True)
class LayerCount:
    """Weights of one prunable layer."""

    name: str
    kept: int
    total: int

    @property
    def sparsity(self) -> float:
        return 1.0 - self.kept / self.total


@dataclass(frozen=True, kw_only=True)
class MaskReport:
    """What a pruning removed, counted from the tensors.

    Sparsity is over the prunable weights, the compression ratio over all parameters (design words).
    `collapsed`: no path of kept weights joins input and output.
    """

    variant: VariantSpec
    layers: tuple[LayerCount, ...]
    other_parameters: int  # biases and all else that is never pruned
    collapsed: bool

    @property
    def kept(self) -> int:
        return sum(layer.kept for layer in self.layers)

    @property
    def total(self) -> int:
        return sum(layer.total for layer in self.layers)

    @property
    def density(self) -> float:
        return self.kept / self.total

    @property
    def sparsity(self) -> float:
        return 1.0 - self.density

    @property
    def compression_ratio(self) -> float:
        """All parameters / parameters left."""
        return (self.total + self.other_parameters) / (self.kept + self.other_parameters)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Softmax probabilities of one variant for one image, (classes,)."""

    variant: VariantSpec
    image: ImageRef
    probabilities: Array

    @property
    def top(self) -> int:
        return int(np.argmax(self.probabilities))

    @property
    def confidence(self) -> float:
        return float(self.probabilities.max())


MAP_STATES: dict[str, str] = {
    "ok": "The map is usable.",
    "empty": "The map is zero everywhere: the method found no evidence for this class at this layer.",
    "constant": "The map has the same value everywhere: it points at nothing.",
    "invalid": "The map holds values that are not numbers: the network's outputs overflow.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Heatmap:
    """Where one variant looks in one image.

    `saliency` (h, w) is the raw map of the method, `map` (H, W) in [0, 1] its resized and scaled form; an empty,
    constant or invalid map stays all zero in `map`, never stretched into noise. `state` is a key of MAP_STATES.
    """

    variant: VariantSpec
    image: ImageRef
    cam: CamSpec
    target_class: int
    saliency: Array
    map: Array
    state: str
    prediction: Prediction


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Values of registered measures by name; None where a measure is undefined."""

    values: Mapping[str, float | None]

    def __getitem__(self, name: str) -> float | None:
        return self.values[name]


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """One image, dense against pruned: all that Explore shows at once.

    overlap: each map with the ink of the clean image; similarity: the two saliency maps with each other, at the target
    layer's own cells; statistics: of each map; curve: Jaccard of each map with the ink over `thresholds`.
    difference: dense.map - pruned.map, (H, W) in [-1, 1].
    """

    picture: Picture
    dense: Heatmap
    pruned: Heatmap
    mask: MaskReport
    difference: Array
    overlap_dense: Scores
    overlap_pruned: Scores
    similarity: Scores
    statistics_dense: Scores
    statistics_pruned: Scores
    thresholds: Array
    curve_dense: tuple[float | None, ...]
    curve_pruned: tuple[float | None, ...]

    @property
    def flipped(self) -> bool:
        return self.dense.prediction.top != self.pruned.prediction.top


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Top-1 accuracy of a variant on a data set: counts, and the bounds of a 95 % Wilson interval."""

    variant: VariantSpec
    data: DataSpec
    correct: int
    total: int
    low: float
    high: float

    @property
    def fraction(self) -> float:
        return self.correct / self.total


@dataclass(frozen=True, kw_only=True)
class CachePart:
    """One tier of the store: bytes in use and allowed, entries, and how often a request was found there."""

    name: str
    bytes: int
    budget_bytes: int
    entries: int
    hits: int
    misses: int
    evicted: int
