"""von Rad and Seuffert: pruning of GoogLeNet, its retraining half. Three prunings x {none,
one-shot, iterative} x rates.

Published: GoogLeNet on ImageNet; global unstructured pruning by L1; structured pruning of whole
filters; connection sparsity, which prunes input weights; accuracy over 60 epochs after one-shot
removal of 89 %; one-shot against iterative retraining. Norms and scopes of the last two prunings,
schedules, optimiser, learning rate and the values in the figures are not known. published.READINGS
lists our readings, which the command line, the tables' facts and the page show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from core.base.errors import BadSpec
from core.data.decode import TrainingImages
from core.data.parts import Images
from core.disk.files import Files
from core.models.cards import Card
from core.models.description import Description, Run, add_runs
from core.models.head import Backbone, initial_weights
from core.protocols.googlenet.published import ADAMW, REFERENCE
from core.specs import PruningSpec, RetrainSpec, TrainSpec, whole
from core.specs.shares import one_of
from core.training.masks import check_amounts
from core.training.place import Place
from core.training.series import Material, Step, check_stored, key_of, run_series

RATES = (0.3, 0.5, 0.7, 0.8, 0.89, 0.95)
CURVE_RATE, CURVE_EPOCHS = 0.89, 60
LEARNING_RATES = {"sgd": 0.01, "adamw": 0.0003}  # by optimiser
TRAIN = TrainSpec(rates=((0.01, CURVE_EPOCHS),), batch_size=64, noise=0.0, shape="cosine", augment=("horizontal-flip",))
RETRAININGS: dict[str, str] = {
    "none": "no retraining",
    "one-shot": "one-shot: each rate prunes the dense network at once and retrains",
    "iterative": "iterative: each rate prunes the retrained network of the rate before and retrains",
}
CURVE = "curve"  # a separate series: one-shot at CURVE_RATE only, over more epochs than the other levels
SUMMARIES = RETRAININGS | {CURVE: "one-shot at 89 % only, over more epochs"}


@dataclass(frozen=True)
class Pruning:
    """One pruning. spared: the layer that is not pruned, "classifier" or "stem" (the first
    layer).
    """

    title: str
    granularity: str
    scope: str
    spared: str


PRUNINGS: dict[str, Pruning] = {
    "unstructured": Pruning("global unstructured, L1", "weight", "global", "classifier"),
    "filters": Pruning("structured, whole filters", "filter", "layer", "classifier"),
    "connections": Pruning("connection sparsity, kernels", "kernel", "layer", "stem"),
    "input-channels": Pruning("connection sparsity, whole input channels", "channel", "layer", "stem"),
}
THREE = ("unstructured", "filters", "connections")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run. Defaults are as published, where known.

    epochs: the maximum per level, dense_epochs: for the dense network, curve_epochs: for the curve
    at 89 % (None: 60).
    every: levels after the dense one train on every n-th training image. optimiser: a key of
    LEARNING_RATES. precision: of training, as in TrainSpec. weights: name of the file that the
    dense network began with, "" for torchvision's. Other fields: as in the plan of Less is More.
    """

    architecture: str = "googlenet"
    data: str = "imagenette"
    size_px: int = 224
    rates: tuple[float, ...] = RATES
    prunings: tuple[str, ...] = THREE
    seed: int = 0
    epochs: int | None = None
    dense_epochs: int | None = None
    curve_epochs: int | None = None
    every: int = 1
    optimiser: str = "sgd"
    start: str = "pretrained"
    normalise: bool = True
    precision: str = "float32"
    weights: str = ""

    def __post_init__(self) -> None:
        for name in self.prunings:
            one_of(name, PRUNINGS, "pruning")
        one_of(self.optimiser, LEARNING_RATES, "optimiser")
        for epochs in (self.epochs, self.dense_epochs, self.curve_epochs):
            if epochs is not None:
                whole(epochs, "number of epochs", 1)
        whole(self.every, "step between training images", 1)
        if not self.prunings or not self.rates or 0 in self.rates:
            raise BadSpec(
                "There is nothing to prune.",
                "A plan needs at least one pruning, and rates above 0.",
                "Change the list.",
            )

    @property
    def model(self) -> str:
        return f"{self.architecture}@{self.data}"

    @property
    def has_curve(self) -> bool:
        """Whether the curve at 89 % is a separate series; else it is the history of the one-shot
        level.
        """
        return CURVE_RATE not in self.rates or _limit(self.curve_epochs) != _limit(self.epochs)

    @property
    def departures(self) -> tuple[str, ...]:
        """Departures from the published study, one sentence each."""
        images = {2: "every second", 3: "every third"}.get(self.every, f"every {self.every}th")
        departures = (
            (self.architecture != REFERENCE["model"], f"{self.architecture} instead of GoogLeNet."),
            (True, f"{self.data} at {self.size_px} px instead of ImageNet at 224 px."),
            (_limit(self.epochs) < CURVE_EPOCHS, f"At most {_epochs(self.epochs)} a level instead of 60."),
            (
                _limit(self.dense_epochs) < CURVE_EPOCHS,
                f"The dense network had {_epochs(self.dense_epochs)} on this data.",
            ),
            (
                _limit(self.curve_epochs) < CURVE_EPOCHS,
                f"{_epochs(self.curve_epochs)} in the curve at 89 % instead of 60.",
            ),
            (self.every > 1, f"Levels after the dense one were trained on {images} training image only."),
            (self.optimiser == "adamw", ADAMW),
            (self.start == "random", "The dense network was trained from random weights."),
            (
                self.start == "pretrained" and bool(self.weights),
                f"The dense network began with the weights of {self.weights}.",
            ),
            (self.precision != "float32", f"Networks were trained in {self.precision}."),
        )
        return tuple(sentence for holds, sentence in departures if holds)

    def recipe(self, epochs: int | None) -> TrainSpec:
        """Return the recipe over this many epochs (None: 60), with a cosine that ends with the
        last.
        """
        rates = ((LEARNING_RATES[self.optimiser], _limit(epochs)),)
        return replace(TRAIN, rates=rates, optimiser=self.optimiser, precision=self.precision)

    @property
    def backbone(self) -> Backbone:
        return Backbone(architecture=self.architecture, data=self.data, size_px=self.size_px, normalise=self.normalise)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of a plan: the dense network (both names "dense"), a pruning with a retraining, or
    the curve of a pruning.
    """

    pruning: str
    retraining: str
    spec: RetrainSpec


def _limit(epochs: int | None) -> int:
    return CURVE_EPOCHS if epochs is None else min(epochs, CURVE_EPOCHS)


def _epochs(epochs: int | None) -> str:
    return "1 epoch" if _limit(epochs) == 1 else f"{_limit(epochs)} epochs"


def spared(pruning: Pruning, card: Card) -> tuple[str, ...]:
    """Return the names of the weights that this pruning excludes."""
    return (card.classifier,) if pruning.spared == "classifier" else (card.prunable[0],)


def all_series(plan: Plan, card: Card) -> list[Series]:
    """Return all series of a plan in the order of training, so that a stopped run has the most
    informative part.
    """
    dense = Series(pruning="dense", retraining="dense", spec=_spec(plan, card, ("", "dense"), (0.0,)))
    made = [dense]
    for retraining in ("none", CURVE, "one-shot", "iterative"):
        if retraining == CURVE and not plan.has_curve:
            continue
        targets = (0.0, CURVE_RATE) if retraining == CURVE else (0.0, *plan.rates)
        made += [
            Series(pruning=name, retraining=retraining, spec=_spec(plan, card, (name, retraining), targets))
            for name in plan.prunings
        ]
    return made


def pruned_series(plan: Plan, card: Card) -> list[Series]:
    """Return all series but that of the dense network, which is level 0 of each."""
    return [made for made in all_series(plan, card) if made.pruning != "dense"]


def _spec(plan: Plan, card: Card, names: tuple[str, str], targets: tuple[float, ...]) -> RetrainSpec:
    """Return the spec of a series. names: pruning ("" for the dense network) and retraining."""
    name, retraining = names
    pruning = PRUNINGS[name or "unstructured"]
    # The dense network and networks without retraining do not depend on the recipe of the other
    # levels.
    each = (
        TRAIN
        if retraining in ("dense", "none")
        else plan.recipe(plan.curve_epochs if retraining == CURVE else plan.epochs)
    )
    return RetrainSpec(
        name="-".join(filter(None, ("vonrad", name, retraining))),
        model=plan.model,
        targets=targets,
        first=plan.recipe(plan.dense_epochs),
        each=each,
        schedule=retraining if retraining in RETRAININGS else "one-shot",
        start=plan.start,
        seed=plan.seed,
        pruning=PruningSpec.one_shot(
            0.0, pruning.scope, granularity=pruning.granularity, excluded=spared(pruning, card)
        ),
    )


def describe(plan: Plan, classes: tuple[str, ...]) -> Description:
    """Return the description of the network that the plan trains."""
    pruned = pruned_series(plan, plan.backbone.describe(classes, {}).card())
    runs = {
        made.spec.name: Run(
            summary=f"GoogLeNet study: {PRUNINGS[made.pruning].title}; {SUMMARIES[made.retraining]}",
            targets=made.spec.targets,
            seeds=(plan.seed,),
        )
        for made in pruned
    }
    return plan.backbone.describe(classes, runs)


def check(plan: Plan, classes: tuple[str, ...]) -> Description:
    """Check before any work whether the plan can be run; return its description. Raises BadSpec."""
    description = describe(plan, classes)
    card = description.card()
    for made in all_series(plan, card):
        check_amounts(made.spec, card)
    return description


def run(
    plan: Plan, images: Images, pretrained: dict[str, Tensor] | None, place: Place
) -> Iterator[tuple[Series, Step]]:
    """Train every series, resuming where a run stopped. The dense network is trained once and
    copied to level 0 of each series.

    Raises:
        BadSpec: the stored networks were trained in another way. Otherwise as `run_series`.
    """
    description = check(plan, images.train.classes)
    card = description.card()
    start = initial_weights(description, pretrained, plan.seed)
    add_runs(place.files.write_root, description)
    fewer = TrainingImages(images.train.images[:: plan.every], images.train.labels[:: plan.every], images.train.classes)
    dense, *others = all_series(plan, card)
    for made in (dense, *others):
        used = images.train if made is dense else fewer
        if made is not dense:
            share_dense(dense, made, place.files)
        check_stored(made.spec, place.files, used, first=int(made is not dense))  # level 0 is the dense network's
        material = Material(card, start, used, images.validation, place.device, place.files, place.control)
        for step in run_series(made.spec, material):
            yield made, step


def share_dense(dense: Series, series: Series, files: Files) -> None:
    """Copy the dense network to level 0 of a series, unless it is there."""
    if not files.exists(key_of(series.spec, 0)):
        files.save(key_of(series.spec, 0), *files.load(key_of(dense.spec, 0)))
