"""Specs: frozen, hashable questions. Each has a readable `key` that names its answer in caches,
files and links.
"""

from core.specs.images import NO_ANSWER, NO_SUCH_CLASS, TARGETS, UNREADABLE, CamSpec, DataSpec, ImageRef
from core.specs.models import ModelSpec, VariantSpec
from core.specs.pruning import GRANULARITIES, REPAIRS, SCHEDULES, SCOPES, TRAINED, PruningSpec, Schedule, n_of_m
from core.specs.retrain import RESETS, RETRAIN_SCHEDULES, Ramp, RetrainSpec
from core.specs.shares import exact_share, whole
from core.specs.training import AUGMENTATIONS, OPTIMISERS, PRECISIONS, RATES, TrainSpec

__all__ = [
    "AUGMENTATIONS",
    "GRANULARITIES",
    "NO_ANSWER",
    "NO_SUCH_CLASS",
    "OPTIMISERS",
    "PRECISIONS",
    "RATES",
    "REPAIRS",
    "RESETS",
    "RETRAIN_SCHEDULES",
    "SCHEDULES",
    "SCOPES",
    "TARGETS",
    "TRAINED",
    "UNREADABLE",
    "CamSpec",
    "DataSpec",
    "ImageRef",
    "ModelSpec",
    "PruningSpec",
    "Ramp",
    "RetrainSpec",
    "Schedule",
    "TrainSpec",
    "VariantSpec",
    "exact_share",
    "n_of_m",
    "whole",
]
