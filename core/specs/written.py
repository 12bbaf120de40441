"""Retraining specs from plain dictionaries: those of older jobs and those that people write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from core.base.errors import BadSpec
from core.specs.pruning import PruningSpec
from core.specs.retrain import Ramp, RetrainSpec
from core.specs.training import TrainSpec

Facts = dict[str, Any]


def read_retrain_spec(facts: Mapping[str, Any]) -> RetrainSpec:
    """Build the spec from a dictionary as `asdict` or JSON gives it; older ones call the schedule
    "pace".
    Raises BadSpec for an invalid one.
    """
    if isinstance(facts, Mapping) and "pace" in facts:
        facts = {"schedule" if name == "pace" else name: value for name, value in facts.items()}
    fields = _known(RetrainSpec, facts)
    try:
        ramp = fields.get("ramp")
        parts = {
            "pruning": PruningSpec(**_tuples(_known(PruningSpec, fields["pruning"]), "excluded", "overrides")),
            "first": _recipe(fields["first"]),
            "each": _recipe(fields["each"]),
            "targets": tuple(fields["targets"]),
            "ramp": Ramp(**_known(Ramp, ramp)) if ramp else None,
        }
        return RetrainSpec(**fields | parts)
    except (KeyError, TypeError, ValueError) as error:
        raise BadSpec(
            f"This does not describe a series of retrained networks ({error!r}).",
            "It must give pruning, targets, first, each, name and model.",
        ) from error


def _recipe(facts: Mapping[str, Any]) -> TrainSpec:
    fields = _tuples(_known(TrainSpec, facts), "augment")
    return TrainSpec(**fields | {"rates": tuple((float(rate), int(epochs)) for rate, epochs in fields["rates"])})


def _tuples(facts: Facts, *names: str) -> Facts:
    return facts | {
        name: tuple(tuple(each) if isinstance(each, list) else each for each in facts[name])
        for name in names
        if name in facts
    }


def _known(kind: type, facts: Mapping[str, Any]) -> Facts:
    """Check the fields of a spec. Raises BadSpec for fields that a spec of this kind does not
    have.
    """
    if not isinstance(facts, Mapping):
        raise BadSpec(f"{facts!r} does not describe a {kind.__name__}.")
    names = {field.name for field in fields(kind)}
    if unknown := sorted(set(facts) - names):
        raise BadSpec(
            f"A {kind.__name__} has no {', '.join(map(str, unknown))}.", f"It takes {', '.join(sorted(names))}."
        )
    return dict(facts)
