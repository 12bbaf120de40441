"""Convert results to plain facts for JSON: for the command line, downloads and tables."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version
from typing import Any

from core.base.version import VERSION
from core.figures.names import at_start, of
from core.figures.wording import class_name, headline, plain, unsound
from core.results import OVERFLOW_ADVICE, Accuracy, Comparison, CostReport, Heatmap, Latency, MaskReport, Scores

LIBRARIES = ("torch", "torchvision", "grad-cam", "numpy", "safetensors")


def versions() -> dict[str, str]:
    """Return the versions that results are computed with."""
    return {"sparsight": VERSION, "python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def mask_facts(report: MaskReport) -> dict[str, Any]:
    """Return counts and derived numbers."""
    return {
        "kept": report.kept,
        "prunable": report.total,
        "removed": report.removed,
        "already_zero": report.already_zero,
        "sparsity": report.sparsity,
        "density": report.density,
        "parameters_left": report.parameters_left,
        "compression_ratio": _finite(report.compression_ratio),
        "collapsed": report.collapsed,
        "layers": {
            layer.name: {"kept": layer.kept, "total": layer.total, "already_zero": layer.already_zero}
            for layer in report.layers
        },
    }


def heatmap_facts(side: Heatmap) -> dict[str, Any]:
    """Return the prediction and the facts of the map."""
    return {
        "predicted": side.prediction.top,
        "top": [
            {"class": index, "name": class_name(side, index), "probability": _finite(share)}
            for index, share in side.prediction.best()
        ],
        "probabilities": [_finite(round(float(p), 6)) for p in side.prediction.probabilities],
        "target_class": side.target_class,
        "state": side.state,
    }


def comparison_facts(answer: Comparison) -> dict[str, Any]:
    """Return all numbers of one comparison. Undefined scores are null.

    "dense" holds the dense network's answer where it is the reference; another reference's answer
    stands in "reference".
    """
    pruned = answer.pruned
    reference: dict[str, Any] = {
        "name": answer.reference_name,
        "variant": answer.reference.variant.key,
        "cam": answer.reference.cam.key,
        "mapping": [list(pair) for pair in answer.mapping],
    }
    theirs = heatmap_facts(answer.reference) | {
        "overlap": _values(answer.overlap_reference),
        "map": _values(answer.statistics_reference),
    }
    return {
        "headline": plain(headline(answer)),
        "variant": pruned.variant.key,
        "image": pruned.image.key,
        "label": answer.picture.label,
        "cam": pruned.cam.key,
        "mask": mask_facts(answer.mask),
        **({"reference": reference, "dense": theirs} if answer.with_dense else {"reference": reference | theirs}),
        "pruned": heatmap_facts(pruned)
        | {"overlap": _values(answer.overlap_pruned), "map": _values(answer.statistics_pruned)},
        "centre blob": {"overlap": _values(answer.overlap_blob)},
        "similarity": _values(answer.similarity),
        "agreement": vars(answer.agreement) | {"verdict": answer.agreement.verdict.name.lower()},
        "notes": [
            *filter(None, [plain(unsound(answer))]),
            *answer.notes,
            *answer.picture.notes,
            *overflows(answer),
        ],
    }


def overflows(answer: Comparison) -> list[str]:
    """Return which networks give no answer, with advice."""
    return [
        f"{at_start(of(answer, side, 'outputs'))} overflow, so it gives no answer and has no heatmap. {OVERFLOW_ADVICE}"
        for side in (answer.reference, answer.pruned)
        if not side.prediction.answered
    ]


def accuracy_facts(accuracy: Accuracy) -> dict[str, Any]:
    """Return correct answers with counts; unknown values are null. unanswered: images for which the
    network's outputs are not finite.
    """
    return {
        "variant": accuracy.variant.key,
        "data": accuracy.data.key,
        "correct": accuracy.correct,
        "total": accuracy.total,
        "accuracy": accuracy.fraction,
        "interval": [accuracy.low, accuracy.high],
        "top5": accuracy.top5,
        "among": accuracy.among,
        "among_classes": accuracy.among_classes,
        "unanswered": accuracy.unanswered,
        "notes": list(accuracy.notes),
    }


def cost_facts(report: CostReport) -> dict[str, Any]:
    """Return numbers with the zeros in place, and after removal of emptied channels; None if
    unavailable or not requested.
    """
    masked = {
        "parameters": report.parameters,
        "zeros": report.zeros,
        "multiply_adds": report.macs,
        "multiply_adds_left": report.macs_left,
        "dense_file_bytes": report.dense_file_bytes,
        "sparse_file_bytes": report.sparse_file_bytes,
        "time": _time(report.latency),
    }
    smaller = {
        "parameters": report.physical_parameters,
        "zeros": report.physical_zeros,
        "multiply_adds": report.physical_macs,
        "multiply_adds_left": report.physical_macs_left,
        "file_bytes": report.physical_file_bytes,
        "removed_channels": report.removed_channels,
        "largest_difference": report.largest_difference,
        "time": _time(report.physical_latency),
    }
    return {
        "network": report.variant.key,
        "dense time": _time(report.dense_latency),
        "zeros in place": masked,
        "channels removed": smaller,
        "notes": list(report.notes),
    }


def _time(latency: Latency | None) -> dict[str, Any] | None:
    if latency is None:
        return None
    return {"median_ms": latency.median_ms, "p95_ms": latency.p95_ms, "n": latency.n, "device": latency.device}


def _values(scores: Scores) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in scores.values.items()}


def _finite(value: float | None) -> float | None:
    """Return None for values that JSON lacks: NaN and infinity, from an overflowing network."""
    return value if value is not None and math.isfinite(value) else None
