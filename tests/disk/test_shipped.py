"""Everything that comes with the repository can be read by the present code."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

from core.base.settings import shipped_folder
from core.disk.coding import decode
from core.disk.frames import read_frame
from core.models import description
from core.store.accuracy_table import Rows, read_counts
from core.sweeps.written import read_sweep


def whole(path: Path) -> Rows:
    """Returns the rows of a table without damage."""
    found = read_counts(path)
    assert found.remarks == ()
    return found.rows


PATHS = sorted(path for path in shipped_folder().rglob("*") if path.is_file())
READERS = {
    ".safetensors": lambda path: decode(path.read_bytes()),
    ".parquet": read_frame,
    ".json": lambda path: description.read(path) if path.name == description.FILE else json.loads(path.read_text()),
    ".yaml": read_sweep,
    ".csv": lambda path: whole(path) if path.name == "accuracy.csv" else pandas.read_csv(path),
    ".md": lambda path: path.read_text(encoding="utf-8"),
}


@pytest.mark.parametrize("kind", READERS)
def test_there_are_files_of_this_kind(kind: str) -> None:
    assert any(path.suffix == kind for path in PATHS)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(shipped_folder())))
def test_it_can_be_read(path: str) -> None:
    assert READERS[path.suffix](path) is not None
