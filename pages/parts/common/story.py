"""Text on the screen that depends on numbers: the headline, warnings with a next step, reasons for
undefined values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.base.numbers import percent
from core.figures import wording
from core.figures.names import at_start, of
from core.figures.wording import NOTHING_MARKED, of_truth, undefined
from core.results import ELSEWHERE_BELOW, MAP_STATES, OVERFLOW_ADVICE, SAME_FROM, Comparison, Heatmap
from core.saliency import CAMS
from pages.parts.common import engine, markdown, titles

if TYPE_CHECKING:
    from core.sweeps.floor import Floor  # imports torch

__all__ = [
    "NOTHING_MARKED",
    "WORDS",
    "class_name",
    "headline",
    "of_truth",
    "percent",
    "says",
    "title",
    "undefined",
    "warnings",
]

WORDS = {
    "sparsity / density": (
        "the share of the prunable weights that is zero / not zero, counted from the tensors. Zeros that the network"
        " had before the pruning count too."
    ),
    "compression ratio": "all parameters / parameters that are not zero. Biases are never pruned by themselves.",
    "schedule": (
        "one-shot prunes the dense network in one step; iterative with weight reset prunes a fifth, resets the rest to"
        " its pretrained values, retrains, and repeats."
    ),
    "criterion": (
        "decides which weights are removed first: by magnitude, by a measure of their influence, or at random as a"
        " control."
    ),
    "granularity": "the unit of pruning: single weights, kernels, channels, filters, or N of every M weights.",
    "scope": "global ranks all weights together; per layer removes the same share of every layer.",
    "heatmap": (
        "where the evidence for one class lies, from 0 to 1; the raw saliency map has one value for each cell of the"
        " target layer."
    ),
    "target layer, target class": (
        "the layer and the class that the map is computed for: the dense network's answer, "
        "each network's own answer, the true class, or a class of your choice."
    ),
    "agreement": (
        "Pearson's correlation of the dense and the pruned network's raw maps, at the target layer's own cells. Two"
        f" methods are compared: at {SAME_FROM} or more by both, the network looks at the same places; below"
        f" {ELSEWHERE_BELOW} by both, elsewhere. Networks that differ only in their training seed agree by 0.2 to 0.7"
        " (median, thesis CNN, by layer and method)."
    ),
    "soft IoU": "sum of the smaller / sum of the larger values of two maps: 0 is nothing in common, 1 is the same map.",
    "IoU at top p": "overlap of the strongest tenth of the pixels of both.",
    "accuracy": "the share of images classified correctly, with its counts and a 95 % Wilson interval.",
}


def headline(answer: Comparison, floor: Floor | None = None) -> str:
    """Returns the main finding in Markdown.

    Args:
        floor: how much dense networks of different seeds agree, if known.
    """
    mask = answer.mask
    if not answer.with_dense:
        return wording.headline(answer, markdown.plain)
    still = mask.removed_anything or mask.variant.pruning.repair != "none" or not answer.pruned.prediction.answered
    wanted = mask.was_sparse and wording.asks_for_something(mask)
    return wording.headline(answer, markdown.plain, floor) + ("" if still or wanted else " Move the sparsity slider.")


def title(method: str) -> str:
    """Returns the display name of a CAM method."""
    return CAMS[method].title


def warnings(answer: Comparison) -> list[str]:
    """Returns warnings with a next step, as Markdown, the most serious first."""
    found = []
    if answer.mask.collapsed:
        found.append(
            "**Collapsed network.** No path of kept weights connects input and output: accuracy equals the share of one"
            " class, and the heatmap is empty. Move the slider to the left."
        )
    for side in (answer.reference, answer.pruned):
        if not side.prediction.answered:
            overflow = (
                f"**{_of(answer, side, 'outputs')} overflow**, so it predicts no class, counts as wrong, and has no"
                " heatmap."
            )
            found.append(f"{overflow} {OVERFLOW_ADVICE}")
        elif not side.usable and not (side is answer.pruned and answer.mask.collapsed):
            found.append(f"**{_of(answer, side, 'map')} is {side.state}.** {MAP_STATES[side.state]} {_other_map(side)}")
    if unsound := wording.unsound(answer):
        found.append(unsound)
    if (
        answer.flipped
        and answer.reference.prediction.answered
        and answer.pruned.prediction.answered
        and not answer.mask.collapsed
    ):
        wrong = "**Flipped prediction.**" if answer.with_dense else "**Different predictions.**"
        text = f"{wrong} Both heatmaps are for {_target(answer)}."
        found.append(f"{text} {_less_pruning(answer)}" if answer.with_dense else text)
    return found


def _of(answer: Comparison, side: Heatmap, noun: str) -> str:
    """Returns whose map or outputs these are, at the start of a sentence."""
    return markdown.plain(at_start(of(answer, side, noun)))


def _other_map(side: Heatmap) -> str:
    if side.state == "invalid":
        return "Choose another method or a lower sparsity."
    return "It is shown without rescaling. A lower sparsity, another method or another target class may show evidence."


def _target(answer: Comparison) -> str:
    dense, pruned = answer.reference.target_class, answer.pruned.target_class
    if answer.pruned.cam.target == "own":
        return (
            f"the class that each network predicts ({class_name(answer.reference, dense)} and"
            f" {class_name(answer.pruned, pruned)})"
        )
    return (
        f"class {class_name(answer.reference, dense)}; choose the target class **Each network's own answer** to see the"
        " evidence for both predictions"
    )


def _less_pruning(answer: Comparison) -> str:
    variant = answer.mask.variant
    if not variant.pruning.is_one_shot:
        return "A lower level may preserve the answer."
    if series := engine.series_of(variant.model):
        return (
            f"Schedule **{titles.SCHEDULES[series.schedule]}** retrains after each step and often preserves the answer"
            " at the same sparsity."
        )
    return "A lower sparsity, or retraining after pruning, may preserve the answer."


def class_name(side: Heatmap, index: int | None) -> str:
    """Returns a class name as Markdown; its number if the network has no names."""
    return markdown.plain(wording.class_name(side, index))


def says(side: Heatmap) -> str:
    """Returns a prediction with its probability: "7 (0.98)"."""
    return wording.says(side, markdown.plain)
