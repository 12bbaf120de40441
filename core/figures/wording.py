"""Sentences from the numbers of one comparison, for pages, notebooks and the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.base.numbers import interval, percent, probability, score
from core.figures.names import at_start, of
from core.models.module_outputs import CHANCE
from core.results import Accuracy, Agreement, Comparison, Heatmap, MaskReport, Verdict
from core.saliency import CAMS, NEGATIVE_LIMIT

if TYPE_CHECKING:
    from core.sweeps.floor import Floor  # imports torch

MARKED = {"ink": "the ink", "mask": "the object", "boxes": "the boxes"}  # the truth of overlaps, by kind
NOTHING_MARKED = "No object is marked in this image, so its overlap with the heatmap is unknown."

NO_MARKS = "Undefined: no object is marked in these images."

Name = Callable[[str], str]  # formats a class name: escaped if it is shown as Markdown


def headline(answer: Comparison, name: Name = str, floor: Floor | None = None) -> str:
    """Return the main finding in Markdown: the answers before and after pruning, or those of the
    network and its reference, and the agreement of the evidence.

    Args:
        floor: how much dense networks of different seeds agree, if known; said if these two agree
            less.
    """
    mask, repaired = answer.mask, answer.mask.variant.pruning.repair != "none"
    if not answer.with_dense:
        return _beside_reference(answer, name)
    if not answer.pruned.prediction.answered:
        return no_answer(answer)
    if not mask.removed_anything and repaired:
        return (
            "**Nothing is removed yet, but BatchNorm was measured again** on a few images:"
            f" {_what_happens(answer, name, floor)}"
        )
    if not mask.removed_anything:
        return _by_chance(answer) + nothing_removed(mask, says(answer.reference, name))
    return f"{at_sparsity(mask)} {_what_happens(answer, name, floor)}"


def _by_chance(answer: Comparison) -> str:
    """Return why two heatmaps of the same network differ, in Markdown; "" if they do not."""
    if CHANCE not in answer.notes or not answer.difference.any():
        return ""
    return (
        "**This network answers differently when asked twice**, as with dropout that is always active: what differs"
        " here is chance. "
    )


def at_sparsity(mask: MaskReport) -> str:
    """Return the beginning of the headline of a pruned network, in Markdown."""
    before = f"{percent(mask.sparsity_before)} before this pruning, " if mask.was_sparse else ""
    return f"At **{percent(mask.sparsity)} sparsity** ({before}{mask.compression_ratio:.3g}× compression)"


def nothing_removed(mask: MaskReport, answer: str) -> str:
    """Return the headline if pruning removed no further weight, in Markdown. answer: the network's
    prediction.
    """
    if not mask.was_sparse:
        return f"**Nothing is removed yet**: this is the dense network, and it says {answer}."
    already = f"already {percent(mask.sparsity_before)} sparse"
    if not asks_for_something(mask):
        return f"**This dense network is {already}**, and it says {answer}."
    return (
        f"**This pruning removed 0 further weights**: the dense network was {already}, and the lowest-ranked weights"
        f" were already zero. It says {answer}."
    )


def asks_for_something(mask: MaskReport) -> bool:
    """Return whether this pruning requests the removal of weights; False for the dense network and
    a sparsity of 0.
    """
    pruning = mask.variant.pruning
    return bool(pruning.sparsity or any(amount for _, amount in pruning.overrides))


def no_answer(answer: Comparison) -> str:
    """Return the headline if the pruned network's outputs are not finite, in Markdown."""
    neither = (
        ""
        if answer.reference.prediction.answered or not answer.mask.removed_anything
        else " Neither does the dense network."
    )
    return (
        f"At **{percent(answer.mask.sparsity)} sparsity** the network **gives no answer**: its outputs"
        f" overflow.{neither}"
    )


def plain(markdown: str) -> str:
    """Remove Markdown's emphasis from a sentence."""
    return markdown.replace("**", "")


def says(side: Heatmap, name: Name = str) -> str:
    """Return a prediction with its probability: "7 (0.98)"."""
    if side.prediction.confidence is None:
        return "**no answer**"
    return f"**{name(class_name(side, side.prediction.top))}** ({probability(side.prediction.confidence)})"


def class_name(side: Heatmap, index: int | None) -> str:
    """Return the name of a class; its number if it has no name. No class means no answer."""
    return "no answer" if index is None else side.prediction.classes[index]


def of_truth(text: str, kind: str) -> str:
    """Replace the ink in a measure's text by another kind of truth."""
    return re.sub(r"\bthe ink\b", MARKED.get(kind, "the object"), text) if kind != "ink" else text


def undefined(answer: Comparison) -> str:
    """Explain why a score is undefined."""
    for side in (answer.pruned, answer.reference):
        if not side.usable:
            return f"Undefined, because {of(answer, side, 'map')} is {side.state}."
    truth = answer.picture.truth
    if truth is None:
        return NOTHING_MARKED
    if not truth.any():
        return (
            f"Undefined for this image: there is no {MARKED[answer.picture.truth_kind].removeprefix('the ')} to compare"
            " with."
        )
    return "Undefined for these maps."


