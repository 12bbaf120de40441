"""Sentences made from the numbers of one comparison; for pages and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.models.zoo import card
from core.results import Comparison, Heatmap
from core.text import percent

ELSEWHERE, SAME_PLACES = 0.3, 0.7  # soft IoU of the two maps below and above which the sentence says so
OVERLAP = "soft-iou-of-maps"
MARKED = {"ink": "the ink", "mask": "the object", "boxes": "the boxes"}  # what overlaps are with, by the kind of truth
NOTHING_MARKED = "No object is marked in this image, so nothing can be said about the overlap with it."

Name = Callable[[str], str]  # how a class name is written: escaped where it is shown as Markdown


def headline(answer: Comparison, name: Name = str) -> str:
    """The one thing that matters now: what the network answers before and after, and how far the evidence agrees; in Markdown."""
    mask, repaired = answer.mask, answer.mask.variant.pruning.repair != "none"
    if mask.kept == mask.total and repaired:
        return f"**Nothing is removed yet, but BatchNorm was measured again** on a few images: {_what_happens(answer, name)}"
    if mask.kept == mask.total:
        return f"**Nothing is removed yet**: this is the dense network, and it says {says(answer.dense, name)}."
    return f"At **{percent(mask.sparsity)} sparsity** ({mask.compression_ratio:.3g}× smaller) {_what_happens(answer, name)}"


def plain(markdown: str) -> str:
    """The sentence without Markdown's emphasis."""
    return markdown.replace("**", "")


def says(side: Heatmap, name: Name = str) -> str:
    """A prediction with its probability: "7 (0.98)"."""
    return f"**{name(class_name(side, side.prediction.top))}** ({side.prediction.confidence:.2f})"


def class_name(side: Heatmap, index: int) -> str:
    """A class in words; its number where the network says none."""
    return card(side.variant.model).classes[index]


def of_truth(text: str, kind: str) -> str:
    """A measure's words, which speak of ink, for another kind of truth."""
    return re.sub(r"\bthe ink\b", MARKED.get(kind, "the object"), text) if kind != "ink" else text


def undefined(answer: Comparison) -> str:
    """Why a score is a dash."""
    for name, side in (("pruned", answer.pruned), ("dense", answer.dense)):
        if side.state != "ok":
            return f"Undefined, because the {name} network's map is {side.state}."
    truth = answer.picture.truth
    if truth is None:
        return NOTHING_MARKED
    if not truth.any():
        return f"Undefined for this image: there is no {MARKED[answer.picture.truth_kind].removeprefix('the ')} to compare with."
    return "Undefined for these maps."


def _what_happens(answer: Comparison, name: Name) -> str:
    state = answer.pruned.state
    if answer.mask.collapsed:
        always = name(class_name(answer.pruned, answer.pruned.prediction.top))
        return f"the network has **collapsed**: no input reaches its output, and it says {always} to every image."
    if answer.flipped:
        changed = f"the network **changes its answer**: {says(answer.dense, name)} becomes {says(answer.pruned, name)}."
        return changed + _against_label(answer, name)
    still = f"the network still says {says(answer.pruned, name)}"
    if state != "ok":
        return f"{still}, but its **heatmap is {state}**."
    if not answer.difference.any():
        return f"**nothing changes**: the network still says {says(answer.pruned, name)}, for exactly the same evidence."
    return _evidence(still, answer.similarity[OVERLAP]) + _against_label(answer, name)


def _evidence(still: str, overlap: float | None) -> str:
    if overlap is None:
        return f"{still}. The overlap of the two heatmaps is undefined."
    if overlap < ELSEWHERE:
        return f"{still}, but **looks elsewhere**: its evidence overlaps the dense network's by only {overlap:.2f}."
    if overlap > SAME_PLACES:
        return f"{still} and **looks at the same places**: its evidence overlaps the dense network's by {overlap:.2f}."
    return f"{still}. Its evidence overlaps the dense network's by {overlap:.2f}."


def _against_label(answer: Comparison, name: Name) -> str:
    label, dense, pruned = answer.picture.label, answer.dense.prediction.top, answer.pruned.prediction.top
    if label is None or dense == pruned == label:
        return ""
    it = f"it is a {label}" if answer.picture.truth_kind == "ink" else f"it is labelled {name(class_name(answer.dense, label))}"
    if dense != label and pruned != label:
        return f" Both are wrong: {it}."
    it = it.replace("it", "It", 1)
    return f" {it}, so the dense network was right." if dense == label else f" {it}: pruning corrected the answer."
