"""A known architecture with a new head for the classes of other data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.base.errors import BadSpec
from core.models import architectures
from core.models.cards import InputRule
from core.models.description import Description, Run


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """The network that gets a new head, and its input.

    architecture: of torchvision, or EfficientNet-lite0; data: part of the retrained network's name;
    size_px: side of its input.
    normalise: whether inputs are standardised as its pretrained weights expect.
    """

    architecture: str
    data: str
    size_px: int
    normalise: bool

    @property
    def rule(self) -> InputRule:
        """Return how photographs become the network's input."""
        size = (self.size_px, self.size_px)
        return (
            architectures.rule(self.architecture, size)
            if self.normalise
            else InputRule(size_px=size, mean=(0.0,) * 3, std=(1.0,) * 3)
        )

    @property
    def classifier(self) -> str:
        """Name of the head's weight. Raises as `describe`."""
        return architectures.layers(self.architecture, self.rule)[1]

    def describe(self, classes: tuple[str, ...], runs: Mapping[str, Run]) -> Description:
        """Return the description of its trained series.

        Raises UnknownName or BadSpec for an architecture that cannot be retrained at this size.
        """
        rule = self.rule
        layer, classifier = architectures.layers(self.architecture, rule)
        return Description(
            architecture=self.architecture,
            data=self.data,
            classes=classes,
            size_px=self.size_px,
            mean=rule.mean,
            std=rule.std,
            target_layer=layer,
            classifier=classifier,
            runs=dict(runs),
        )


def initial_weights(description: Description, pretrained: dict[str, Tensor] | None, seed: int) -> dict[str, Tensor]:
    """Return the initial weights of level 0: pretrained ones with a head drawn from the seed;
    without pretrained weights, all are drawn.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = {
            name: values.clone()
            for name, values in (
                architectures.build(description.architecture, len(description.classes)).state_dict().items()
            )
        }
    fitting = {
        name: values.float()
        for name, values in (pretrained or {}).items()
        if name in state and values.shape == state[name].shape
    }
    missing = [
        name for name in state if name not in fitting and not name.startswith(description.classifier.rpartition(".")[0])
    ]
    if pretrained and missing:
        raise BadSpec(
            f"The weights do not fit {description.architecture}: {', '.join(missing[:5])}"
            f" {'is' if len(missing) == 1 else 'are'} missing.",
            "They must be torchvision's weights of this architecture; only the head may differ.",
            "Choose another file.",
        )
    return state | fitting


def data_name(source: str, size_px: int | None = None) -> str:
    """Return the data part of a model name: the name of the file or folder made safe for paths, and
    the input size if given, since a network of another input size counts as a different model.
    """
    name = re.sub(r"[^\w.-]+", "-", Path(source).stem).strip("-.") or "photographs"
    return name if size_px is None or name.endswith(f"-{size_px}") else f"{name}-{size_px}"
