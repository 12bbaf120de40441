"""Which architecture a file of weights belongs to, by the names and shapes of its tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.base.errors import SparsightError
from core.base.numbers import percent
from core.models import torchvision_cnns
from core.models.cards import Card
from core.models.checkpoints.policy import Checkpoint
from core.models.checkpoints.tensors import COUNTER
from core.models.zoo import MODELS

LISTED, LEAST = 3, 0.2  # nearest architectures that a message names; the least share of matching tensors


@dataclass(frozen=True)
class Match:
    """How well a file fits an architecture: `matching` of the architecture's `total` tensors have a
    tensor of the same name and shape in the file; `foreign` tensors of the file have none. The
    layer that computes the logits does not count.
    """

    name: str
    matching: int
    total: int
    foreign: int

    @property
    def fits(self) -> bool:
        return self.matching == self.total and not self.foreign

    @property
    def share(self) -> float:
        return self.matching / max(self.total, self.matching + self.foreign, 1)


def recognise(checkpoint: Checkpoint, named: Callable[[str], Card]) -> list[Match]:
    """Return how well a file fits known architectures, the best first; the search ends at the first
    that fits.

    Building one network after another takes long, and torchvision has more than sixty: beyond the
    built-in ones, only relatives of those that fit in part are tried ("resnet34" beside
    "resnet18"), or, if there are none, networks without a built-in relative.
    """
    matches: list[Match] = []
    for name in MODELS:
        matches.append(_match(checkpoint, name, named(name)))
        if matches[-1].fits:
            return [matches[-1]]
    partly = {_family(match.name) for match in matches if match.share >= LEAST}
    known = {_family(name) for name in MODELS}
    for name in torchvision_cnns.names():
        related = {family for family in known if family in name}
        if name not in MODELS and (related & partly if partly else not related):
            matches.append(_match(checkpoint, name, named(name)))
            if matches[-1].fits:
                return [matches[-1]]
    return sorted(matches, key=lambda match: match.share, reverse=True)


def _family(name: str) -> str:
    """Return the first letters of a network's name, which its relatives contain."""
    return name[:3]


def _match(checkpoint: Checkpoint, name: str, card: Card) -> Match:
    try:
        state = checkpoint.fit(card.shapes, card.classifier).state
    except SparsightError:  # timm's names of another network, or values that are refused later
        return Match(name, 0, len(card.shapes), 0)
    home = card.classifier.removesuffix("weight")
    own = {key: shape for key, shape in card.shapes.items() if not (key.startswith(home) or key.endswith(COUNTER))}
    stem = next((key for key, shape in own.items() if len(shape) == 4), "")  # the number of its channels may differ

    def alike(key: str, shape: tuple[int, ...]) -> bool:
        found = tuple(state[key].shape) if key in state else ()
        return found == shape or (key == stem and found[:1] + found[2:] == shape[:1] + shape[2:])

    same = sum(alike(key, shape) for key, shape in own.items())
    return Match(name, same, len(own), len([key for key in state if key not in card.shapes]))


def advice(matches: list[Match], architecture: str) -> str:
    """Advise which architecture to choose instead of this one."""
    others = [match for match in matches if match.name != architecture and match.share >= LEAST]
    if not others:
        return "No known architecture is similar: choose the one that the weights were trained in."
    if others[0].fits:
        return f"This looks like a {others[0].name}: choose that architecture."
    listed = ", ".join(f"{match.name} ({percent(match.share)} of the tensors match)" for match in others[:LISTED])
    return f"Choose the architecture that the weights were trained in; the nearest: {listed}."
