"""The studies of units whose tables are included, by name."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.sweeps.known import known_sweeps
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.units.study import FOLDER, UnitStudy


@dataclass(frozen=True, kw_only=True)
class Included:
    """A study of units. accuracy_of: what its images are to the networks."""

    title: str
    accuracy_of: str


STUDIES = {
    "digits": Included(
        title="Small digit CNN (thesis)",
        accuracy_of="digits that were not used for training",
    ),
    "less-is-more": Included(
        title="SqueezeNet 1.1 (Less is More)",
        accuracy_of="photographs, most of which were used for training",
    ),
}


def spec_of(name: str) -> SweepSpec:
    """Return the sweep of a study. Raises KeyError."""
    return known_sweeps((shipped_folder(),), FOLDER)[name].read()


def unit_study(name: str, engine: Engine) -> UnitStudy:
    """Return a study on an engine. Raises KeyError."""
    return UnitStudy(Sweep(engine, spec_of(name)))
