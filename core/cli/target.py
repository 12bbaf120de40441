"""Parse a target class: the index of a class, or its name."""

from __future__ import annotations

import re

from core.base.errors import BadSpec
from core.base.suggestions import nearest
from core.specs import TARGETS


def class_index(target: str, classes: tuple[str, ...]) -> int:
    """Return the class of this index or name. Raises BadSpec."""
    if re.fullmatch("[0-9]{1,9}", target) and int(target) < len(classes):
        return int(target)
    of_name = [index for index, name in enumerate(classes) if name.casefold() == target.casefold()]
    if len(of_name) > 1:
        raise BadSpec(
            f"{len(of_name)} classes of this network are called '{target}'.",
            f"Their indices are {', '.join(map(str, of_name))}.",
            "Choose one of them by its index.",
        )
    if not of_name:
        is_number = re.fullmatch(r"[-+.,\d]+", target)  # a number that is not an index resembles no class
        near = None if is_number else nearest(target, [*TARGETS, *classes])
        raise BadSpec(
            f"There is no target class '{target}'.",
            f"It must be {', '.join(TARGETS)}, the name of a class, or its index from 0 to {len(classes) - 1}.",
            f"Did you mean '{near}'?" if near else "Choose one of them.",
        )
    return of_name[0]
