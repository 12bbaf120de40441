"""Faithfulness of one heatmap from the papers' definitions, pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]  # image (channels, H, W) -> logits (C,)


def probability(image: np.ndarray, name: int, predict: Predict) -> float:
    logits = predict(image).astype(np.float64)
    powers = np.exp(logits - logits.max())
    return float(powers[name] / powers.sum())


def order(values: np.ndarray) -> list[tuple[int, int]]:
    """Places, the most relevant first, ties in reading order."""
    places = [(row, column) for row in range(values.shape[0]) for column in range(values.shape[1])]
    return sorted(places, key=lambda place: -values[place])


def area(start: np.ndarray, end: np.ndarray, values: np.ndarray, name: int, predict: Predict, steps: int) -> float:
    """Petsiuk et al. 2018: replace pixels one by one, look at the probability at every step."""
    if not np.isfinite(values).all() or values.min() == values.max():
        return math.nan
    places, image = order(values), start.copy()
    points = [(0, probability(image, name, predict))]
    for done, (row, column) in enumerate(places, start=1):
        image[:, row, column] = end[:, row, column]
        if any(done == step * len(places) // steps for step in range(1, steps + 1)):
            points.append((done, probability(image, name, predict)))
    total = 0.0
    for (left, low), (right, high) in pairwise(points):
        total += (right - left) / len(places) * (low + high) / 2
    return total


def average_drop(image: np.ndarray, values: np.ndarray, name: int, predict: Predict) -> float:
    """Chattopadhay et al. 2018."""
    whole, part = probability(image, name, predict), probability(image * values, name, predict)
    return max(0.0, whole - part) / whole


def blurred(image: np.ndarray) -> np.ndarray:
    """A Gaussian of 5 / 224 of the side, cut off at two standard deviations, borders reflected."""
    height, width = image.shape[-2:]
    sigma = 5 / 224 * max(height, width)
    reach = max(1, min(round(2 * sigma), min(height, width) - 1))
    steps = range(-reach, reach + 1)
    weights = {(a, b): math.exp(-(a * a + b * b) / (2 * sigma**2)) for a in steps for b in steps}
    total = sum(weights.values())

    def reflect(place: int, size: int) -> int:
        place = abs(place)
        return 2 * (size - 1) - place if place >= size else place

    answer = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            for (a, b), weight in weights.items():
                place = reflect(row + a, height), reflect(column + b, width)
                answer[:, row, column] += weight / total * image[:, *place]
    return answer


def imputed(image: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Rong et al. 2022: every removed pixel is the weighted mean of its neighbours, all at once."""
    height, width = removed.shape
    places = {place: number for number, place in enumerate(zip(*np.nonzero(removed), strict=True))}
    system, right = np.zeros((len(places), len(places))), np.zeros((len(places), len(image)))
    for (row, column), number in places.items():
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                other = row + down, column + across
                if (down, across) == (0, 0) or not (0 <= other[0] < height and 0 <= other[1] < width):
                    continue
                weight = 1 / 12 if down and across else 1 / 6
                system[number, number] += weight
                if other in places:
                    system[number, places[other]] -= weight
                else:
                    right[number] += weight * image[:, *other]
    filled = image.astype(np.float64).copy()
    if places:
        filled[:, removed] = np.linalg.solve(system, right).T
    return filled


def road(image: np.ndarray, values: np.ndarray, name: int, predict: Predict, noise: np.ndarray, most: bool) -> float:
    """Mean probability after 20, 40, 60 and 80 % are removed, from either end."""
    if not np.isfinite(values).all() or values.min() == values.max():
        return math.nan
    places, found = order(values), []
    for share in (0.2, 0.4, 0.6, 0.8):
        count = round(share * len(places))
        gone = places[:count] if most else places[len(places) - count :]
        removed = np.zeros(values.shape, dtype=bool)
        for place in gone:
            removed[place] = True
        found.append(probability(np.where(removed, imputed(image, removed) + noise, image), name, predict))
    return sum(found) / len(found)
