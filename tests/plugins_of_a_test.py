"""Plugins in this process, and their end: what a restart does."""

from __future__ import annotations

from core.base import plugins
from core.data.datasets import DATASETS
from core.evaluation.columns import COLUMNS
from core.measures import MEASURES
from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.saliency import CAMS

REGISTRIES = (MODELS, DATASETS, MEASURES, COLUMNS, CRITERIA, CAMS)


def entries() -> dict[str, list[str]]:
    """The names of every registry, by its noun and place."""
    return {f"{registry.noun} {place}": list(registry) for place, registry in enumerate(REGISTRIES)}


def forget() -> None:
    """Withdraw everything that plugins registered, as if the process had ended."""
    for registry in REGISTRIES:
        for name in [name for name, entry in registry.items() if entry.plugin]:
            registry.withdraw(name)
    plugins._LOADED.clear()
