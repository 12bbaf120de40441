"""The machine's tasks for one unit: what it sees, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from core.base.errors import BadSpec
from core.base.progress import Progress, tell
from core.specs import VariantSpec
from core.units.score import TIE, confidence, depth_of, differences, draw_tasks, tasks_of
from core.units.study import UnitStudy


@dataclass(frozen=True, kw_only=True)
class MachineTask:
    """One task. strong, weak: images (rows of the data set) that excite the unit strongly and
    weakly. strong_query, weak_query: the two images to choose from. confidence: the machine's, that
    the strong one is the strong one.
    """

    strong: tuple[int, ...]
    weak: tuple[int, ...]
    strong_query: int
    weak_query: int
    confidence: float

    @property
    def right(self) -> bool | None:
        """Whether the machine chooses the right image; None for a tie."""
        return None if abs(self.confidence - 0.5) <= TIE else self.confidence > 0.5


def machine_tasks(
    study: UnitStudy, variant: VariantSpec, layer: str, unit: int, progress: Progress = tell
) -> tuple[MachineTask, ...]:
    """Return the tasks of one unit, those that its score is the mean of.

    Raises:
        BadSpec: no such unit, or it is dead. UnknownName, MissingData.
    """
    (found,) = [one for one in study.layers(variant.model) if one.name == layer]
    if not 0 <= unit < found.units:
        raise BadSpec(f"{layer} has no unit {unit}.", f"Its units are 0 to {found.units - 1}.", "Choose one of them.")
    depth = depth_of(tasks_of(len(study.sweep.rows(variant.model))))
    search = study.search(variant, (found,), depth, progress)
    exemplars, similarity = search.exemplars[layer], study.options.similarities[0]
    if exemplars.dead[unit]:
        raise BadSpec(
            f"Unit {unit} of {layer} is dead.", "Its activation is the same for every image.", "Choose another."
        )
    vectors = study.vectors(variant.model, similarity, search.rows, progress)
    tasks = draw_tasks(exemplars.strongest, exemplars.weakest, study.options.seed, layer)
    sure = confidence(differences(tasks, vectors)[unit])

    def rows(places: torch.Tensor) -> Iterator[int]:
        return iter(search.rows[places].tolist())

    return tuple(
        MachineTask(
            strong=tuple(rows(tasks.strong[unit, task])),
            weak=tuple(rows(tasks.weak[unit, task])),
            strong_query=int(search.rows[tasks.strong_query[unit, task]]),
            weak_query=int(search.rows[tasks.weak_query[unit, task]]),
            confidence=float(sure[task]),
        )
        for task in range(sure.shape[0])
    )
