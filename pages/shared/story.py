"""The words on the screen that depend on numbers: the one sentence at the top, warnings with a next step, reasons for a dash."""

from __future__ import annotations

import re

from core.models.zoo import card, series_of
from core.results import ELSEWHERE_BELOW, MAP_STATES, OVERFLOW_ADVICE, SAME_FROM, Agreement, Comparison, Heatmap, Verdict
from core.saliency import CAMS, NEGATIVE_LIMIT
from core.wording import asks_for_something, at_sparsity, no_answer, nothing_removed
from pages.shared import markdown

MARKED = {"ink": "the ink", "mask": "the object", "boxes": "the boxes"}  # what overlaps are with, by the kind of truth
NOTHING_MARKED = "No object is marked in this image, so nothing can be said about the overlap with it."

WORDS = {
    "sparsity / density": "the share of the prunable weights that is zero / not zero, counted from the tensors. Zeros that the network had "
                          "before the pruning count too.",
    "compression ratio": "all parameters / parameters that are not zero. Biases are never pruned by themselves.",
    "schedule": "one-shot prunes the dense network at once; iterative with weight reset prunes a fifth, sets the rest back to its "
                "pretrained values, retrains, and repeats.",
    "criterion": "what decides which weights go first: their size, a measure of their influence, or a random draw as a control.",
    "granularity": "what goes as a whole: single weights, kernels, channels, filters, or N of every M weights.",
    "scope": "global ranks all weights together; per layer removes the same share of every layer.",
    "heatmap": "where the evidence for one class lies, from 0 to 1; the raw saliency map has one value for each cell of the target layer.",
    "target layer, target class": "where in the network, and for which class, the map is made: dense = the class that the dense network "
                                  "predicts, own = the class that each network predicts itself, label = the true class.",
    "agreement": "Pearson's correlation of the dense and the pruned network's raw maps, at the target layer's own cells. Two methods are "
                 f"asked: from {SAME_FROM} on by both, the network looks at the same places; below {ELSEWHERE_BELOW} by both, elsewhere. "
                 "Networks that differ in their training seed only agree by 0.2 to 0.7 (median, thesis CNN, by layer and method).",
    "soft IoU": "sum of the smaller / sum of the larger values of two maps: 0 is nothing in common, 1 is the same map.",
    "IoU at top p": "overlap of the strongest tenth of the pixels of both.",
    "accuracy": "the share of images named rightly, with its counts and a 95 % Wilson interval.",
}  # fmt: skip


def headline(answer: Comparison) -> str:
    """The one thing that matters now, from the numbers, in Markdown."""
    mask = answer.mask
    if not answer.pruned.prediction.answered:
        return no_answer(answer)
    if not mask.removed_anything and mask.variant.pruning.repair != "none":
        return f"**Nothing is removed yet, but BatchNorm was measured again** on a few images: {_what_happens(answer)}"
    if not mask.removed_anything:
        next_step = "" if mask.was_sparse and asks_for_something(mask) else " Move the sparsity slider."
        return nothing_removed(mask, says(answer.dense)) + next_step
    return f"{at_sparsity(mask)} {_what_happens(answer)}"


def _what_happens(answer: Comparison) -> str:
    state = answer.pruned.state
    if answer.mask.collapsed:
        always = class_name(answer.pruned, answer.pruned.prediction.top)
        return f"the network has **collapsed**: no input reaches its output, and it says {always} to every image."
    if answer.flipped:
        return f"the network **changes its answer**: {says(answer.dense)} becomes {says(answer.pruned)}.{_against_label(answer)}"
    still = f"the network still says {says(answer.pruned)}"
    if state != "ok":
        return f"{still}, but its **heatmap is {state}**."
    if not answer.difference.any():
        return f"**nothing changes**: the network still says {says(answer.pruned)}, for exactly the same evidence."
    return f"{still}{_agreement(answer.agreement)}{_against_label(answer)}"


def _agreement(found: Agreement) -> str:
    """What two methods say of the evidence, to follow the network's answer."""
    if found.value is None:
        return f". How far its evidence agrees is undefined: one of the two {title(found.method)} maps is constant."
    value, first = plain(found.value), title(found.method)
    if found.second_value is None:
        return f". {first} agrees by {value}, but {title(found.second_method)} finds no evidence in one of the networks."
    second = f"{title(found.second_method)} {plain(found.second_value)}"
    match found.verdict:
        case Verdict.SAME:
            return f" and **looks at the same places** ({first} agrees by {value}, {second})."
        case Verdict.ELSEWHERE:
            return f", but **looks elsewhere** ({first} agrees by only {value}, {second})."
        case Verdict.DISPUTED:
            moves, stays = (found.method, found.value), (found.second_method, found.second_value)
            if found.value > found.second_value:
                moves, stays = stays, moves
            return (
                f". {title(moves[0])} moves ({plain(moves[1])}), {title(stays[0])} does not ({plain(stays[1])}): "
                "**part of this is the method**."
            )
        case _:
            return f", and **its evidence moves in part** ({first} agrees by {value}, {second})."


def title(method: str) -> str:
    """A CAM method by its name on the screen."""
    return CAMS[method].title


