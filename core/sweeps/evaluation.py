"""Evaluate one network over a data set: a sweep of that network alone. Its rows are kept as those
of any sweep, so an evaluation that was stopped goes on, and one that is done is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pandas import DataFrame, Series

from core.base.progress import Progress, tell
from core.engine.engine import Engine
from core.evaluation import evaluate as evaluation
from core.results import Accuracy
from core.specs import UNREADABLE, CamSpec, DataSpec, VariantSpec
from core.sweeps.read import rows_of
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Tables


class Evaluation:
    """One network and a data set.

    Args:
        folder: where the rows are kept.
    """

    def __init__(self, engine: Engine, variant: VariantSpec, data: DataSpec, folder: Path) -> None:
        self._engine, self._variant, self._data, self._folder = engine, variant, data, folder

    def accuracy(self, progress: Progress = tell) -> Accuracy:
        """Return the accuracy. Args, Raises: as `Engine.evaluate_accuracy`."""
        inputs = self._engine.inputs(self._data, self._variant.model)
        evaluation.check_classes(inputs)
        counts = evaluation.counts(self._table((), evaluation.ANSWERS, progress), inputs)
        remarks = self._engine.table_remarks(self._variant.model)
        return evaluation.accuracy(self._variant, self._data, counts, remarks)

    def heatmaps(self, cam: CamSpec, columns: Sequence[str] = (), progress: Progress = tell) -> evaluation.Table:
        """Return a row for every image. Args, Raises: as `Engine.evaluate`."""
        model = self._variant.model
        cam = replace(cam, layer=cam.layer or self._engine.card(model).target_layer)
        names = tuple(columns) or evaluation.heatmap_columns(self._engine.inputs(self._data, model))
        return self._table((cam,), names, progress)

    def _table(self, cams: tuple[CamSpec, ...], names: tuple[str, ...], progress: Progress) -> evaluation.Table:
        """Compute what is missing, and return a row for every image of the data set."""
        variant, engine = self._variant, self._engine
        sweep = Sweep(
            engine,
            SweepSpec(models=(variant.model,), prunings=(variant.pruning,), data=self._data, cams=cams, measures=names),
        )
        sweep.tables = Tables((self._folder, *engine.roots), sweep.spec.set_key)
        for _ in sweep.run(progress=progress):
            pass
        found = rows_of(sweep, variant)
        assert found is not None  # it was just written
        rows, facts = found
        inputs = sweep.inputs(variant.model)
        every = rows.set_index("image")[list(names)].reindex(range(len(inputs)))
        frame = DataFrame({name: _whole(every[name], rows[name].dtype) for name in names}).rename_axis(None)
        classes = len(engine.card(variant.model).classes)
        return evaluation.Table(frame, tuple(facts["notes"]), classes, inputs.truth_kind)


def _whole(values: Series, kind: np.dtype) -> Series:
    """Return a column in its own type, with what stands for an image that cannot be read."""
    if values.name == "predicted":
        return values.fillna(UNREADABLE).astype(np.int64)
    return values.eq(True) if kind.kind == "b" else values
