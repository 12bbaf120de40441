"""Numbers and tables as a person reads them in a terminal."""

from __future__ import annotations

import pytest

from core.base.text import duration, number, percent, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (75, "75 seconds"),
        (1380, "23 minutes"),
        (5401, "1.5 hours"),
        (172_800, "2.0 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_with_their_units() -> None:
    assert [size(count) for count in (999, 2_459, 18_803_656, 4_000_000_000)] == [
        "999 bytes",
        "2.5 kB",
        "18.8 MB",
        "4.0 GB",
    ]
    assert [percent(share) for share in (0.0, 0.3, 0.9999, 0.99999, 1.0)] == [
        "0.0 %",
        "30.0 %",
        "99.99 %",
        "above 99.99 %",
        "100.0 %",
    ]
    assert [number(value) for value in (None, -0.001, 0.5)] == ["–", "0.00", "0.50"]
