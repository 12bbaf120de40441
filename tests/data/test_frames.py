"""Maps of networks that see different parts of a photograph, in one frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.data.frames import resampled, seen_by_one
from core.data.photos import Placement, fit_photo
from core.models.cards import InputRule
from tests.reference import frames as slow

whole = st.integers(-20, 60)
sides = st.integers(1, 40)
small = st.integers(1, 5)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, ...]:
    left, top = draw(whole), draw(whole)
    return left, top, left + draw(sides), top + draw(sides)


@st.composite
def maps(draw: st.DrawFn) -> np.ndarray:
    shape = draw(small), draw(small)
    values = draw(st.lists(st.floats(-3, 3, width=32), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.array(values, np.float32).reshape(shape)


@given(maps(), boxes(), boxes(), st.tuples(small, small))
def test_it_equals_the_slow_twin(values: np.ndarray, own: tuple, frame: tuple, size: tuple[int, int]) -> None:
    expected = slow.resampled(values.tolist(), own, frame, size)
    assert resampled(values, own, frame, size) == pytest.approx(np.array(expected), abs=1e-5)


@given(maps(), boxes())
def test_the_same_frame_and_cells_change_nothing(values: np.ndarray, own: tuple) -> None:
    assert resampled(values, own, own, values.shape) == pytest.approx(values, abs=1e-5)


@given(maps(), boxes(), st.tuples(small, small))
def test_evidence_in_a_larger_frame_is_neither_lost_nor_made(
    values: np.ndarray, own: tuple, size: tuple[int, int]
) -> None:
    frame = own[0] - 3, own[1] - 2, own[2] + 5, own[3] + 1
    found = resampled(values, own, frame, size)
    assert found.mean() * slow.area(frame) == pytest.approx(values.mean() * slow.area(own), abs=2e-3)


@given(maps(), boxes(), st.tuples(small, small))
def test_what_is_not_seen_is_no_evidence(values: np.ndarray, own: tuple, size: tuple[int, int]) -> None:
    beside = own[2], own[1], own[2] + 4, own[3]
    assert not resampled(values, own, beside, size).any()


def test_a_crop_of_whole_cells_is_a_slice() -> None:
    values = np.arange(36, dtype=np.float32).reshape(6, 6)
    assert (resampled(values, (0, 0, 60, 60), (10, 20, 50, 60), (4, 4)) == values[2:, 1:5]).all()


@given(boxes(), boxes(), st.tuples(sides, sides))
def test_the_share_that_one_network_sees_alone_equals_a_count_of_pixels(
    one: tuple, other: tuple, source_px: tuple[int, int]
) -> None:
    assert seen_by_one(one, other, source_px) == pytest.approx(slow.seen_by_one(one, other, source_px), abs=1e-9)
    assert seen_by_one(one, other, source_px) == seen_by_one(other, one, source_px)


@given(st.tuples(sides, sides), st.tuples(sides, sides), st.one_of(st.none(), st.integers(4, 50)))
def test_a_frame_is_the_part_of_the_photograph_that_is_fitted(
    source: tuple[int, int], size_px: tuple[int, int], resize_px: int | None
) -> None:
    """A photograph whose colour is its place shows where the frame begins and ends."""
    width, height = source[0] + 20, source[1] + 20
    across, down = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    photo = Image.fromarray((np.stack([across, down, across * 0], 2) * 255).astype(np.uint8))
    rule = InputRule(size_px=size_px, resize_px=resize_px)
    x0, y0, x1, y1 = Placement.of(photo.size, rule).in_source
    seen = fit_photo(photo, rule) / 255
    for axis, (first, last), side in ((1, (x0, x1), width), (0, (y0, y1), height)):
        centres = first + (np.arange(size_px[1 - (1 - axis)]) + 0.5) * (last - first) / size_px[1 - (1 - axis)]
        inside = (centres > 0.15 * side) & (centres < 0.85 * side)
        line = seen[seen.shape[0] // 2, :, 0] if axis == 1 else seen[:, seen.shape[1] // 2, 1]
        assert line[inside] == pytest.approx(centres[inside] / side, abs=0.08)
