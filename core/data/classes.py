"""Class names of a data set as indices into a network's classes."""

from __future__ import annotations

from collections import Counter


def plain(name: str) -> str:
    """A class name for comparisons: its first synonym, small letters, words parted by single blanks."""
    return " ".join(name.split(",")[0].replace("_", " ").replace("-", " ").lower().split())


def class_index(name: str, classes: tuple[str, ...]) -> int | None:
    """Where a class stands among a network's classes; None where it is none of them, or where two share the name.

    Args:
        name: as a data set calls the class. classes: names in the order of the network's outputs.
    """
    if classes.count(name) == 1:
        return classes.index(name)
    names = [plain(known) for known in classes]
    return names.index(plain(name)) if Counter(names)[plain(name)] == 1 else None
