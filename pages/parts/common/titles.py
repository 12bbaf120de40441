"""Display names of the ids in an address."""

from __future__ import annotations

from collections.abc import Mapping

from core.base.registry import Entry
from core.data.datasets import DATASETS
from core.models.cards import WEIGHTS_TITLES
from core.pruning import CRITERIA

SCHEDULES = {
    "none": "Dense",
    "one-shot": "One-shot",
    "iterative-reset": "Iterative, weights reset",
    "retrained": "Retrained",
}
SCOPES = {"global": "Global", "layer": "Per layer"}
GRANULARITY = {"weight": "Single weights", "kernel": "Kernels", "channel": "Channels", "filter": "Filters"}
REPAIRS = {"none": "None", "batch-norm": "BatchNorm"}
UNITS = {"percent": "Percent", "ratio": "Compression", "level": "Level"}
TARGETS = {
    "dense": "Dense network's answer",
    "own": "Each network's own answer",
    "label": "True class",
    "class": "A class by name",
}
SOURCES = {
    "digits": "Digits",
    "gallery": "Gallery",
    "own": "Your own",
    "folder": "Your folder",
    **{name: entry.title for name, entry in DATASETS.items() if name != "digits"},
}
WEIGHTS = WEIGHTS_TITLES
LAYERS = {"first": "First layer", "classifier": "Classifier"}


def way(name: str) -> str:
    """Names a pruning method GRANULARITY-SCOPE-CRITERION: "Filters, per layer, Taylor"."""
    granularity, scope, criterion = name.split("-", 2)
    return f"{GRANULARITY.get(granularity, granularity)}, {SCOPES[scope].lower()}, {CRITERIA[criterion].title}"


def of(registry: Mapping[str, Entry]) -> dict[str, str]:
    """Returns the titles of the entries of a registry."""
    return {name: entry.title for name, entry in registry.items()}
