"""The scores of a comparison on the first screen, in its number formats."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.numbers import UNDEFINED, change, score
from core.figures.wording import of_truth, undefined
from core.measures import MEASURES
from core.results import Comparison

# Measures by the kind of truth, each with its group. A mask has no brightest tenth, so no IoU at
# top p.
FIRST_SCORES: dict[str, tuple[tuple[str, str], ...]] = {
    "ink": (("soft-iou", "overlap"), ("iou-top-p", "overlap"), ("energy-inside", "overlap"), ("pearson", "similarity")),
    "": tuple((name, "similarity") for name in ("pearson", "spearman", "soft-iou-of-maps", "ssim")),
}
FIRST_SCORES["mask"] = FIRST_SCORES["boxes"] = (
    ("soft-iou", "overlap"),
    ("energy-inside", "overlap"),
    ("pointing-game", "overlap"),
    ("pearson", "similarity"),
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One score as text. change: from the reference, usually the dense network; origin: the
    reference's value; summary: what the score measures, or why it is undefined.
    """

    title: str
    value: str
    change: str
    origin: str
    summary: str

    @property
    def line(self) -> tuple[str, str, str]:
        """Return title, value and origin, for a terminal."""
        return self.title, self.value, f"({self.change} {self.origin})"


def first_scores(answer: Comparison) -> tuple[Score, ...]:
    """Return the scores of the first screen, in order."""
    kind = answer.picture.truth_kind
    return tuple(_score(answer, name, group, kind) for name, group in FIRST_SCORES[kind])


def _score(answer: Comparison, name: str, group: str, kind: str) -> Score:
    value, dense = _values(answer, name, group)
    return Score(
        title=of_truth(MEASURES[name].title, kind),
        value=score(value),
        change=UNDEFINED if value is None or dense is None else change(value - dense),
        origin=f"{'from' if answer.with_dense else 'reference'} {score(dense)}",
        summary=undefined(answer) if value is None else of_truth(MEASURES[name].summary, kind),
    )


def _values(answer: Comparison, name: str, group: str) -> tuple[float | None, float | None]:
    """Return the values of the pruned and the dense network; the similarity of the dense map with
    itself is 1.
    """
    if group == "overlap":
        return answer.overlap_pruned[name], answer.overlap_reference[name]
    return answer.similarity[name], 1.0