def plain(value: float) -> str:
    """A score with two digits and a true minus sign."""
    return f"{plain_zero(value, 2):.2f}".replace("-", "−")


def _against_label(answer: Comparison) -> str:
    label, dense, pruned = answer.picture.label, answer.dense.prediction.top, answer.pruned.prediction.top
    if label is None or dense == pruned == label:
        return ""
    it = f"it is a {label}" if answer.picture.truth_kind == "ink" else f"it is labelled {class_name(answer.dense, label)}"
    if dense != label and pruned != label:
        return f" Both are wrong: {it}."
    it = it.replace("it", "It", 1)
    return f" {it}, so the dense network was right." if dense == label else f" {it}: pruning put it right."


def warnings(answer: Comparison) -> list[str]:
    """What is not as it should be, and what to do next; in Markdown, the gravest first."""
    found = []
    if answer.mask.collapsed:
        found.append("**Collapsed network.** No path of kept weights joins input and output: accuracy is one class's share and the heatmap "
                     "is empty. Move the slider to the left.")  # fmt: skip
    for name, side in (("dense", answer.dense), ("pruned", answer.pruned)):
        if not side.prediction.answered:
            overflow = f"**The {name} network's outputs overflow**, so it predicts no class, counts as wrong, and has no heatmap."
            found.append(f"{overflow} {OVERFLOW_ADVICE}")
        elif side.state != "ok" and not (side is answer.pruned and answer.mask.collapsed):
            found.append(f"**The {name} network's map is {side.state}.** {MAP_STATES[side.state]} {_other_map(side)}")
    if unsound := _unsound(answer):
        found.append(unsound)
    if answer.flipped and answer.dense.prediction.answered and answer.pruned.prediction.answered and not answer.mask.collapsed:
        found.append(f"**Flipped prediction.** Both heatmaps are for {_target(answer)}. {_less_pruning(answer)}")
    return found


def _unsound(answer: Comparison) -> str:
    """Said where a method meets a layer that it is not made for."""
    method, share = answer.dense.cam.method, max(answer.dense.negative_share, answer.pruned.negative_share)
    why = CAMS[method].facts["negative"]
    if not why or share <= NEGATIVE_LIMIT:
        return ""
    return (
        f"**{percent(share)} of this layer's values are negative: {title(method)} is unstable here.** It is made for layers after "
        f"an activation such as ReLU: {why}. Choose the layer that follows, or a method such as Grad-CAM."
    )


def _other_map(side: Heatmap) -> str:
    if side.state == "invalid":
        return "Choose another method, or less sparsity."
    return "It is shown as it is, not stretched. Less sparsity, another method or another target class may show evidence."


def _target(answer: Comparison) -> str:
    dense, pruned = answer.dense.target_class, answer.pruned.target_class
    if dense != pruned:
        return f"the class that each network predicts ({class_name(answer.dense, dense)} and {class_name(answer.pruned, pruned)})"
    return f"class {class_name(answer.dense, dense)}; choose target class **own** to see what speaks for each network's own answer"


def _less_pruning(answer: Comparison) -> str:
    variant = answer.mask.variant
    if variant.pruning.schedule != "one-shot":
        return "A lower level may keep the answer."
    if series := series_of(variant.model):
        return f"Schedule **{series.schedule}** retrains after each step and often keeps the answer at the same sparsity."
    return "Less sparsity, or retraining after pruning, may keep the answer."


def undefined(answer: Comparison) -> str:
    """Why a score is a dash."""
    for name, side in (("pruned", answer.pruned), ("dense", answer.dense)):
        if side.state != "ok":
            return f"Undefined, because the {name} network's map is {side.state}."
    truth = answer.picture.truth
    if truth is None and any(score is None for score in answer.overlap_pruned.values.values()):
        return "No object is marked in this image, so there is nothing that a map could overlap with."
    if truth is not None and not truth.any():
        return f"Undefined for this image: there is no {MARKED[answer.picture.truth_kind].removeprefix('the ')} to compare with."
    return "Undefined for these maps."


def of_truth(text: str, kind: str) -> str:
    """A measure's words, which speak of ink, for another kind of truth."""
    return re.sub(r"\bthe ink\b", MARKED.get(kind, "the object"), text) if kind != "ink" else text


def class_name(side: Heatmap, index: int | None) -> str:
    """A class in words, as Markdown; its number where the network says none. No class is no answer."""
    return "no answer" if index is None else markdown.plain(card(side.variant.model).classes[index])


def says(side: Heatmap) -> str:
    """A prediction with its probability: "7 (0.98)"."""
    if side.prediction.confidence is None:
        return "**no answer**"
    return f"**{class_name(side, side.prediction.top)}** ({side.prediction.confidence:.2f})"


def plain_zero(value: float, digits: int) -> float:
    """Rounded, and never minus nothing: -0.004 is 0.00 on the screen."""
    return round(value, digits) + 0.0


def percent(share: float) -> str:
    """A share as percent; with more digits where 100 % is near, and never "100 %" for less than all."""
    value = share * 100
    if value <= 99 or value == 100:
        return f"{value:.1f} %"
    return f"{value:.2f} %"
