"""The published pictures of "Less is More", pixel by pixel."""

from __future__ import annotations

from itertools import pairwise


def top_pixels(values: list[list[float]], share: float) -> list[list[bool]]:
    """The floor(share x pixels) highest values; of equal ones, those that come first."""
    places = [(row, column) for row, line in enumerate(values) for column in range(len(line))]
    count = int(share * len(places))
    chosen = sorted(places, key=lambda place: (-values[place[0]][place[1]], place))[:count]
    return [[(row, column) in chosen for column in range(len(line))] for row, line in enumerate(values)]


def jet(value: float) -> tuple[float, float, float]:
    """Dark blue, blue, cyan, yellow, red, dark red."""

    def between(points: list[tuple[float, float]]) -> float:
        for (a, low), (b, high) in pairwise(points):
            if a <= value <= b:
                return low + (high - low) * (value - a) / (b - a)
        return points[0][1] if value < points[0][0] else points[-1][1]

    red = between([(0.35, 0.0), (0.66, 1.0), (0.89, 1.0), (1.0, 0.5)])
    green = between([(0.125, 0.0), (0.375, 1.0), (0.64, 1.0), (0.91, 0.0)])
    blue = between([(0.0, 0.5), (0.11, 1.0), (0.34, 1.0), (0.65, 0.0)])
    return red, green, blue


def published_pixel(image: tuple[float, float, float], heat: float) -> tuple[float, ...]:
    """0.7 of the image and 0.3 of the coloured, squared map; everything in [0, 1]."""
    return tuple(0.7 * below + 0.3 * above for below, above in zip(image, jet(heat**2), strict=True))
