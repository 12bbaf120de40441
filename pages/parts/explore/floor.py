"""The noise floor beside a similarity to the dense network: how much dense networks of different
seeds agree, measured in the background where it is neither included nor known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core import DataSpec, VariantSpec
from core.base.numbers import score
from core.engine.reference_text import seeds_of
from core.results import Comparison
from core.sweeps.floor import Floor, FloorQuestion, known_floor, measure_floor, question_of
from pages.parts.common import engine
from pages.parts.common.background import Work, background
from pages.parts.common.state import state
from pages.parts.common.waiting import ask, is_stopped
from pages.parts.sidebar import photo_sets

KNOWN_S = 2.0  # a known floor is read by then, once for all visitors
FIRST_LOOK_S = 0.3  # a measured one appears with the next view


def floor_of(answer: Comparison) -> Floor | None:
    """Returns the noise floor of this network and heatmap; None where it is not known yet, or where
    there are no dense networks of several seeds. It is of the similarity to a dense network only.
    """
    variant, _, cam = answer.question
    data = data_of(answer)
    seeds = seeds_of(variant.model, engine.catalogue())
    if len(seeds) < 2 or data is None or not answer.with_dense or not engine.is_quick(cam):
        return None
    dense = [VariantSpec(model=replace(variant.model, seed=seed)) for seed in seeds]
    key, stamp = (dense[0], cam, data), " ".join(engine.stamp(one, data) for one in dense)

    def asked() -> FloorQuestion | None:
        return question_of(engine.engine(), variant, cam, data)

    read = Work(
        place="known floor",
        key=("known floor", *key),
        stamp=stamp,
        what="Reading",
        run=lambda task: (question := asked()) and known_floor(engine.engine(), question),
    )
    measure = Work(
        place="floor",
        slow=True,
        key=("floor", *key),
        stamp=stamp,
        what="Comparing seeds",
        run=lambda task: (question := asked()) and measure_floor(engine.engine(), question, task.advance),
    )
    found: Floor | None = _looked(read, KNOWN_S) or _looked(measure, FIRST_LOOK_S)
    return found


def _looked(work: Work, most_s: float) -> Any:
    """Returns the answer if it is there in time; asks once."""
    state().waiting.visited.add(work.place)
    task = background().find(work)
    if task is None and not is_stopped(work):
        task = ask(work)
        task.ended(most_s)
    return task.answer if task else None


def data_of(answer: Comparison) -> DataSpec | None:
    """Returns the data set of the image; for a photograph of no set, one on this machine."""
    variant, image, _ = answer.question
    if engine.card(variant.model).reads_digits:
        return DataSpec(noise=image.noise)
    sets = photo_sets.fitting(variant.model)
    if image.source in sets.values():
        return DataSpec(name=image.source)
    return DataSpec(name=next(iter(sets.values()))) if sets else None


def mark(floor: Floor | None) -> str:
    """Returns the noise floor in words; "" without one."""
    if floor is None:
        return ""
    interval = f"95 % interval {score(floor.low)} to {score(floor.high)}"
    return f"two dense networks of different seeds agree by {score(floor.mean)} (n = {floor.n} images, {interval})"
