"""Sparsight's engine: does a pruned network still look at the same things?

from core import Engine, VariantSpec, PruningSpec, ImageRef, CamSpec
"""

from core.engine import Engine
from core.errors import SparsightError
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, TrainSpec, VariantSpec

__all__ = ["CamSpec", "DataSpec", "Engine", "ImageRef", "ModelSpec", "PruningSpec", "SparsightError", "TrainSpec", "VariantSpec"]
