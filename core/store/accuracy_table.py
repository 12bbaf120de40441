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
from core.base.errors import CacheNotWritable
from core.base.stamps import Stamp, stamp_of
from core.base.text import first_few
from core.specs import DataSpec, ModelSpec, VariantSpec

COLUMNS = ("pruning", "data", "correct", "total", "network", CHECK)
OLDER = COLUMNS[:-2], COLUMNS[:-1]  # columns of tables without the checksums: their rows are not used
RESTORE = "Delete it, or restore it with `git checkout` if it lies in models_cache/shipped."
NAMED = 3  # damaged lines that a remark names; the others are only counted
DIGITS = 16  # stored digits of the network's checksum


class Row(NamedTuple):
    """Counts of correct answers and of images. network: the first digits of the checksum of the
    evaluated weights' file.
    """

    correct: int
    total: int
    network: str


Rows = dict[tuple[str, str], Row]  # by pruning key and data key


class Stored(NamedTuple):
    """The rows of a table that are whole, and remarks on damage, in sentences."""

    rows: Rows
    remarks: tuple[str, ...]


class AccuracyTable:
    """Counts by pruning key and data key, one CSV file a model: <root>/<model key>/accuracy.csv.

    Args:
        roots: folders to search; a row in an earlier one wins. checksum: returns that of the
            current file of a variant's weights. Rows of other weights are not used.
    """

    def __init__(self, roots: Sequence[Path], checksum: Callable[[VariantSpec], str]) -> None:
        self.roots, self._checksum = tuple(roots), checksum
        self._tables: dict[ModelSpec, tuple[Stamp, tuple[Stored, ...]]] = {}

    def get(self, variant: VariantSpec, data: DataSpec) -> tuple[int, int] | None:
        """Return the stored counts (correct, total) of exactly this network, or None."""
        for rows, _ in self._stored(variant.model):
            row = rows.get((variant.pruning.key, data.key))
            if row is not None and row.network == self._checksum(variant)[:DIGITS]:
                return row.correct, row.total
        return None

    def remarks(self, model: ModelSpec) -> tuple[str, ...]:
        """Return remarks on damage to this model's table, in sentences."""
        return tuple(remark for stored in self._stored(model) for remark in stored.remarks)

    def stamp(self, model: ModelSpec) -> Stamp:
        """Return the stamp of the files of this model's table."""
        return stamp_of(*self._paths(model))

    def _paths(self, model: ModelSpec) -> list[Path]:
        return [root / model.key / "accuracy.csv" for root in self.roots]

    def _stored(self, model: ModelSpec) -> tuple[Stored, ...]:
        """Return the table of each root."""
        stamp = self.stamp(model)
        kept, stored = self._tables.get(model, (None, ()))
        if kept != stamp:
            stored = tuple(map(read_counts, self._paths(model)))
            self._tables[model] = stamp, stored
        return stored


def read_counts(path: Path) -> Stored:
    """Read one table; without rows if there is none. Damaged lines are left out, with a remark."""
    if not path.is_file():
        return Stored({}, ())
    try:
        text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError as error:
        return Stored({}, (_unusable(path, error.strerror or str(error)),))
    head, *lines = text.split("\n")
    columns = tuple(head.split(","))
    if columns in OLDER:
        return Stored({}, ())
    if columns != COLUMNS:
        return Stored({}, (_unusable(path, f"its header is not {','.join(COLUMNS)}"),))
    rows: Rows = {}
    damaged = []
    for number, line in enumerate(lines if lines[-1:] != [""] else lines[:-1], start=2):
        row = _row(line)
        if row is None:
            damaged.append(f"{number:,}")
        else:
            rows[row[0]] = row[1]
    return Stored(rows, _remarks(path, damaged, not text.endswith("\n")))


def _row(line: str) -> tuple[tuple[str, str], Row] | None:
    """Return a row with its key; None if the line is damaged."""
    try:
        (values,) = csv.reader([line], strict=True)
        facts = dict(zip(COLUMNS, values, strict=True))
        row = Row(int(facts["correct"]), int(facts["total"]), facts["network"])
    except (ValueError, csv.Error):
        return None
    if not is_whole(facts) or not 0 <= row.correct <= row.total:
        return None
    return (facts["pruning"], facts["data"]), row


def _remarks(path: Path, damaged: list[str], is_cut: bool) -> tuple[str, ...]:
    if not damaged and not is_cut:
        return ()
    if not damaged:
        return (f"The end of {path} is missing. What it held is counted again where it is needed. {RESTORE}",)
    one = len(damaged) == 1
    what, held = ("Line", "it") if one else ("Lines", "they")
    lines = f"{what} {first_few(damaged, NAMED)} of {path} {'is' if one else 'are'} damaged, so not used."
    return (f"{lines} What {held} held is counted again where it is needed. {RESTORE}",)


def _unusable(path: Path, why: str) -> str:
    return f"{path} cannot be used ({why}). What it held is counted again where it is needed. {RESTORE}"


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
