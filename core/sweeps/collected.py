"""The answers of one network as they come, batch by batch. They are kept beside its tables every
few seconds, and when the work is stopped, so that whoever computes the network next goes on from
there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from core.base.errors import BadFile, CacheNotWritable, MissingData
from core.data.batches import Inputs
from core.disk.files import Files
from core.evaluation.columns import joined
from core.sweeps.tables import Cell, plugins_of

Missing = dict[Cell, tuple[str, ...]]  # the columns that a table lacks
EVERY_S = 15.0  # between two writes: what a kill costs at most
KEY = "unfinished"
REMARKS = "remarks"  # the fact that holds those on the images that are done
COMPUTED_AGAIN = "The images that it held are computed again now."


class Collected:
    """The missing columns of one network.

    Args:
        missing: what is collected. folder: of the network's tables; None to keep nothing. identity:
            what the answers are computed from (`Sweep.identity`). inputs: the images, whose remarks
            are kept with the answers.
    """

    def __init__(
        self,
        missing: Missing,
        folder: Path | None = None,
        identity: dict[str, Any] | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        self._columns = [(cell, name) for cell, names in missing.items() for name in names]
        asked = [[cell.name, name, plugins_of(cell, name)] for cell, name in self._columns]
        self._facts = json.loads(json.dumps({"asked": asked, "identity": identity}))
        self._files = None if folder is None else Files(folder)
        self._inputs = inputs
        self._rows: list[Tensor] = []
        self._values: list[list[Tensor]] = [[] for _ in self._columns]
        self._kept_at = time.monotonic()
        self._begin()

    def _begin(self) -> None:
        """Take up what was kept of the same question."""
        if self._files is None:
            return
        with suppress(MissingData, BadFile):
            tensors, facts = self._files.load(KEY, COMPUTED_AGAIN)
            remarks = facts.pop(REMARKS, None)
            if facts == self._facts and remarks is not None:
                if self._inputs:
                    self._inputs.recall(remarks)
                self._rows = [tensors["rows"]]
                self._values = [[tensors[str(place)]] for place in range(len(self._columns))]

    @property
    def count(self) -> int:
        """How many images are done."""
        return sum(map(len, self._rows))

    @property
    def rows(self) -> Tensor:
        """The images that are done, (n,)."""
        return torch.cat(self._rows) if self._rows else torch.empty(0, dtype=torch.int64)

    def left(self, rows: Tensor) -> Tensor:
        """Return which of these images are still to be done."""
        return rows[~torch.isin(rows, self.rows)]

    def add(self, rows: Tensor, value: Callable[[Cell, str], Tensor]) -> None:
        """Add a batch. value: computes a column of it."""
        found = [value(cell, name).cpu() for cell, name in self._columns]
        for values, new in zip(self._values, found, strict=True):
            values.append(new)
        self._rows.append(rows)
        if time.monotonic() - self._kept_at >= EVERY_S:
            self._keep()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is done if the block is left early."""
        try:
            yield
        except BaseException:
            with suppress(CacheNotWritable):  # the reason why the block was left counts
                self._keep()
            raise

    def _keep(self) -> None:
        """Raises CacheNotWritable."""
        if self._files is None or not self._rows:
            return
        whole = [torch.cat(values[: len(self._rows)]) for values in self._values]  # a batch may be half added
        tensors = {"rows": self.rows} | {str(at): each for at, each in enumerate(whole)}
        remarks = {REMARKS: self._inputs.remarks() if self._inputs else []}
        self._files.save(KEY, tensors, self._facts | remarks)
        self._kept_at = time.monotonic()

    def frames(self) -> dict[Cell, pandas.DataFrame]:
        """Return a row for every image of each table; those that could not be read have none."""
        found = {cell: {"image": self.rows.numpy()} for cell, _ in self._columns}
        for (cell, name), values in zip(self._columns, self._values, strict=True):
            found[cell][name] = joined(name, values).numpy()
        return {cell: pandas.DataFrame(columns) for cell, columns in found.items()}


def forget(folder: Path) -> None:
    """Delete what was kept of a network whose tables are written. Raises CacheNotWritable."""
    Files(folder).delete(KEY)


def forget_written(folder: Path, is_written: Callable[[str, str], bool]) -> None:
    """Delete what was kept if all of it is in the tables: a kill may have come between the two.

    Args:
        is_written: of the name of a table, and of a column.

    Raises CacheNotWritable.
    """
    files = Files(folder)
    with suppress(MissingData, BadFile):
        if files.exists(KEY) and all(is_written(table, name) for table, name, _ in files.facts(KEY)["asked"]):
            files.delete(KEY)