def _what_happens(answer: Comparison, name: Name, floor: Floor | None) -> str:
    state = answer.pruned.state
    if answer.mask.collapsed:
        always = name(class_name(answer.pruned, answer.pruned.prediction.top))
        return f"the network has **collapsed**: no input reaches its output, and it says {always} to every image."
    if answer.flipped:
        changed = (
            f"the network **changes its answer**: {says(answer.reference, name)} becomes {says(answer.pruned, name)}."
        )
        return changed + _against_label(answer, name)
    still = f"the network still says {says(answer.pruned, name)}"
    if state != "ok":
        return f"{still}, but its **heatmap is {state}**."
    if not answer.difference.any():
        return (
            f"**nothing changes**: the network still says {says(answer.pruned, name)}, for exactly the same evidence."
        )
    return still + _evidence(answer.agreement) + _below(answer.agreement, floor) + _against_label(answer, name)


def _below(agreement: Agreement, floor: Floor | None) -> str:
    """Return that the two networks agree less than two dense ones; "" if they do not."""
    if floor is None or not floor.is_above(agreement.value):
        return ""
    return (
        " This is **less than two dense networks of different seeds agree** with each other"
        f" ({score(floor.mean)} on average, n = {floor.n} images)."
    )


def _beside_reference(answer: Comparison, name: Name) -> str:
    """Return the main finding beside another reference than the dense network, in Markdown."""
    mask, other, theirs = answer.mask, _named(answer, name), answer.reference.prediction
    begin = f"{at_sparsity(mask)} the network"
    if not mask.removed_anything:
        already = f" (already {percent(mask.sparsity_before)} sparse)" if mask.was_sparse else ""
        begin = f"**Without pruning**{already}, the network"
    if not answer.pruned.prediction.answered:
        neither = "" if theirs.answered else f" Neither does {other}."
        return f"{begin} **gives no answer**: its outputs overflow.{neither}"
    if mask.collapsed:
        says_so = f"{at_start(other)} says {says(answer.reference, name)}"
        return f"{begin} has **collapsed**: no input reaches its output. {says_so}."
    own = f"{begin} says {says(answer.pruned, name)}"
    if theirs.confidence is None:
        return f"{own}. {at_start(other)} **gives no answer**: its outputs overflow."
    if answer.flipped:
        return f"{own}, but **{other} says otherwise**: {says(answer.reference, name)}.{_against_label(answer, name)}"
    own += f", as {other} does ({probability(theirs.confidence)})"
    if answer.pruned.state != "ok":
        return f"{own}, but its **heatmap is {answer.pruned.state}**."
    if not answer.difference.any():
        return f"{own}, for **exactly the same evidence**."
    evidence = _evidence(answer.agreement)
    return own + ("," if evidence.startswith(" and") else "") + evidence + _against_label(answer, name)


def _named(answer: Comparison, name: Name) -> str:
    """Return the reference in Markdown; its name may come from a file."""
    return name(answer.reference_name)


def _evidence(agreement: Agreement) -> str:
    """Return the agreement by two methods, to follow the network's answer."""
    first, second = CAMS[agreement.method].title, CAMS[agreement.second_method].title
    if agreement.value is None:
        return f". How far its evidence agrees is undefined: one of the two {first} maps is constant."
    if agreement.second_value is None:
        return f". {first} agrees by {score(agreement.value)}, but {second} finds no evidence in one of the networks."
    if agreement.verdict is Verdict.DISPUTED:
        (low, moves), (high, stays) = sorted(((agreement.value, first), (agreement.second_value, second)))
        return f". {moves} moves ({score(low)}), {stays} does not ({score(high)}): **part of this is the method**."
    words = {
        Verdict.SAME: " and **looks at the same places** ({} agrees by {}, {} {}).",
        Verdict.ELSEWHERE: ", but **looks elsewhere** ({} agrees by only {}, {} {}).",
        Verdict.PARTLY: ", and **part of its evidence moves** ({} agrees by {}, {} {}).",
    }
    return words[agreement.verdict].format(first, score(agreement.value), second, score(agreement.second_value))


def unsound(answer: Comparison) -> str:
    """Return a warning if the method is not made for this layer, in Markdown; else ""."""
    method, share = answer.reference.cam.method, max(answer.reference.negative_share, answer.pruned.negative_share)
    why = CAMS[method].facts["negative"]
    if not why or share <= NEGATIVE_LIMIT:
        return ""
    return (
        f"**{percent(share)} of this layer's values are negative: {CAMS[method].title} is unstable here.** It is made"
        f" for layers after an activation such as ReLU: {why}. Choose the layer that follows, or a method such as"
        " Grad-CAM."
    )


def accuracy_text(accuracy: Accuracy) -> str:
    """Return an accuracy as "91.2 % (4,560 of 5,000; 95 % interval 90.4 to 92.0 %)"."""
    counts = f"{accuracy.correct:,} of {accuracy.total:,}"
    return f"{accuracy.fraction * 100:.1f} % ({counts}; {interval(accuracy.low, accuracy.high)})"


def _against_label(answer: Comparison, name: Name) -> str:
    label, dense, pruned = answer.picture.label, answer.reference_class, answer.pruned.prediction.top
    if label is None or dense == pruned == label:
        return ""
    it = (
        f"it is a {label}"
        if answer.picture.truth_kind == "ink"
        else f"it is labelled {name(class_name(answer.pruned, label))}"
    )
    if dense != label and pruned != label:
        return f" Both are wrong: {it}."
    it = it.replace("it", "It", 1)
    if not answer.with_dense:
        return f" {it}, so {_named(answer, name) if dense == label else 'this network'} is right."
    return f" {it}, so the dense network was right." if dense == label else f" {it}: pruning corrected the answer."
