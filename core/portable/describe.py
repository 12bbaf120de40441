"""What an exported network is, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from core.base.numbers import percent
from core.models.cards import InputRule

TITLES = {
    "README.md": "this text",
    "example.png": "an example image",
    "example.safetensors": "its input and outputs",
    "network.json": "all facts for programs: classes, input, counts, checksums",
    "network.onnx": "for ONNX Runtime and other engines; input `images`, output `logits`",
    "network.pt2": '`torch.export.load("network.pt2").module()`',
    "network.py": "builds the network with torch and torchvision, and checks it: `python network.py`",
    "weights.safetensors": "its weights, float32",
}


def input_facts(rule: InputRule, digits: bool) -> dict[str, Any]:
    """Return how an image becomes the network's input, as numbers and in words."""
    return asdict(rule) | {"in_words": input_in_words(rule, digits)}


def input_in_words(rule: InputRule, digits: bool = False) -> str:
    """Return the preparation of an image step by step, in one paragraph."""
    height, width = rule.size_px
    low, high = rule.value_range
    scaling = f"{rule.interpolation} with antialiasing, as Pillow and torchvision do"
    colours = {1: "Convert it to grey.", 4: "Add a fourth channel that is 1 everywhere."}.get(rule.channels, "")
    order = rule.channel_order + "A" * (rule.channels == 4)
    steps = [
        f"Scale the image to {width} x {height} pixels (width x height; {scaling})."
        if rule.resize_px is None
        else f"Scale the shorter side to {rule.resize_px} pixels ({scaling}), then crop {width} x {height} (width x"
        " height) from the centre.",
        colours,
        f"Channels first, in the order {order}." if rule.channels > 1 else "One channel.",
        f"Values from {low:g} (black) to {high:g} (white).",
    ]
    if any(rule.mean) or set(rule.std) != {1.0}:
        steps.append(f"Subtract the mean {_listed(rule.mean)}, then divide by {_listed(rule.std)}, channel by channel.")
    if digits:
        steps.insert(0, "A digit is white on black, 28 x 28 pixels as in MNIST.")
    return " ".join(filter(None, steps))


def readme(facts: dict[str, Any]) -> str:
    """Return the text of README.md."""
    counts, pruning, weights = facts["counts"], facts["pruning"], facts["weights"]
    removed = {name: pair for name, pair in facts["removed_channels"].items() if pair[0] != pair[1]}
    versions = facts["versions"]
    parts = [
        f"# {facts['title']}",
        f"Written by Sparsight {versions['sparsight']} with torch {versions['torch']}, from the network"
        f" `{facts['network']}`.",
        "## Use",
        "```\npython network.py             # checks the network and prints the answer for example.png\n"
        "python network.py photo.jpg   # prints its answers for another image\n```"
        if "network.py" in facts["files"]
        else "",
        _table(("file", "what it is"), ((f"`{name}`", TITLES[name]) for name in sorted({*facts["files"], *_ALWAYS}))),
        "Each file that holds the network was read again and gave the same outputs, to 1e-5.",
        *(f"`{name}` was left out: {reason}." for name, reason in facts["left_out"].items()),
        *(
            f"`{name}` takes one image at a time."
            for name, file in facts["files"].items()
            if file.get("any_batch") is False
        ),
        "## Input",
        facts["input"]["in_words"],
        "## Counts",
        f"- {counts['parameters']:,} parameters, {counts['zeros']:,} of them zero.",
        f"- The pruning left {pruning['kept']:,} of {pruning['prunable']:,} prunable weights: a sparsity of"
        f" {percent(pruning['sparsity'])}.",
        f"- Emptied channels were removed in {len(removed)} layers; `network.json` counts them."
        if removed
        else "- No channel was removed: pruned weights are zeros in place.",
        f"- {len(facts['classes']):,} classes, listed in `network.json` in the order of the outputs.",
        "## Origin",
        f"Weights: {weights['summary']}. Source: {weights['origin'] or 'made here'}. Licence:"
        f" {weights['licence'] or 'see the source'}. Example image: {facts['example']['picture']}.",
    ]
    return "\n\n".join(filter(None, parts)).replace(".\n\n- ", ".\n- ") + "\n"


_ALWAYS = ("README.md", "network.json")


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.7g}" for value in values)


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"| {one} | {two} |" for one, two in (head, ("---", "---"), *rows))
