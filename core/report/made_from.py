"""What the numbers of a report were computed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pandas import DataFrame

from core.base.checks import check_of


def versions_text(versions: Sequence[Mapping[str, Any]]) -> str:
    """Return versions of libraries: "sparsight 0.2.0, torch 2.15.0"; each once."""
    texts = (", ".join(f"{name} {version}" for name, version in each.items()) for each in versions)
    return "; ".join(dict.fromkeys(texts))


def tables_checksum(*tables: DataFrame) -> str:
    """Return the checksum of tables, which tells whether two reports have the same numbers."""
    return check_of([table.to_csv(index=False) for table in tables])
