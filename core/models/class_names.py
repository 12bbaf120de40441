"""Names of classes in the order of a network's outputs: from text or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set
from numbers import Integral
from typing import Any

from core.base.errors import BadSpec

NUMBERED = re.compile(r"(\d{1,9})\s*[:,;\t]\s*(.+)")
SYNSET_FIRST = re.compile(r"n\d{8}\s+(.+)")
RULE = "Each output has one name, in the order of the outputs."


def read_classes(text: str) -> tuple[str, ...]:
    """Read names from text.

    Args:
        text: one name a line, which may begin with its number ("0: tench") or synset; or JSON: a
        list of names, a dictionary from number to name ({"0": "tench"}, also {"0": ["n01440764",
        "tench"]}) or from name to number, as torchvision's `class_to_idx`.
    Raises:
        BadSpec: JSON of another form, or numbers that are not 0, 1, 2 and so on.
    """
    text = text.strip()
    if text.startswith(("[", "{")):
        try:
            return _of_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise BadSpec(
                f"The classes are not valid JSON ({error}).", RULE, 'Write ["cat", "dog"], or one name a line.'
            ) from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [NUMBERED.fullmatch(line) for line in lines]
    if lines and all(match and int(match[1]) == place for place, match in enumerate(numbered)):
        lines = [match[2] for match in numbered if match]
    if lines and all(map(SYNSET_FIRST.fullmatch, lines)):
        lines = [SYNSET_FIRST.sub(r"\1", line) for line in lines]
    return tuple(lines)


def _of_json(content: Any) -> tuple[str, ...]:
    if isinstance(content, Mapping):
        by_number = {str(number): name for number, name in content.items()}
        if content and all(isinstance(number, int) for number in content.values()):
            by_number = {str(number): name for name, number in content.items()}
        if set(by_number) != {str(number) for number in range(len(content))}:
            raise BadSpec(
                f"The numbers of the {len(content)} classes are not 0 to {len(content) - 1}.",
                RULE,
                'Write {"0": "cat", "1": "dog"} or {"cat": 0, "dog": 1}.',
            )
        content = [by_number[str(number)] for number in range(len(content))]
    names = [name[-1] if isinstance(name, list) and name else name for name in content]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise BadSpec("Some classes have no name.", RULE, 'Write ["cat", "dog"], or one name a line.')
    return tuple(name.strip() for name in names)


def listed(names: object) -> tuple[str, ...]:
    """Return the names of classes that are given in any usual form: a list, an array, numbers such
    as range(10), or a dictionary from name to number or from number to name; () for None.

    Raises BadSpec: a text, a set (it has no order), a single number.
    """
    if isinstance(names, Mapping):
        return _of_json(names)
    if names is None:
        return ()
    if isinstance(names, str | bytes | Set) or not isinstance(names, Iterable):
        raise BadSpec(
            f"The classes are given as {type(names).__name__}, not as a list of names.",
            RULE,
            'Write ("cat", "dog"), for example.',
        )
    return tuple(str(name) if isinstance(name, str | Integral) else name for name in names)


def class_names(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return a name for each class: numbers if there are none. Raises BadSpec."""
    if not names:
        return tuple(map(str, range(count)))
    if len(names) != count or not all(isinstance(name, str) and name.strip() for name in names):
        raise BadSpec(
            f"{len(names)} class names are given, but the network has {count} classes.",
            "Each class needs a name, in the order of the outputs.",
            "Give as many names, or none at all.",
        )
    return tuple(names)
