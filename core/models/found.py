"""What a file of weights holds, found before it is taken in: for a person to confirm or correct."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.base.errors import BadSpec
from core.models.cards import Card
from core.models.checkpoints.nearest import Match, advice, recognise
from core.models.checkpoints.policy import problems, read
from core.models.own import About, completed_card, zeros_note


@dataclass(frozen=True, kw_only=True)
class Found:
    """Facts about a file of weights, read as an architecture.

    architecture: as asked, or the one that was recognised. classes: outputs. parameters: numbers in
    it. sets: of weights in the file, the one that was read first. notes: sentences on what was
    converted, removed and ignored, and on zeros. problem: what does not fit, and what to do; "" if
    every tensor of the architecture is there and nothing else.
    """

    architecture: str
    classes: int
    parameters: int
    sets: tuple[str, ...]
    notes: tuple[str, ...]
    problem: str = ""


def look_into(
    weights: Path | bytes, named: Callable[[str], Card], name: str = "", architecture: str = "", weight_set: str = ""
) -> Found:
    """Find out what a file of weights holds.

    Args:
        named: returns the card of an architecture. name: of the file, in messages. architecture: to
        read it as; "" to recognise it. weight_set: as in `About`.
    Raises:
        BadFile: the file cannot be read. BadSpec: no architecture that is known fits; no such set.
        UnknownName: no such architecture.
    """
    checkpoint = read(weights, name)
    if not architecture:
        architecture = _recognised(recognise(checkpoint, named), checkpoint.name)
    base = named(architecture)
    fitted = checkpoint.fit(base.shapes, base.classifier, weight_set)
    card = completed_card(About(architecture=architecture), base, fitted.state)
    wrong = problems(fitted.state, card.shapes)
    return Found(
        architecture=architecture,
        classes=len(card.classes),
        parameters=card.parameters,
        sets=fitted.sets,
        notes=fitted.notes if wrong else (*fitted.notes, *zeros_note(card, fitted.state)),
        problem=f"{' '.join(wrong)} {advice(recognise(checkpoint, named), architecture)}" if wrong else "",
    )


def _recognised(matches: list[Match], name: str) -> str:
    if matches[0].fits:
        return matches[0].name
    raise BadSpec(
        f"The architecture of {name} was not recognised.",
        "Names and shapes of its tensors are not those of a CNN that Sparsight knows.",
        advice(matches, ""),
    )
