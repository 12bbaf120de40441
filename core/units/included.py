"""The studies of units whose tables are included, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.sweeps.known import known_sweeps
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.units.study import FOLDER, UnitOptions, UnitStudy


@dataclass(frozen=True, kw_only=True)
class Included:
    """A study of units. accuracy_of: what its images are to the networks. layers: patterns of the
    convolutions that are measured, () for all.
    """

    title: str
    accuracy_of: str
    layers: tuple[str, ...] = ()


STUDIES = {
    "digits": Included(
        title="Small digit CNN (thesis)",
        accuracy_of="digits that were not used for training",
    ),
    "less-is-more": Included(
        title="SqueezeNet 1.1 (Less is More)",
        accuracy_of="photographs, most of which were used for training",
    ),
    "squeezenet1_1": Included(
        title="SqueezeNet 1.1 (ImageNet)",
        accuracy_of="photographs, among 1,000 classes; most were used for training",
        layers=("features.[47].expand3x3", "features.1[02].expand3x3"),
    ),
    "efficientnet-lite0": Included(
        title="EfficientNet-lite0 (ImageNet)",
        accuracy_of="photographs, among 1,000 classes; most were used for training",
        layers=("_blocks.[0247]._project_conv", "_blocks.1[045]._project_conv"),
    ),
}


def spec_of(name: str) -> SweepSpec:
    """Return the sweep of a study. Raises KeyError."""
    return known_sweeps((shipped_folder(),), FOLDER)[name].read()


def unit_study(name: str, engine: Engine) -> UnitStudy:
    """Return a study on an engine. Raises KeyError."""
    return UnitStudy(Sweep(engine, spec_of(name)), UnitOptions(layers=STUDIES[name].layers))


def layers_of(path: Path) -> tuple[str, ...]:
    """Return the convolutions that a study measures unless others are named. path: its YAML file;
    () for any other.
    """
    included = path.resolve().parent == shipped_folder() / FOLDER and path.stem in STUDIES
    return STUDIES[path.stem].layers if included else ()
