"""Number formats on screens, in text and in figures; no other module defines them."""

from __future__ import annotations

import math

UNDEFINED, MINUS = "–", "−"
MINUTE, HOUR, DAY = 60, 3600, 86400
KILOBYTE, MEGABYTE, GIGABYTE = 10**3, 10**6, 10**9


def percent(share: float) -> str:
    """Format a share as percent; with more digits near 100 %, and never "100 %" for less than
    all.
    """
    value = share * 100
    if value <= 99 or value == 100:
        return f"{value:.1f} %"
    return f"{value:.2f} %" if value < 99.995 else "above 99.99 %"


def interval(low: float, high: float) -> str:
    """Format the bounds of a share: "95 % interval 90.4 to 92.0 %"."""
    return f"95 % interval {low * 100:.1f} to {high * 100:.1f} %"


def score(value: float | None, digits: int = 2) -> str:
    """Format a score, a correlation or a mean: rounded, with a true minus sign, never minus zero; a
    dash if undefined (None or NaN).
    """
    if value is None or math.isnan(value):
        return UNDEFINED
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def probability(value: float) -> str:
    """Format a probability with two digits, and never as 0 if it is only small."""
    return "<0.01" if 0 < value < 0.005 else f"{value:.2f}"


def change(value: float, digits: int = 2) -> str:
    """Format a difference with its sign; "0" if it rounds to zero."""
    text = score(value, digits)
    return "0" if not text.strip("0.") else text if text.startswith(MINUS) else f"+{text}"


def duration(seconds: float) -> str:
    """Format a duration in a suitable unit: "75 seconds", "23 minutes", "1.5 hours", "3.2 days"."""
    if seconds < 1.5 * MINUTE:
        return counted(round(seconds), "second") if seconds >= 1 else "less than a second"
    if seconds < 1.5 * HOUR:
        return f"{seconds / MINUTE:.0f} minutes"
    return f"{seconds / HOUR:.1f} hours" if seconds < 2 * DAY else f"{seconds / DAY:.1f} days"


def size(count: int) -> str:
    """Format bytes: "2.5 kB", "18.8 MB"; a megabyte is a million bytes."""
    for unit, step in (("GB", GIGABYTE), ("MB", MEGABYTE), ("kB", KILOBYTE)):
        if count >= step:
            return f"{count / step:,.1f} {unit}"
    return f"{count} bytes"


def counted(count: int, noun: str) -> str:
    """Format a count with its noun: "1 epoch", "2,000 epochs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
