"""From which similarity on a heatmap counts as broken: less than that of two dense networks, where
that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from core.base.errors import SparsightError
from core.saliency.baselines import is_baseline
from core.specs import CamSpec, ModelSpec
from core.sweeps.families import Family
from core.sweeps.floor import IMAGES, MEASURE, Floor, FloorQuestion, known_floor
from core.sweeps.spec import DENSE
from core.sweeps.sweep import Sweep

USUAL = 0.5
THRESHOLDS: Sequence[float] = tuple(round(0.05 * step, 2) for step in range(2, 20))  # 0.1 to 0.95


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A similarity below `value` is broken. floor: what it is the mean of; None if a floor is not
    known, or somebody chose the value.
    """

    value: float
    floor: Floor | None = None


def usual_threshold(sweep: Sweep, model: ModelSpec, measure: str, heatmap: str) -> Threshold:
    """Return the noise floor of this network and heatmap as the threshold where it is known, else
    USUAL. Nothing is computed for it.

    Args:
        heatmap: a method of the sweep.
    """
    cam = next((each for each in sweep.spec.cams if each.method == heatmap), None)
    if cam is None or measure != MEASURE or is_baseline(cam) or sweep.spec.reference != DENSE:
        return Threshold(value=USUAL)
    asked = _question(sweep, model, cam)
    if asked is None:
        return Threshold(value=USUAL)
    floor = known_floor(sweep.engine, asked)
    return Threshold(value=USUAL) if floor is None else Threshold(value=round(max(0.0, floor.mean), 2), floor=floor)


def threshold_of(sweep: Sweep, family: Family, measure: str) -> Threshold:
    """Return the usual threshold of one family of a sweep and its heatmap."""
    one = family.rows.iloc[0]
    model = ModelSpec(name=str(one["model"]), weights=str(one["weights"]), seed=int(one["seed"]))
    return usual_threshold(sweep, model, measure, str(one["heatmap"]))


def _question(sweep: Sweep, model: ModelSpec, cam: CamSpec) -> FloorQuestion | None:
    """Return the floor that belongs to a sweep; None where there are no dense networks of several
    seeds, or the images are not on this machine.
    """
    with suppress(SparsightError):
        cam = replace(cam, layer=cam.layer or sweep.engine.card(model).target_layer)
        many = len(sweep.inputs(model)) > IMAGES
        asked = FloorQuestion(model=model, cam=cam, data=sweep.spec.data, images=IMAGES if many else None)
        if len(asked.seeds(sweep.engine)) > 1:
            return asked
    return None
