"""Merkle, Weber, Schöttle, Schlögl, Nocker: Less is More. Iterative pruning of convolutions with
fine-tuning, compression rates 1 to 64.

As published: unstructured L1, per layer, convolution weights only; each step removes half of the
remaining weights of each convolution; after each step everything is fine-tuned from the current
weights; SGD 0.001, momentum 0.9, weight decay 1e-4, batch 64; at most 100 epochs for the dense
network and 50 after each step, early stopping with patience 10 and a factor of 1.01; no
normalisation of the input; flips and a rotation by up to 10 degrees. The validation folder is split
at random (seed 69).

Our readings: torchvision's weights of the named network; the split is drawn by torch's generator
with that seed; rotations are drawn from a generator keyed by seed, level and epoch. Departures of a
reduced run (size, epochs) are written into each level's facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from core.data.parts import Images
from core.models import description as finetuned
from core.models.cards import Card
from core.models.description import Description, Run
from core.models.head import Backbone, initial_weights
from core.specs import PruningSpec, RetrainSpec, TrainSpec, shares
from core.training.place import Place
from core.training.series import Material, Step, check_stored, run_series

RATES = (1, 2, 4, 8, 16, 32, 64)  # compression rates of the convolutions
TARGETS = tuple(1 - 1 / rate for rate in RATES)
AUGMENT = ("horizontal-flip", "vertical-flip", "rotation-10")
FIRST = TrainSpec(rates=((0.001, 100),), batch_size=64, noise=0.0, augment=AUGMENT, patience=10)
EACH = replace(FIRST, rates=((0.001, 50),))
PUBLISHED = {
    "test_top_1": (0.97, 0.9729, 0.9593, 0.9411, 0.9339, 0.9007, 0.8725),
    "map_mean": (0.137, 0.154, 0.154, 0.187, 0.194, 0.183, 0.156),
    "map_variance": (0.0153, 0.0171, 0.0152, 0.0159, 0.0164, 0.0192, 0.0181),
    "non_zero_cells": (47.0, 47.1, 46.9, 46.8, 46.1, 43.5, 41.6),
    "l1_to_dense": (None, 1.59, 2.36, 4.17, 5.45, 5.67, 5.32),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run. scope: "layer" as published, or "global". epochs: the maximum per level (None:
    as published).

    architecture: of torchvision; data: part of the retrained network's name; size_px: side of its
    input. normalise: standardise inputs by ImageNet's mean and deviation (not as published;
    pretrained networks without BatchNorm need it if they train for few epochs).
    adamw: learning rate of AdamW for pruned levels instead of SGD (not as published: networks
    recover in far fewer epochs).
    """

    architecture: str = "vgg16"
    data: str = "imagenette"
    size_px: int = 224
    scope: str = "layer"
    seed: int = 0
    epochs: int | None = None
    adamw: float | None = None
    start: str = "pretrained"
    normalise: bool = False

    @property
    def run(self) -> str:
        return f"merkle-{self.scope}"

    @property
    def backbone(self) -> Backbone:
        return Backbone(architecture=self.architecture, data=self.data, size_px=self.size_px, normalise=self.normalise)

    @property
    def summary(self) -> str:
        """Return one sentence for select boxes."""
        reduced = "" if self.epochs is None else f", at most {self.epochs} epochs a level"
        reduced += ", input normalised" if self.normalise else ""
        reduced += f", pruned levels with AdamW {self.adamw:g}" if self.adamw else ""
        what = "convolutions" if self.scope == "layer" else "convolutions but the head"
        return f"Less is More: {self.scope} L1 on {what}, half of what is left at each level, fine-tuned{reduced}"

    def spec(self, whole: tuple[str, ...]) -> RetrainSpec:
        """Return the spec. Args: whole: names of the weights that are not pruned."""
        first, each = FIRST, EACH
        if self.epochs is not None:
            shares.whole(self.epochs, "number of epochs", 1)
            first = replace(FIRST, rates=((0.001, min(self.epochs, 100)),))
            each = replace(EACH, rates=((0.001, min(self.epochs, 50)),))
        if self.adamw is not None:
            each = replace(each, rates=((self.adamw, each.rates[0][1]),), optimiser="adamw")
        return RetrainSpec(
            name=self.run,
            model=f"{self.architecture}@{self.data}",
            targets=TARGETS,
            first=first,
            each=each,
            start=self.start,
            seed=self.seed,
            pruning=PruningSpec.one_shot(0.0, self.scope, excluded=whole),
        )


def describe(plan: Plan, classes: tuple[str, ...]) -> Description:
    """Return the description of the network that the plan trains.

    Raises UnknownName or BadSpec for an architecture that cannot be retrained at this size.
    """
    return plan.backbone.describe(classes, {plan.run: Run(summary=plan.summary, targets=TARGETS, seeds=(plan.seed,))})


def left_whole(plan: Plan, card: Card) -> tuple[str, ...]:
    """Return the weights that are never pruned: linear ones, as published; in a global ranking also
    the new head, whose weights start near zero and would all be removed (measured: with
    SqueezeNet's head in the ranking, 19 % of the answers were correct at compression rate 16).
    """
    linear = tuple(name for name, kind in card.kinds.items() if kind == "linear")
    return tuple(dict.fromkeys((*linear, card.classifier))) if plan.scope == "global" else linear


def run(plan: Plan, images: Images, pretrained: dict[str, Tensor] | None, place: Place) -> Iterator[Step]:
    """Train the series and write its card, resuming where a run stopped. Raises BadSpec if the
    stored levels are of another plan, and as `run_series` does.
    """
    description = describe(plan, images.train.classes)
    card = description.card()
    spec = plan.spec(left_whole(plan, card))
    check_stored(spec, place.files, images.train)
    start = initial_weights(description, pretrained, plan.seed)
    finetuned.add_runs(place.files.write_root, description)
    yield from run_series(
        spec, Material(card, start, images.train, images.validation, place.device, place.files, place.control)
    )
