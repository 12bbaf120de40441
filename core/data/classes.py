"""Class names of a data set as indices into a network's classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from core.base.errors import BadSpec, UnknownName
from core.base.text import composed

Classes = tuple[str, ...]
SYNSET = re.compile(r"n\d{8}")  # WordNet's number of a noun, as ImageNet names its folders
# Breeds of Oxford-IIIT Pet with another name in ImageNet, as `plain` writes them.
ALSO_CALLED = {
    "basset hound": "basset",
    "english cocker spaniel": "cocker spaniel",
    "german shorthaired": "german short haired pointer",
    "japanese chin": "japanese spaniel",
    "leonberger": "leonberg",
    "persian": "persian cat",
    "scottish terrier": "scotch terrier",
    "siamese": "siamese cat",
    "staffordshire bull terrier": "staffordshire bullterrier",
    "wheaten terrier": "soft coated wheaten terrier",
}
NUMBERED = re.compile(r"(?:class )?([0-9]{1,9})")


def plain(name: str) -> str:
    """Normalise a class name for comparisons: its first synonym, in lower case, words separated by
    single spaces.
    """
    return " ".join(re.sub(r"[_-]", " ", composed(name).split(",")[0]).lower().split())


def class_indices(names: Classes, classes: Classes) -> tuple[int | None, ...]:
    """Map each class of a data set to its index among a network's classes; None if it is not one of
    them.

    Names are compared after `plain`; synsets (n01440764) are looked up among ImageNet's thousand. A
    network with numbered classes takes the data set's classes in order, if there are as many; if
    they are numbers too, by their number, provided that each is the number of a class.

    Args:
        names: class names of the data set. classes: names in the order of the network's outputs.
    """
    if not are_numbered(classes):
        return tuple(class_index(name, classes) for name in names)
    if not any(map(NUMBERED.fullmatch, names)):
        return tuple(range(len(names))) if len(names) == len(classes) else (None,) * len(names)
    if not are_numbered(names):
        return tuple(class_index(name, classes) for name in names)
    places, numbers = {number: index for index, number in enumerate(_numbers(classes))}, _numbers(names)
    trusted = len(set(numbers)) == len(numbers) and places.keys() >= set(numbers)
    return tuple(places[number] if trusted else None for number in numbers)


def are_numbered(names: Sequence[str]) -> bool:
    """Return whether all names are only numbers: "7", "07", "class 7"."""
    return bool(names) and all(map(NUMBERED.fullmatch, names))


def _numbers(names: Classes) -> list[int]:
    return [int(found[1]) for name in names if (found := NUMBERED.fullmatch(name))]


def class_index(name: str, classes: Classes) -> int | None:
    """Map one class by its name; also None if two classes of the network share the name."""
    if classes.count(name) == 1:
        return classes.index(name)
    if SYNSET.fullmatch(name):
        return _of_synset(name, classes)
    known, sought = _by_plain_name(classes), plain(name)
    return known.get(sought, known.get(ALSO_CALLED.get(sought, "")))


def unique_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes that differ: two cranes become "crane (134)" and "crane (517)"."""
    counts = Counter(classes)
    return tuple(name if counts[name] == 1 else f"{name} ({index})" for index, name in enumerate(classes))


@lru_cache(maxsize=32)
def paired_classes(theirs: Classes, ours: Classes, stated: tuple[tuple[str, str], ...] = ()) -> tuple[int | None, ...]:
    """Return one network's class for each class of another network; None for those it lacks.

    Equal lists are the same classes. Otherwise names decide, as in `class_indices`, read in either
    direction; a name that fits several classes fits none.

    Args:
        stated: pairs of names (theirs, ours) that go before all other names. Classes that share a
            name are told apart by their number: "crane (134)".
    Raises:
        UnknownName: a stated name is no class. BadSpec: a stated class has two partners.
    """
    pairs = {_stated(one, theirs): _stated(other, ours) for one, other in stated}
    if len(set(pairs.values())) < len(stated):
        raise BadSpec(
            "The mapping of classes names a class twice.",
            "Each class has one partner in the other network.",
            "Remove one of its pairs.",
        )
    found = list(range(len(ours))) if theirs == ours else _by_name(theirs, ours)
    taken = set(pairs.values())
    return tuple(pairs.get(index, None if place in taken else place) for index, place in enumerate(found))


def _by_name(theirs: Classes, ours: Classes) -> list[int | None]:
    """Return the partner of each class; equal names go before names that `plain` makes equal."""
    alike = Counter(theirs) & Counter(ours)
    once = {name for name in alike if theirs.count(name) == ours.count(name) == 1}
    backwards = class_indices(ours, theirs)
    back = {index: place for place, index in enumerate(backwards) if backwards.count(index) == 1}
    forth = [back.get(index) if place is None else place for index, place in enumerate(class_indices(theirs, ours))]
    taken = {ours.index(name) for name in once}
    others = Counter(place for name, place in zip(theirs, forth, strict=True) if name not in once)
    return [
        ours.index(name) if name in once else None if place in taken or others[place] > 1 else place
        for name, place in zip(theirs, forth, strict=True)
    ]


def _stated(name: str, classes: Classes) -> int:
    index = class_index(name, classes)
    names = unique_names(classes)
    if index is None and name not in names:
        raise UnknownName("class", name, names)
    return names.index(name) if index is None else index


@lru_cache(maxsize=8)
def _by_plain_name(classes: Classes) -> dict[str, int]:
    names = [plain(known) for known in classes]
    counts = Counter(names)
    return {name: index for index, name in enumerate(names) if counts[name] == 1}


def _of_synset(synset: str, classes: Classes) -> int | None:
    place = synsets().get(synset)
    if place is None:
        return None
    if is_imagenet(classes):
        return place
    return _by_plain_name(classes).get(plain(_imagenet_names()[place]))


def is_imagenet(classes: Classes) -> bool:
    """Return whether these are ImageNet's thousand classes, in their usual order."""
    return len(classes) == len(synsets()) and plain(classes[0]) == "tench"


@lru_cache(maxsize=1)
def synsets() -> dict[str, int]:
    """Return ImageNet's thousand classes (ILSVRC 2012): index in the usual order of outputs, by
    WordNet number.
    """
    text = Path(__file__).with_name("imagenet_synsets.txt").read_text(encoding="ascii")
    return {name: index for index, name in enumerate(text.split())}


@lru_cache(maxsize=1)
def _imagenet_names() -> Classes:
    from torchvision.models import get_model_weights  # imported here: it takes a second

    return tuple(get_model_weights("squeezenet1_1").DEFAULT.meta["categories"])


def readable(name: str) -> str:
    """Return the readable class of a folder: the name of a synset (n01440764 is tench), else the
    name itself.
    """
    place = synsets().get(name)
    return name if place is None else _imagenet_names()[place]
