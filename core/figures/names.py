"""What people read for the two networks of a comparison: in titles, legends and sentences.

With the usual reference they are the dense and the pruned network; with any other one, the
reference has the name that the engine found, and the other is "this network".
"""

from __future__ import annotations

from dataclasses import dataclass

from core.results import Comparison, Heatmap


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names of the two networks.

    reference, own: in a legend or the head of a column. difference: title of their difference.
    stronger: the ends of its colour bar, purple and orange. answer: of the reference, in a legend.
    files: of pictures and arrays.
    """

    reference: str
    own: str
    difference: str
    stronger: tuple[str, str]
    answer: str
    files: tuple[str, str]

    @property
    def titles(self) -> tuple[str, str]:
        """The names as titles of pictures: the reference's, the network's."""
        first, second = (name[:1].upper() + name[1:] for name in (self.reference, self.own))
        return first, second


USUAL = Names(
    reference="dense",
    own="pruned",
    difference="Dense − pruned",
    stronger=("pruned more", "dense more"),
    answer="the dense network's answer",
    files=("dense", "pruned"),
)


def names(answer: Comparison) -> Names:
    """Return the names of the two networks."""
    if answer.with_dense:
        return USUAL
    return Names(
        reference=answer.reference_name.removeprefix("the "),
        own="this network",
        difference="Reference − this network",
        stronger=("this network more", "reference more"),
        answer="the reference's answer",
        files=("reference", "network"),
    )


def network(answer: Comparison, side: Heatmap) -> str:
    """Return one of the two networks within a sentence."""
    if side is answer.reference:
        return answer.reference_name
    return "the pruned network" if answer.with_dense else "this network"


def of(answer: Comparison, side: Heatmap, noun: str) -> str:
    """Return what one of the networks has: "the dense network's map", or "the map of the dense
    network of seed 334".
    """
    whose = network(answer, side)
    return f"{whose}'s {noun}" if answer.with_dense else f"the {noun} of {whose}"


def at_start(text: str) -> str:
    """Return a text at the start of a sentence."""
    return text[:1].upper() + text[1:]
