"""Arrays of results: read-only float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def frozen_array(values: NDArray) -> Array:
    """Return a read-only float32 copy."""
    array = np.array(values, dtype=np.float32)
    array.setflags(write=False)
    return array
