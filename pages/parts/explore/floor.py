"""The noise floor beside a similarity to the dense network: how much dense networks of different
seeds agree, measured in the background where it is neither included nor known.
"""

from __future__ import annotations

from dataclasses import replace

from core import DataSpec, VariantSpec
from core.base.numbers import score
from core.engine.reference_text import seeds_of
from core.results import Comparison
from core.sweeps.floor import Floor, measure_floor, question_of
from pages.parts.common import engine
from pages.parts.common.background import Work, background
from pages.parts.common.state import state
from pages.parts.common.waiting import ask, is_stopped
from pages.parts.sidebar import photo_sets

FIRST_LOOK_S = 0.3  # an included floor is there by then; a measured one appears with the next view


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
    work = Work(
        place="floor",
        slow=True,
        key=("floor", dense[0], cam, data),
        stamp=" ".join(engine.stamp(one, data) for one in dense),
        what="Comparing seeds",
        run=lambda task: (
            (asked := question_of(engine.engine(), variant, cam, data))
            and measure_floor(engine.engine(), asked, task.advance)
        ),
    )
    state().waiting.visited.add(work.place)
    task = background().find(work)
    if task is None and not is_stopped(work):
        task = ask(work)
        task.ended(FIRST_LOOK_S)
    found: Floor | None = task.answer if task else None
    return found


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
