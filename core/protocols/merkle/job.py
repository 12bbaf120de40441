"""Less is More as a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from core.base.errors import BadSpec
from core.data.photo_sets import PhotoSet
from core.jobs.control import Control
from core.jobs.jobs import JOBS, Facts
from core.protocols.merkle import protocol as merkle
from core.training.retrain import Arguments, Series, class_names, train_series


@JOBS.register(
    "merkle",
    "Less is More",
    "Prune half of each convolution, fine-tune, repeat: compression rates 1 to 64.",
    "Merkle et al.",
)
def train(arguments: Arguments, control: Control) -> Iterator[Facts]:
    """Trains the series and writes its card.

    Args:
        arguments: `plan`, the fields of `Plan`; the rest as `core.training.retrain.retrain`.
    """
    yield from train_series(arguments, control, read_series)


def read_series(arguments: Arguments, photos: PhotoSet) -> Series:
    """Reads the series from the arguments of a job. Raises BadSpec."""
    plan = _plan(arguments["plan"])
    description = merkle.describe(plan, class_names(photos))
    return Series(plan.spec(merkle.left_whole(plan, description.card())), description, plan.backbone.rule)


def _plan(given: Mapping[str, Any]) -> merkle.Plan:
    known = {field.name for field in fields(merkle.Plan)}
    if unknown := sorted(set(given) - known):
        raise BadSpec(f"A plan has no {', '.join(unknown)}.", f"It has {', '.join(sorted(known))}.")
    return merkle.Plan(**given)
