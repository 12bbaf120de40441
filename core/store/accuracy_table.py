"""Tables of results on disk.

The accuracy table: counts of right answers by variant and data set, as CSV.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.base.atomic import replacing
from core.base.errors import BadFile, CacheNotWritable
from core.base.stamps import Stamp, stamp_of
from core.specs import DataSpec, ModelSpec, VariantSpec

COLUMNS = ("pruning", "data", "correct", "total")
Counts = tuple[int, int]
Rows = dict[tuple[str, str], Counts]  # by pruning key and data key


class AccuracyTable:
    """Counts (correct, total) by pruning key and data key, one CSV file a model: <root>/<model
    key>/accuracy.csv.

    Args:
        roots: folders to look in; a row in an earlier one wins.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)
        self._tables: dict[ModelSpec, tuple[Stamp, Rows]] = {}

    def get(self, variant: VariantSpec, data: DataSpec) -> Counts | None:
        """The stored counts, or None. Raises BadFile when the table cannot be read."""
        return self._rows(variant.model).get((variant.pruning.key, data.key))

    def stamp(self, model: ModelSpec) -> Stamp:
        """Of the files of this model's table."""
        return stamp_of(*self._paths(model))

    def _paths(self, model: ModelSpec) -> list[Path]:
        return [root / model.key / "accuracy.csv" for root in self.roots]

    def _rows(self, model: ModelSpec) -> Rows:
        stamp = self.stamp(model)
        kept, rows = self._tables.get(model, (None, {}))
        if kept != stamp:
            rows = {}
            for path in reversed(self._paths(model)):
                rows |= read_counts(path)
            self._tables[model] = stamp, rows
        return rows


def read_counts(path: Path) -> Rows:
    """The rows of one table; empty when there is none.

    Raises BadFile for columns or counts that are not ours.
    """
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        reader = csv.DictReader(text.splitlines())
        if tuple(reader.fieldnames or ()) != COLUMNS or not text.endswith("\n"):
            raise ValueError("its head or its end is missing")
        lines = list(reader)
        rows = {(line["pruning"], line["data"]): (int(line["correct"]), int(line["total"])) for line in lines}
        if not all(0 <= correct <= total for correct, total in rows.values()):
            raise ValueError("more right answers than images")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(
            f"The table {path} cannot be read ({error}).",
            f"Its columns are {', '.join(COLUMNS)}.",
            "Delete it, or restore it with `git checkout` if it lies in models_cache/shipped.",
        ) from error
    return rows


def write_counts(path: Path, rows: Iterable[tuple[str, str, int, int]]) -> None:
    """Writes a table under a temporary name and renames it. Raises CacheNotWritable."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    try:
        with replacing(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise CacheNotWritable(
            f"{path} could not be written ({error}).",
            "The folder must be writable.",
            "Free some space or choose another folder.",
        ) from error
