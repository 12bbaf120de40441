"""Results as plain facts (JSON) and as text, for the command line."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from core.data.datasets import DATASETS
from core.measures import MEASURES
from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.results import Comparison, Heatmap, MaskReport
from core.saliency import CAMS

if TYPE_CHECKING:
    from core.engine import Engine

LIBRARIES = ("torch", "torchvision", "grad-cam", "numpy", "safetensors")


def versions() -> dict[str, str]:
    """What a result was computed with."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def facts(engine: Engine) -> dict[str, Any]:
    """The installation: device, folder, registries, memory."""
    return {
        "device": engine.device_name,
        "folder": str(engine.folder),
        "versions": versions(),
        "models": {name: entry.summary for name, entry in MODELS.items()},
        "data sets": {name: entry.summary for name, entry in DATASETS.items()},
        "criteria": {name: entry.summary for name, entry in CRITERIA.items()},
        "CAM methods": {name: f"{entry.summary} ({entry.facts['cost']})" for name, entry in CAMS.items()},
        "measures": {name: entry.summary for name, entry in MEASURES.items()},
        "memory": {part.name: f"{part.bytes:,} of {part.budget_bytes:,} bytes" for part in engine.parts()},
    }


def mask_facts(report: MaskReport) -> dict[str, Any]:
    """Counts, and what follows from them."""
    return {
        "kept": report.kept,
        "prunable": report.total,
        "sparsity": report.sparsity,
        "density": report.density,
        "compression_ratio": report.compression_ratio,
        "collapsed": report.collapsed,
        "layers": {layer.name: {"kept": layer.kept, "total": layer.total} for layer in report.layers},
    }


def heatmap_facts(side: Heatmap) -> dict[str, Any]:
    """Prediction, and what the map is of."""
    return {
        "predicted": side.prediction.top,
        "probabilities": [round(float(p), 6) for p in side.prediction.probabilities],
        "target_class": side.target_class,
        "state": side.state,
    }


def comparison_facts(answer: Comparison) -> dict[str, Any]:
    """All numbers of one comparison. Undefined scores are null."""
    pruned = answer.pruned
    return {
        "variant": pruned.variant.key,
        "image": pruned.image.key,
        "label": answer.picture.label,
        "cam": pruned.cam.key,
        "mask": mask_facts(answer.mask),
        "dense": heatmap_facts(answer.dense) | {"overlap": dict(answer.overlap_dense.values), "map": dict(answer.statistics_dense.values)},
        "pruned": heatmap_facts(pruned) | {"overlap": dict(answer.overlap_pruned.values), "map": dict(answer.statistics_pruned.values)},
        "similarity": dict(answer.similarity.values),
        "notes": list(answer.picture.notes),
    }


def table(found: dict[str, Any], indent: str = "") -> str:
    """Nested facts as indented text."""
    lines = []
    for name, value in found.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", table(value, indent + "  ")]
        elif value is None:
            lines.append(f"{indent}{name}: undefined")
        else:
            lines.append(f"{indent}{name}: {f'{value:.4f}' if isinstance(value, float) else value}")
    return "\n".join(lines)
