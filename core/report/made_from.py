"""What the numbers of a report were computed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def versions_text(versions: Sequence[Mapping[str, Any]]) -> str:
    """Return versions of libraries: "sparsight 0.2.0, torch 2.15.0"; each once."""
    texts = (", ".join(f"{name} {version}" for name, version in each.items()) for each in versions)
    return "; ".join(dict.fromkeys(texts))
