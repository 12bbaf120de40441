"""Sparsight's engine: does a pruned network still look at the same things?

from core import Engine, VariantSpec, PruningSpec, ImageRef, CamSpec
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# torch's threads spin while they wait, which makes a heatmap 30 times slower beside any other busy
# process. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.errors import SparsightError
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, TrainSpec, VariantSpec

if TYPE_CHECKING:
    from core.engine import Engine as Engine
    from core.protocols.lukkien_tables import found_studies as found_studies
    from core.protocols.lukkien_tables import load_images as load_images
    from core.protocols.lukkien_tables import load_study as load_study

# What is imported with its first use: torch takes seconds that `python -m core --help` need not
# wait for.
LAZY = {
    "Engine": "core.engine",
    "found_studies": "core.protocols.lukkien_tables",
    "load_images": "core.protocols.lukkien_tables",
    "load_study": "core.protocols.lukkien_tables",
}
__all__ = [
    "CamSpec",
    "DataSpec",
    "ImageRef",
    "ModelSpec",
    "PruningSpec",
    "SparsightError",
    "TrainSpec",
    "VariantSpec",
    *LAZY,
]


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module 'core' has no attribute '{name}'")
    return getattr(import_module(LAZY[name]), name)
