"""A known architecture with a head of its own for the classes of other data."""

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
    """The network that gets a new head, and how photographs become its input.

    architecture: of torchvision, or EfficientNet-lite0; data: the name that the retrained network
    carries; size_px: side of its input.
    normalise: the mean and deviation that its pretrained weights expect are taken off.
    """

    architecture: str
    data: str
    size_px: int
    normalise: bool

    @property
    def rule(self) -> InputRule:
        """How photographs become the network's input."""
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
        """The card of its trained series.

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
    """The weights that level 0 begins with: the pretrained ones but for the head, which is drawn
    from the seed; all drawn without them.
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
            "They must be torchvision's weights of the same name; only the head may differ.",
            "Choose another file.",
        )
    return state | fitting


def data_name(source: str, size_px: int | None = None) -> str:
    """What networks trained on these photographs carry: the file's or folder's name as a part of a
    path, and the size where it is given, for networks of another size are other networks."""
    name = re.sub(r"[^\w.-]+", "-", Path(source).stem).strip("-.") or "photographs"
    return name if size_px is None or name.endswith(f"-{size_px}") else f"{name}-{size_px}"
