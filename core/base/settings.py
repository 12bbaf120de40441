"""Where things lie: this repository, the networks that come with it, and the folder of caches."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def default_folder() -> Path:
    """Where networks and caches lie: SPARSIGHT_CACHE, or models_cache in the repository."""
    return Path(os.environ.get("SPARSIGHT_CACHE") or REPOSITORY / "models_cache")


def shipped_folder() -> Path:
    """Networks and tables that are part of the repository."""
    return REPOSITORY / "models_cache" / "shipped"
