"""Which layers matter: each is pruned alone, and the image is looked at again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

import torch

from core.measures import optional, pearson
from core.models.zoo import card
from core.results import Accuracy, Heatmap, LayerEffect
from core.saliency.normalise import normalise
from core.specs import CamSpec, DataSpec, ImageRef, SensitivitySpec, VariantSpec


class Asked(Protocol):
    """Who answers: the engine."""

    def heatmap(self, variant: VariantSpec, image: ImageRef, cam: CamSpec) -> Heatmap: ...
    def accuracy(self, variant: VariantSpec, data: DataSpec) -> Accuracy: ...


def scan(engine: Asked, question: SensitivitySpec, known: Collection[str] = ()) -> Iterator[LayerEffect]:
    """One answer for each layer and sparsity, layers in the network's order, as they come; nothing is computed ahead.

    One heatmap each, that is about one forward pass, and one of the dense network; with a data set its accuracy as well. Whoever stops
    listening stops the work.

    Args:
        known: keys of answers that are there already (`LayerEffect.key`): they are left out.
    Source: one layer at a time, as in Li et al. 2017, Pruning filters for efficient convnets (arXiv:1608.08710), section 3.2.
    """
    for layer, sparsity, variant in steps(question):
        if variant.key not in known:
            yield _effect(engine, question, layer, sparsity, variant)


def steps(question: SensitivitySpec) -> tuple[tuple[str, float, VariantSpec], ...]:
    """Layer, sparsity and variant of every step; their number is the length of the scan."""
    prunable = card(question.variant.model).prunable
    layers = [name for name in prunable if name not in question.variant.pruning.excluded]
    return tuple((layer, sparsity, question.alone(layer, sparsity, prunable)) for layer in layers for sparsity in question.sparsities)


def _effect(engine: Asked, question: SensitivitySpec, layer: str, sparsity: float, variant: VariantSpec) -> LayerEffect:
    dense = engine.heatmap(variant.dense, question.image, question.cam)
    pruned = engine.heatmap(variant, question.image, question.cam)
    top = dense.prediction.top
    return LayerEffect(
        variant=variant, image=question.image, layer=layer, sparsity=sparsity, target_class=top,
        probability_dense=dense.prediction.of(top), probability=pruned.prediction.of(top),
        flipped=pruned.prediction.top != top, similarity=optional(pearson(_cells(dense), _cells(pruned))[0]),
        accuracy=engine.accuracy(variant, question.data) if question.data else None,
    )  # fmt: skip


def _cells(side: Heatmap) -> torch.Tensor:
    """The map at the target layer's own cells, scaled as everywhere, (1, h, w)."""
    raw = torch.from_numpy(side.saliency.copy())[None]
    return normalise(raw, tuple(raw.shape[1:]))[0]
