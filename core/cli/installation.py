"""Facts of the installation: device, folder, registries, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.data.datasets import DATASETS
from core.data.gallery import GALLERY
from core.figures.facts import versions
from core.measures import MEASURES
from core.pruning import CRITERIA
from core.saliency import CAMS

if TYPE_CHECKING:
    from core.engine.engine import Engine


def facts(engine: Engine) -> dict[str, Any]:
    """Return the facts of the installation: device, folder, registries, memory."""
    return {
        "device": engine.device_name,
        "folder": str(engine.folder),
        "versions": versions(),
        "models": {name: entry.summary for name, entry in engine.catalogue.items()},
        "data sets": {name: entry.summary for name, entry in DATASETS.items()},
        "photographs": {name: entry.summary for name, entry in GALLERY.items()},
        "criteria": {name: entry.summary for name, entry in CRITERIA.items()},
        "CAM methods": {name: f"{entry.summary} ({entry.facts['cost']})" for name, entry in CAMS.items()},
        "measures": {name: entry.summary for name, entry in MEASURES.items()},
        "memory": {part.name: f"{part.bytes:,} of {part.budget_bytes:,} bytes" for part in engine.parts()},
    }
