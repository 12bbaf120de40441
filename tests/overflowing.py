"""A network whose outputs overflow, written where an engine finds it instead of the one that it was
made from.
"""

from __future__ import annotations

from pathlib import Path

from core.disk.sparse import pack_sparse, unpack_sparse
from core.engine.engine import Engine
from core.specs import VariantSpec

FACTOR = 1e30  # two convolutions in a row take float32 beyond its largest number


def write_overflowing(folder: Path) -> None:
    """The thesis network of seed 333, its convolutions multiplied by FACTOR, in this cache
    folder.
    """
    store = Engine("cpu", folder).store
    files, key = store.files, store.stored_key(VariantSpec())
    tensors, facts = files.load(key)
    weights, mask = unpack_sparse(tensors)
    scaled = {name: values * FACTOR if name.startswith("conv") else values for name, values in weights.items()}
    files.save(key, pack_sparse(scaled, mask), facts)
