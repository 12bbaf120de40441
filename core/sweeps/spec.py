"""What a sweep asks: a grid of networks and heatmaps over the images of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

from core.base.errors import BadSpec
from core.data.folders import name_of
from core.evaluation.columns import AGAINST_REFERENCE, AGAINST_TRUTH, COLUMNS, Needs, needs
from core.results import Mapped
from core.saliency.baselines import heatmap_title
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec, whole
from core.specs.shares import one_of, seed_of

DENSE = "dense"
REFERENCES: dict[str, str] = {DENSE: "each model before pruning"}
MOST_NETWORKS = 100_000
ANSWERS = ("right", "confidence", "agrees")
OF_ANSWERS = (Needs.ANSWER, Needs.ANSWERS)


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """Every model with every pruning, on the same images.

    images: how many images of the data set, drawn from its classes in proportion by `seed`; None
    for all. cams: heatmaps to make of every image. measures: keys of COLUMNS
    (core/evaluation/columns.py). reference: a key of REFERENCES or a network, what "agrees" and
    similarities compare with, and whose answer is the class of heatmaps with target "dense".
    mapping: names of classes, the reference's and a model's, that go before equal names.
    """

    models: tuple[ModelSpec, ...]
    prunings: tuple[PruningSpec, ...]
    data: DataSpec = field(default_factory=DataSpec)
    images: int | None = None
    seed: int = 0
    cams: tuple[CamSpec, ...] = ()
    measures: tuple[str, ...] = ANSWERS
    reference: str | VariantSpec = DENSE
    mapping: Mapped = ()

    def __post_init__(self) -> None:
        for name in ("models", "prunings", "cams", "measures"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))
        for name in ("models", "prunings", "measures"):
            if not getattr(self, name):
                raise BadSpec(f"The sweep has no {name}.", "A sweep needs at least one of them.", f"Name its {name}.")
        _check_networks(self.networks)
        if self.images is not None:
            object.__setattr__(self, "images", whole(self.images, "number of images", 1))
        object.__setattr__(self, "seed", seed_of(self.seed))
        if isinstance(self.reference, str):
            one_of(self.reference, REFERENCES, "reference")
        object.__setattr__(self, "mapping", tuple(sorted(set(self.mapping))))
        for cam in self.cams:
            heatmap_title(cam.method)
        self._check_measures()

    def _check_measures(self) -> None:
        missing = [name for name in self.measures if needs(name) not in OF_ANSWERS]
        if missing and not self.cams:
            raise BadSpec(
                f"The measure '{missing[0]}' needs heatmaps, and the sweep makes none.",
                f"Without heatmaps: {', '.join(name for name in COLUMNS if needs(name) in OF_ANSWERS)}.",
                "Name a heatmap, or omit the measure.",
            )

    @property
    def networks(self) -> int:
        return len(self.models) * len(self.prunings)

    @property
    def needs_truth(self) -> bool:
        """Whether a measure needs to know where the object is."""
        return any(needs(name) in AGAINST_TRUTH for name in self.measures)

    @property
    def compares(self) -> bool:
        """Whether an answer depends on the reference's."""
        return any(needs(name) in AGAINST_REFERENCE for name in self.measures) or any(
            cam.target == "dense" for cam in self.cams
        )

    def reference_of(self, model: ModelSpec) -> VariantSpec:
        """Return the network that a model's networks are compared with."""
        return VariantSpec(model=model) if isinstance(self.reference, str) else self.reference

    @property
    def set_key(self) -> str:
        """The images: the data set (of a folder or zip file, its name), and how many of it by which
        seed.
        """
        return replace(self.data, name=name_of(self.data.name)).key + (
            f"-{self.images}-s{self.seed}" if self.images is not None else ""
        )

    def variants(self, model: ModelSpec) -> list[VariantSpec]:
        return [VariantSpec(model=model, pruning=pruning) for pruning in self.prunings]

    def columns(self, of_maps: bool) -> tuple[str, ...]:
        """Return the measures of heatmaps, or those of answers with the answer itself."""
        wanted = [name for name in self.measures if (needs(name) not in OF_ANSWERS) is of_maps]
        return tuple(dict.fromkeys(wanted if of_maps else ["predicted", *wanted]))


def _check_networks(networks: int) -> None:
    """Raise BadSpec if there are too many."""
    if networks > MOST_NETWORKS:
        raise BadSpec(
            f"The sweep has {networks:,} networks.",
            f"One sweep may have {MOST_NETWORKS:,}.",
            "Name fewer models or prunings, or split the sweep.",
        )


def grid(**choices: Any) -> tuple[PruningSpec, ...]:
    """Return a PruningSpec for every combination of the fields given as lists; other fields are the
    same in all.

    A sparsity makes them one-shot, a level makes them "iterative-reset" unless a schedule is
    given. Raises BadSpec for an empty list, for more networks than a sweep may have, and as
    PruningSpec.
    """
    lists = {
        name: value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for name, value in choices.items()
    }
    for name, values in lists.items():
        if not values:
            raise BadSpec(
                f"The list of '{name}' is empty.", "A grid needs at least one value.", "Name one, or omit it."
            )
    _check_networks(prod(map(len, lists.values())))
    found = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    usual = "one-shot" if {"sparsity", "granularity"} & set(choices) else "none"
    usual = "iterative-reset" if "level" in choices else usual
    return tuple(PruningSpec(**{"schedule": usual} | fields) for fields in found)
