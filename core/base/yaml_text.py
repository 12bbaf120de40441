"""YAML that others wrote: read without code, and refused if its aliases unfold without end."""

from __future__ import annotations

from typing import Any

import yaml

MOST_PARTS = 100_000  # a few lines of aliases can stand for billions


def load(text: str) -> Any:
    """Return what the text stands for. Raises yaml.YAMLError, RecursionError; ValueError for
    aliases that unfold to more than MOST_PARTS, or hold themselves.
    """
    compose(text)
    return yaml.safe_load(text)


def compose(text: str) -> yaml.Node | None:
    """Return the parts of the text with their places. Raises as `load`."""
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is not None and _parts(node, {}) > MOST_PARTS:
        raise ValueError(f"its aliases unfold to more than {MOST_PARTS:,} parts")
    return node


def _parts(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Count the parts of a node, those behind aliases each time they are named."""
    if id(node) in known:
        count = known[id(node)]
        if count is None:
            raise ValueError("an alias holds itself")
        return count
    known[id(node)] = None
    inside: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inside = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inside = node.value
    known[id(node)] = count = 1 + sum(_parts(each, known) for each in inside)
    return count
