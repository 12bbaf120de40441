"""COCO's run lengths, decoded character by character and pixel by pixel."""

from __future__ import annotations

import numpy as np


def numbers(code: str) -> list[int]:
    """The runs in a compressed code. A character holds five bits, the lowest first, and whether
    more follow; from the fourth number on, a number is the difference to the one before the last.
    """
    found: list[int] = []
    value, bits = 0, 0
    for character in code:
        six = ord(character) - 48
        value += (six & 31) << bits
        bits += 5
        if six & 32:
            continue
        if six & 16:  # negative
            value -= 1 << bits
        found.append(value + (found[-2] if len(found) > 2 else 0))
        value, bits = 0, 0
    return found


def mask(runs: list[int], width: int, height: int) -> np.ndarray:
    """(height, width): the runs go down the first column, then down the second, and so on."""
    marked = np.zeros((height, width), bool)
    place, inside = 0, False
    for length in runs:
        for _ in range(length):
            marked[place % height, place // height] = inside
            place += 1
        inside = not inside
    assert place == width * height
    return marked


def runs(marked: np.ndarray) -> list[int]:
    """The runs of a mask, background first."""
    found, inside = [0], False
    for column in marked.T:
        for pixel in column:
            if pixel != inside:
                found.append(0)
                inside = not inside
            found[-1] += 1
    return found
