"""Sparsight's engine: does a pruned network still look at the same things?

from core import Engine, VariantSpec, PruningSpec, ImageRef, CamSpec
"""

import os
from typing import TYPE_CHECKING, Any

# torch's threads spin while they wait, which makes a heatmap 30 times slower beside any other busy process. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.errors import SparsightError
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, TrainSpec, VariantSpec

if TYPE_CHECKING:
    from core.engine import Engine

__all__ = ["CamSpec", "DataSpec", "Engine", "ImageRef", "ModelSpec", "PruningSpec", "SparsightError", "TrainSpec", "VariantSpec"]


def __getattr__(name: str) -> Any:
    """The engine comes with its first use: it imports torch, which takes seconds that `python -m core --help` need not wait."""
    if name != "Engine":
        raise AttributeError(f"module 'core' has no attribute '{name}'")
    from core.engine import Engine

    return Engine
