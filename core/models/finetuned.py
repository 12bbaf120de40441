"""Networks retrained by this project on other data: an architecture with a head of its own, described in a small JSON beside its weights.

A model "squeezenet1_1@imagenette-128" is the architecture squeezenet1_1 with the classes of imagenette-128. Its trained series are
its weights: ModelSpec(name, weights="merkle-layer", seed=0), levels 0 (dense) to `levels`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from torch import nn

from core.errors import BadFile
from core.models import torchvision_cnns
from core.models.cards import Card, InputRule, Weights
from core.models.zoo import MODELS
from core.specs import PruningSpec

FILE, FORMAT = "card.json", 1
# Where heatmaps are made: the last layer with a spatial map, before its activation works in place.
LAYERS = {
    "squeezenet1_1": "features.12",
    "vgg16": "features.30",
    "vgg16_bn": "features.43",
    "resnet18": "layer4",
    "googlenet": "inception5b",
}


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that a card of a retrained network needs. runs: what each trained series is, by its name; seeds: of the runs."""

    architecture: str
    data: str
    classes: tuple[str, ...]
    size_px: int
    target_layer: str
    classifier: str
    levels: int
    runs: dict[str, str]
    seeds: tuple[int, ...]
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    format: int = FORMAT

    @property
    def name(self) -> str:
        return f"{self.architecture}@{self.data}"

    def card(self) -> Card:
        """The card of this network."""
        rule = InputRule(size_px=(self.size_px, self.size_px), mean=self.mean, std=self.std)
        return Card(
            build=partial(build, self.architecture, len(self.classes)),
            target_layer=self.target_layer,
            input=rule,
            classes=self.classes,
            weights={run: Weights(summary=summary, origin="trained by this project") for run, summary in self.runs.items()},
            classifier=self.classifier,
            seeds=self.seeds,
            dense=PruningSpec.at_level(0, "retrained"),
            levels=self.levels,
        )

    def with_run(self, run: str, summary: str, seed: int) -> Description:
        """The same with one more trained series."""
        return replace(self, runs=self.runs | {run: summary}, seeds=tuple(sorted({*self.seeds, seed})))


def build(architecture: str, classes: int) -> nn.Module:
    """A torchvision network of random weights with this many classes, its activations not in place, without a second head."""
    return torchvision_cnns.build(architecture, classes, rescaled=False)


def write(folder: Path, description: Description) -> None:
    """Beside the weights, <folder>/<name>/card.json; replaced as a whole."""
    target = folder / description.name / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(json.dumps(asdict(description), indent=1), encoding="utf-8")
    part.replace(target)


def read(path: Path) -> Description:
    """Raises BadFile for what is no description of this version."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for name in ("classes", "seeds", "mean", "std"):
            found[name] = tuple(found[name])
        description = Description(**found)
        if description.format != FORMAT or not description.classes or not description.runs:
            raise ValueError(f"format {description.format}, {len(description.classes)} classes, {len(description.runs)} runs")
        return description
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(
            f"{path} describes no retrained network ({error}).", "It is written when one is trained.", "Delete its folder."
        ) from error


def find(folders: Iterable[Path]) -> list[Description]:
    """All retrained networks below these folders; runs of one network in several folders are put together, damaged ones left out."""
    found: dict[str, Description] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*@*/{FILE}")):
            try:
                description = read(path)
            except BadFile:
                continue
            known = found.get(description.name)
            runs, seeds = (known.runs, known.seeds) if known else ({}, ())
            found[description.name] = replace(description, runs=description.runs | runs, seeds=tuple(sorted({*seeds, *description.seeds})))
    return list(found.values())


def register(descriptions: Iterable[Description]) -> None:
    """Puts them among the models; a name that is there already stays as it is."""
    for found in descriptions:
        if found.name not in MODELS:
            summary = f"{found.architecture} retrained on {found.data}: {len(found.classes)} classes, {len(found.runs)} trained series."
            MODELS.register(found.name, f"{found.architecture}, {found.data}", summary, "weights trained by this project")(found.card())
