"""Pruning identified exemplars, image by image and class by class, by the definition of Hooker et
al. 2019: slow and obvious.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean

Answers = Mapping[str, Mapping[int, int]]  # network -> image -> class


def modal(answers: Answers, image: int) -> set[int]:
    """The most frequent answers of a population to an image: one, unless there is a tie."""
    counts = Counter(of_network[image] for of_network in answers.values())
    return {answer for answer, count in counts.items() if count == max(counts.values())}


def exemplars(dense: Answers, pruned: Answers, images: Sequence[int]) -> set[int]:
    """The images for which no modal answer of the pruned networks is one of the dense networks."""
    return {image for image in images if not modal(dense, image) & modal(pruned, image)}


def recall(answers: Mapping[int, int], labels: Mapping[int, int], name: int) -> float:
    """The share of the images of a class that a network answers with that class."""
    own = [image for image, label in labels.items() if label == name]
    return sum(answers[image] == name for image in own) / len(own)


def relative_recalls(answers: Answers, labels: Mapping[int, int], name: int) -> list[float]:
    """For each network, the recall of a class less the network's accuracy over all images."""
    found = []
    for of_network in answers.values():
        accuracy = mean(of_network[image] == label for image, label in labels.items())
        found.append(recall(of_network, labels, name) - accuracy)
    return found
