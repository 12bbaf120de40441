"""The convolutions of a network whose channels are its units, and the modules where their
activations are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import nn

from core.base.errors import BadSpec, UnknownName
from core.models.cards import Card
from core.models.layers import Run, watch


@dataclass(frozen=True, kw_only=True)
class UnitLayer:
    """One convolution. name: of its module. read: the module whose output is the activation before
    the ReLU: the batch normalisation that follows the convolution, else the convolution itself.
    units: its channels.
    """

    name: str
    read: str
    units: int


def unit_layers(card: Card, names: Sequence[str] = ()) -> tuple[UnitLayer, ...]:
    """Return these convolutions in the order in which they run; all that run once by default.

    Args:
        names: of convolutions, or patterns such as "features.*.squeeze".
    Raises:
        UnknownName: no such convolution. BadSpec: it runs more than once in a pass, so its unit has
        no single activation; or the network has none.
    """
    convolutions = [weight.removesuffix(".weight") for weight, kind in card.kinds.items() if kind == "conv"]
    for name in names:
        if not any(fnmatchcase(each, name) for each in convolutions):
            raise UnknownName("convolution", name, convolutions)
    asked = {each for each in convolutions if not names or any(fnmatchcase(each, name) for name in names)}
    leaves = [run for run in _runs(card) if isinstance(run.module, nn.Conv2d) or not [*run.module.children()]]
    times = [run.name for run in leaves]
    found = []
    for place, run in enumerate(leaves):
        if run.name not in asked:
            continue
        if times.count(run.name) > 1:
            if run.name in names:
                raise BadSpec(
                    f"The convolution '{run.name}' runs more than once in a pass.",
                    "Each of its units would have several activations.",
                    "Choose another one.",
                )
            continue
        after = leaves[place + 1] if place + 1 < len(leaves) else run
        units = run.answer.shape[1]
        follows = isinstance(after.module, nn.BatchNorm2d) and after.module.num_features == units
        found.append(UnitLayer(name=run.name, read=after.name if follows else run.name, units=units))
    if not found:
        raise BadSpec("This network has no convolution that runs once in a pass.", "Units are channels of those.")
    return tuple(found)


def _runs(card: Card) -> list[Run]:
    try:
        return watch(card.skeleton, torch.zeros(1, *card.input_shape, device="meta"))
    except (RuntimeError, NotImplementedError):  # custom code that depends on values
        return watch(card.build().eval(), torch.zeros(1, *card.input_shape))
