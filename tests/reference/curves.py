"""Means of a sweep over some images, as differences, and over seeds: slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Mapping

Values = Mapping[int, float]  # by image


def mean(values: Values) -> float:
    """The mean of the values that are defined; NaN if none is."""
    known = [value for value in values.values() if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def minus(values: Values, reference: Values) -> Values:
    """Each image's value less the reference's, for the images of both."""
    return {image: value - reference[image] for image, value in values.items() if image in reference}


def over_seeds(networks: list[Values]) -> Values:
    """Each image's mean over the networks for which it is defined, for the images of all."""
    found = {}
    for image in networks[0]:
        if all(image in values for values in networks):
            found[image] = mean(dict(enumerate(values[image] for values in networks)))
    return found
