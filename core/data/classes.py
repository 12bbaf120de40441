"""Class names of a data set as indices into a network's classes."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

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
NUMBERED = re.compile(r"(class )?\d+")


def plain(name: str) -> str:
    """Normalise a class name for comparisons: its first synonym, in lower case, words separated by
    single spaces.
    """
    return " ".join(re.sub(r"[_-]", " ", name.split(",")[0]).lower().split())


def class_indices(names: Classes, classes: Classes) -> tuple[int | None, ...]:
    """Map each class of a data set to its index among a network's classes; None if it is not one of
    them.

    Names are compared after `plain`; synsets (n01440764) are looked up among ImageNet's thousand. A
    network with numbered classes takes the data set's classes in order, if there are as many.

    Args:
        names: class names of the data set. classes: names in the order of the network's outputs.
    """
    if len(names) == len(classes) and all(map(NUMBERED.fullmatch, classes)) and not any(map(NUMBERED.fullmatch, names)):
        return tuple(range(len(names)))
    return tuple(class_index(name, classes) for name in names)


def class_index(name: str, classes: Classes) -> int | None:
    """Map one class by its name; also None if two classes of the network share the name."""
    if classes.count(name) == 1:
        return classes.index(name)
    if SYNSET.fullmatch(name):
        return _of_synset(name, classes)
    known, sought = _by_plain_name(classes), plain(name)
    return known.get(sought, known.get(ALSO_CALLED.get(sought, "")))


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
