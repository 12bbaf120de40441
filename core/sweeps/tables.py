"""Where the answers of a sweep lie: a Parquet file a network and heatmap, one row an image.

<folder>/sweeps/<images>/<model>/<pruning>/answers.parquet, and <heatmap>.parquet beside it; with
another reference than the dense network, answers~<checksum>.parquet. A file belongs to no sweep:
every sweep that asks the same question reads it. Its facts state what it was computed from, so that
a file of other weights or other images is never taken for an answer, nor a column that another
version of a plugin computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas

from core.base.errors import BadFile, MissingData
from core.disk.frames import read_frame, write_frame
from core.evaluation.columns import COLUMNS
from core.saliency import CAMS
from core.saliency.baselines import BASELINES
from core.specs import CamSpec, VariantSpec

FOLDER = "sweeps"
PLUGINS = "plugins"  # the fact that holds them, by column
DIGITS = 16  # of a checksum that stands for another reference in the name of a file


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One table: a network, and the heatmap that is made of every image; None for answers alone.

    reference: what it is compared with; None for the dense network.
    """

    variant: VariantSpec
    cam: CamSpec | None = None
    reference: VariantSpec | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        name = "answers" if self.cam is None else f"{self.cam.method}@{self.cam.layer}-{self.cam.target}"
        if self.reference is None:
            return name
        return f"{name}~{hashlib.sha256(self.reference.key.encode()).hexdigest()[:DIGITS]}"


class Tables:
    """The tables of one set of images.

    Args:
        roots: folders to search; the first one is written. set_key: of the images.
    """

    def __init__(self, roots: Sequence[Path], set_key: str) -> None:
        self._homes = [Path(root) / FOLDER / set_key for root in roots]

    def path(self, cell: Cell, home: int = 0) -> Path:
        variant = cell.variant
        return self._homes[home] / variant.model.key / variant.pruning.key / f"{cell.name}.parquet"

    def lock(self, variant: VariantSpec) -> Path:
        """Return the file that a process locks while it works on a network."""
        return self.path(Cell(variant=variant)).with_name("lock")

    def read(self, cell: Cell, identity: dict[str, Any]) -> tuple[pandas.DataFrame, dict[str, Any]] | None:
        """Return the rows and facts of a table that was computed from these things; else None.

        Args:
            identity: facts of now (`Sweep.identity`); those left out are not compared.
        """
        for home in range(len(self._homes)):
            try:
                frame, facts = read_frame(self.path(cell, home), ("image",))
            except (MissingData, BadFile):
                continue
            if all(facts.get(name) == value for name, value in identity.items()):
                known = facts.get(PLUGINS, {})
                old = [name for name in frame if known.get(name, "") != plugins_of(cell, name)]
                return frame.drop(columns=old), facts
        return None

    def write(self, cell: Cell, frame: pandas.DataFrame, facts: dict[str, Any]) -> None:
        """Write a table, replacing an older one. Raises CacheNotWritable."""
        plugins = {name: found for name in frame if (found := plugins_of(cell, name))}
        write_frame(self.path(cell), frame, facts | ({PLUGINS: plugins} if plugins else {}))


class Remembered(Tables):
    """Tables of which each is read once: for one look at a sweep, while nothing is written."""

    def __init__(self, roots: Sequence[Path], set_key: str) -> None:
        super().__init__(roots, set_key)
        self._known: dict[Cell, tuple[pandas.DataFrame, dict[str, Any]] | None] = {}

    def read(self, cell: Cell, identity: dict[str, Any]) -> tuple[pandas.DataFrame, dict[str, Any]] | None:
        """Return what `Tables.read` returned for the cell at first."""
        if cell not in self._known:
            self._known[cell] = super().read(cell, identity)
        return self._known[cell]


def plugins_of(cell: Cell, column: str) -> str:
    """Return the digests of the plugins that make the heatmap and compute a column; "" for
    Sparsight's own.
    """
    if column not in COLUMNS:
        return ""
    method = cell.cam.method if cell.cam else ""
    makers = [known[method].plugin for known in (CAMS, BASELINES) if method in known]
    return "".join((*makers, COLUMNS[column].plugin))
