"""The parameters of a view that depend on the weights: seeds, schedules, units and levels."""

from __future__ import annotations

from core import ModelSpec
from pages.parts.common import references, titles
from pages.parts.common.engine import card, series_of
from pages.parts.common.parameters import Choice, Number, Parameter


def of_weights(model: ModelSpec) -> dict[str, Parameter]:
    """Returns the parameters for these weights and their trained series, if any.

    The seed of `model` does not matter.
    """
    found, series = card(model), series_of(model)
    seeds = tuple(map(str, series.seeds if series else found.seeds))
    schedules = ("one-shot", series.schedule) if series else ("one-shot",)
    # Networks that were retrained here open with their series.
    schedule, unit = ("retrained", "level") if "retrained" in schedules else ("one-shot", "percent")
    last = series.last if series else 0
    return {
        "unit": Choice(unit, ("percent", "ratio", "level") if series else ("percent", "ratio"), titles=titles.UNITS),
        "level": Number(min((found.levels or 0) // 2, last), 0, last),
        "seed": Choice(seeds[0], seeds),
        "ref": references.of_model(model),
        "schedule": Choice(schedule, schedules, titles=titles.SCHEDULES),
    }
