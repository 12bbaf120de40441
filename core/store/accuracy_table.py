"""Tables of results on disk.

The accuracy table: counts of correct answers by variant and data set, as CSV.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from core.base.atomic import replacing
from core.base.checks import CHECK, checked, is_whole
from core.base.errors import BadFile, CacheNotWritable
from core.base.stamps import Stamp, stamp_of
from core.specs import DataSpec, ModelSpec, VariantSpec

COLUMNS = ("pruning", "data", "correct", "total", "network", CHECK)
OLDER = COLUMNS[:-2], COLUMNS[:-1]  # columns of tables without the checksums: their rows are not used
DIGITS = 16  # stored digits of the network's checksum


class Row(NamedTuple):
    """Counts of correct answers and of images. network: the first digits of the checksum of the
    evaluated weights' file.
    """

    correct: int
    total: int
    network: str


Rows = dict[tuple[str, str], Row]  # by pruning key and data key


class AccuracyTable:
    """Counts by pruning key and data key, one CSV file a model: <root>/<model key>/accuracy.csv.

    Args:
        roots: folders to search; a row in an earlier one wins. checksum: returns that of the
            current file of a variant's weights. Rows of other weights are not used.
    """

    def __init__(self, roots: Sequence[Path], checksum: Callable[[VariantSpec], str]) -> None:
        self.roots, self._checksum = tuple(roots), checksum
        self._tables: dict[ModelSpec, tuple[Stamp, tuple[Rows, ...]]] = {}

    def get(self, variant: VariantSpec, data: DataSpec) -> tuple[int, int] | None:
        """Return the stored counts (correct, total) of exactly this network, or None.

        Raises BadFile if the table cannot be read.
        """
        for rows in self._rows(variant.model):
            row = rows.get((variant.pruning.key, data.key))
            if row is not None and row.network == self._checksum(variant)[:DIGITS]:
                return row.correct, row.total
        return None

    def stamp(self, model: ModelSpec) -> Stamp:
        """Return the stamp of the files of this model's table."""
        return stamp_of(*self._paths(model))

    def _paths(self, model: ModelSpec) -> list[Path]:
        return [root / model.key / "accuracy.csv" for root in self.roots]

    def _rows(self, model: ModelSpec) -> tuple[Rows, ...]:
        """Return the rows of each root."""
        stamp = self.stamp(model)
        kept, rows = self._tables.get(model, (None, ()))
        if kept != stamp:
            rows = tuple(map(read_counts, self._paths(model)))
            self._tables[model] = stamp, rows
        return rows


def read_counts(path: Path) -> Rows:
    """Read the rows of one table; empty if there is none.

    Raises BadFile for unexpected columns or counts.
    """
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        reader = csv.DictReader(text.splitlines())
        columns = tuple(reader.fieldnames or ())
        if columns in OLDER:
            return {}
        if columns != COLUMNS or not text.endswith("\n"):
            raise ValueError("its header or its end is missing")
        rows: Rows = {}
        for line in reader:
            if not is_whole(line):
                raise ValueError(f"the checksum of line {reader.line_num} does not match")
            rows[line["pruning"], line["data"]] = Row(int(line["correct"]), int(line["total"]), line["network"])
        if not all(0 <= row.correct <= row.total for row in rows.values()):
            raise ValueError("more correct answers than images")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(
            f"The table {path} cannot be read ({error}).",
            f"Its columns must be {', '.join(COLUMNS)}, as they were written.",
            "Delete it, or restore it with `git checkout` if it lies in models_cache/shipped.",
        ) from error
    return rows


def write_counts(path: Path, rows: Iterable[tuple[str, str, int, int, str]]) -> None:
    """Write a table under a temporary name and rename it. Columns: pruning key, data key, counts,
    checksum of the network.

    Raises CacheNotWritable.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for *facts, network in rows:
        writer.writerow(checked(dict(zip(COLUMNS, map(str, (*facts, network[:DIGITS])), strict=False))))
    try:
        with replacing(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise CacheNotWritable(
            f"{path} could not be written ({error}).",
            "The folder must be writable.",
            "Free some space or choose another folder.",
        ) from error
