"""Compare the heatmaps of a network and its reference for one picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from core.engine.reference import Aligned
from core.measures import Group, measures_of, optional, probabilities
from core.measures.base import Measure, overlaps_with
from core.measures.overlap import jaccard_curve
from core.measures.similarity import pearson
from core.models.cards import Card
from core.results import Agreement, Array, Comparison, Heatmap, MaskReport, Picture, Prediction, Scores, frozen_array
from core.saliency.baselines import centre_blob
from core.saliency.cams import SaliencyBatch
from core.saliency.normalise import normalise, to_measure
from core.saliency.second import second_method
from core.specs import NO_ANSWER, CamSpec, ImageRef, VariantSpec

THRESHOLDS = torch.linspace(0.0, 1.0, 51)


def compare(picture: Picture, pair: Aligned, mask: MaskReport, reference_class: int | None) -> Comparison:
    """Compute all scores of two heatmaps.

    Overlaps are None if nobody marked the object; all scores of an invalid map are None.

    Args:
        reference_class: predicted by the reference, as a class of the network.
    """
    reference, pruned = pair.reference, pair.pruned
    truth = None if picture.truth is None else _tensor(picture.truth)
    maps = [to_measure(_tensor(side.map), [side.state]) for side in (reference, pruned)]
    cells = [_scaled_cells(side) for side in (reference, pair.pruned_cells)]
    blob = _blob(*pruned.map.shape)
    overlaps = [_overlap(heatmap, truth, picture.truth_kind) for heatmap in (*maps, blob)]
    statistics = [_scores(measures_of(Group.MAP), heatmap) for heatmap in maps]
    curves = [_curve(heatmap, truth) for heatmap in maps]
    return Comparison(
        picture=picture,
        reference=reference,
        pruned=pruned,
        mask=mask,
        difference=frozen_array(reference.map - pruned.map),
        overlap_reference=overlaps[0],
        overlap_pruned=overlaps[1],
        overlap_blob=overlaps[2],
        similarity=_scores(measures_of(Group.SIMILARITY), *cells),
        statistics_reference=statistics[0],
        statistics_pruned=statistics[1],
        thresholds=frozen_array(THRESHOLDS.numpy()),
        curve_reference=curves[0],
        curve_pruned=curves[1],
        agreement=agreement(pair),
        reference_class=reference_class,
    )


def agreement(pair: Aligned) -> Agreement:
    """Measure whether two networks look at the same places, by the method of their heatmaps and a
    second one.
    """
    one, other = pair.reference, pair.pruned_cells
    second = second_method(one.cam.method, one.negative_share)
    values = [
        optional(pearson(_tensor(first), _tensor(other))[0])
        for first, other in ((one.saliency, other.saliency), (one.others[second], other.others[second]))
    ]
    return Agreement(method=one.cam.method, value=values[0], second_method=second, second_value=values[1])


def first_heatmap(question: tuple[VariantSpec, ImageRef, CamSpec], batch: SaliencyBatch, card: Card) -> Heatmap:
    """Return the heatmap of the first image of a batch, with the prediction of the same pass, on
    the CPU.
    """
    variant, image, cam = question
    maps, states = normalise(batch.maps, card.input_px)
    target = int(batch.targets[0])
    return Heatmap(
        variant=variant,
        image=image,
        cam=cam,
        target_class=None if target == NO_ANSWER else target,
        state=states[0],
        saliency=frozen_array(batch.maps[0].float().cpu().numpy()),
        map=frozen_array(maps[0].cpu().numpy()),
        prediction=Prediction(
            variant=variant,
            image=image,
            probabilities=frozen_array(probabilities(batch.logits[:1])[0].cpu().numpy()),
            classes=card.classes,
        ),
        negative_share=float(batch.negative_share[0]),
        others={name: frozen_array(maps[0].float().cpu().numpy()) for name, maps in batch.others.items()},
    )


def as_batch(pixels: Array) -> Tensor:
    """Convert one image (H, W) or (H, W, 3) to a batch (1, channels, H, W)."""
    image = torch.from_numpy(pixels.copy())
    return image[None, None] if image.ndim == 2 else image.permute(2, 0, 1).contiguous()[None]


@lru_cache(maxsize=8)
def _blob(height: int, width: int) -> Tensor:
    """Return the centre blob as a heatmap, (1, height, width)."""
    return normalise(centre_blob(torch.empty(1, 1, height, width), torch.zeros(1)), (height, width))[0]


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(values.copy()).unsqueeze(0)


def _overlap(heatmap: Tensor, truth: Tensor | None, kind: str) -> Scores:
    if truth is None:
        return Scores(values=dict.fromkeys(measures_of(Group.OVERLAP)))
    return _scores(overlaps_with(kind), heatmap, truth)


def _curve(heatmap: Tensor, truth: Tensor | None) -> tuple[float | None, ...]:
    if truth is None:
        return (None,) * len(THRESHOLDS)
    return tuple(map(optional, jaccard_curve(heatmap, truth, THRESHOLDS)[0]))


def _scores(measures: Mapping[str, Measure], *maps: Tensor) -> Scores:
    """Compute measures on maps of one image, (1, H, W) each."""
    return Scores(values={name: optional(measure(*maps)[0]) for name, measure in measures.items()})


def _scaled_cells(side: Heatmap) -> Tensor:
    """Scale the map at the target layer's own cells to [0, 1], (1, h, w)."""
    raw = _tensor(side.saliency)
    return normalise(raw, tuple(raw.shape[1:]))[0]
