"""The studies of units whose tables are included, by name."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from core.base.settings import REPOSITORY
from core.data.folders import PREFIX, name_of
from core.engine.engine import Engine
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.written import read_sweep
from core.units.study import UnitStudy


@dataclass(frozen=True, kw_only=True)
class Included:
    """A study of units. file: its sweep below docs/sweeps. accuracy_of: what its images are to the
    networks.
    """

    title: str
    file: str
    accuracy_of: str


STUDIES = {
    "digits": Included(
        title="Small digit CNN (thesis)",
        file="units-digits.yaml",
        accuracy_of="digits that were not used for training",
    ),
    "less-is-more": Included(
        title="SqueezeNet 1.1 (Less is More)",
        file="units-less-is-more.yaml",
        accuracy_of="photographs, most of which were used for training",
    ),
}


def spec_of(name: str) -> SweepSpec:
    """Return the sweep of a study; its photographs are those of SPARSIGHT_PHOTOS if that names a
    copy of them.
    """
    spec = read_sweep(REPOSITORY / "docs" / "sweeps" / STUDIES[name].file)
    own = os.environ.get("SPARSIGHT_PHOTOS", "")
    if own and name_of(PREFIX + own) == name_of(spec.data.name):
        return replace(spec, data=replace(spec.data, name=PREFIX + own))
    return spec


def unit_study(name: str, engine: Engine) -> UnitStudy:
    """Return a study on an engine. Raises KeyError."""
    return UnitStudy(Sweep(engine, spec_of(name)))
