"""The registry of measures, and functions shared by all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import torch
from torch import Tensor

from core.base.errors import BadSpec
from core.base.registry import Entry, Registry

Measure = Callable[..., Tensor]


class Group(StrEnum):
    """What a measure takes: the fact "group" of its entry."""

    OVERLAP = "overlap"  # maps and truth
    SIMILARITY = "similarity"  # maps and maps
    MAP = "map"  # maps


def check_measure(entry: Entry[Measure]) -> None:
    """Check that the measure of a plugin takes a batch and returns a value for each image. Raises
    BadSpec, and what its code raises.
    """
    facts = entry.facts
    if facts.get("group") not in tuple(Group) or "range" not in facts:
        raise BadSpec(
            f"Its facts are {', '.join(facts) or 'missing'}.",
            f"A measure states its group ({', '.join(Group)}) and its range.",
            'Write register(..., group="map", range="0 to 1").',
        )
    maps = torch.linspace(0, 1, 128).reshape(2, 8, 8)
    values = entry.value(*(maps,) if facts["group"] == Group.MAP else (maps, (maps > 0.5).float()))
    if not isinstance(values, Tensor) or values.shape != (2,) or not values.is_floating_point():
        given = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise BadSpec(
            f"It returns {given} for two images.",
            "A measure returns one float for each image, (N,).",
            "Keep the first axis.",
        )


MEASURES: Registry[Measure] = Registry("measure", check_measure)


def measures_of(group: Group) -> dict[str, Measure]:
    """Return the measures of a group by name."""
    return {name: entry.value for name, entry in MEASURES.items() if entry.facts["group"] == group}


def overlaps_with(kind: str) -> dict[str, Measure]:
    """Return the measures of group "overlap" that have a meaning for this kind of truth (a key of
    TRUTHS): a mask has no brightest tenth.
    """
    suits = {name for name, entry in MEASURES.items() if entry.facts.get("truth", kind) == kind}
    return {name: measure for name, measure in measures_of(Group.OVERLAP).items() if name in suits}


def optional(value: float | Tensor) -> float | None:
    """Convert one value of a tensor: None for NaN, the marker of an undefined value."""
    number = float(value)
    return None if math.isnan(number) else number


def undefined(values: Tensor, where: Tensor) -> Tensor:
    """Return the values (N,) as float32, NaN where the measure is undefined."""
    return values.float().masked_fill(where, torch.nan)


def not_finite(*batches: Tensor) -> Tensor:
    """Return which images have a NaN or infinite value in any of these batches of flat maps (N, n).

    A sum is enough to detect them.
    """
    sums = sum(batch.sum(dim=1) for batch in batches)
    return ~torch.isfinite(torch.as_tensor(sums))


def constant(flat: Tensor) -> Tensor:
    """Return which of these flat maps (N, n) have the same value everywhere."""
    return flat.amin(dim=1) == flat.amax(dim=1)


def zero(flat: Tensor) -> Tensor:
    """Return which of these flat maps (N, n) are empty: zero everywhere."""
    return ~flat.any(dim=1)


def unordered(flat: Tensor) -> Tensor:
    """Return which of these flat maps (N, n) have the same nonzero value everywhere, so that their
    pixels have no order.
    """
    return constant(flat) & ~zero(flat)
