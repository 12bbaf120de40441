"""Which architectures a file of weights could belong to, by the names and shapes of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.base.errors import SparsightError
from core.base.numbers import percent
from core.models.cards import Card
from core.models.checkpoints.policy import Checkpoint
from core.models.checkpoints.tensors import COUNTER

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


def nearest(checkpoint: Checkpoint, names: Iterable[str], named: Callable[[str], Card]) -> list[Match]:
    """Return how well a file fits each of these architectures, the best first."""
    matches = [_match(checkpoint, name, named(name)) for name in names]
    return sorted(matches, key=lambda match: match.share, reverse=True)


def _match(checkpoint: Checkpoint, name: str, card: Card) -> Match:
    try:
        state = checkpoint.fit(card.shapes, card.classifier).state
    except SparsightError:  # timm's names of another network, or values that are refused later
        return Match(name, 0, len(card.shapes), 0)
    home = card.classifier.removesuffix("weight")
    own = {key: shape for key, shape in card.shapes.items() if not (key.startswith(home) or key.endswith(COUNTER))}
    same = sum(key in state and tuple(state[key].shape) == shape for key, shape in own.items())
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
