"""Boxes around heatmaps against boxes that people drew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.boxes import box_iou, bright_box
from tests.reference import boxes as slow

SIDE = 9


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.data())
def test_equals_the_slow_definition(seed: int, count: int, data: st.DataObject) -> None:
    heatmap = np.random.default_rng(seed).random((SIDE, SIDE)).astype(np.float32) ** 4
    assert bright_box(heatmap) == slow.bright_box(heatmap)
    tenths = st.integers(0, 10 * SIDE - 1)  # the reference's raster hits these exactly
    boxes = []
    for _ in range(count):
        x0, y0 = data.draw(tenths), data.draw(tenths)
        x1, y1 = data.draw(st.integers(x0 + 1, 10 * SIDE)), data.draw(st.integers(y0 + 1, 10 * SIDE))
        boxes.append(tuple(value / 10 for value in (x0, y0, x1, y1)))
    expected = max(slow.box_iou(slow.bright_box(heatmap), box, SIDE) for box in boxes)
    assert float(box_iou(torch.from_numpy(heatmap)[None], [boxes])) == pytest.approx(expected, abs=1e-5)


def test_known_values() -> None:
    heatmap = torch.zeros(4, SIDE, SIDE)
    heatmap[:3, 2:6, 1:5] = 1
    heatmap[:3, 8, 8] = 1  # a smaller region beside it does not count
    heatmap[1, 0, 0] = 5  # now the large one stands at exactly 0.2 of the maximum: still bright
    drawn = [[(1, 2, 5, 6)], [(1, 2, 5, 6), (0, 0, 1, 1)], [(5, 2, 9, 6)], [(1, 2, 5, 6)]]
    assert box_iou(heatmap, drawn).tolist() == [1, 1, 0, 0]  # the last map is empty
    assert box_iou(torch.full((1, SIDE, SIDE), 0.5), drawn[:1]).isnan().all()  # no part of it is brighter


def test_without_a_box_or_a_finite_map_it_is_undefined() -> None:
    maps = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    maps[1, 0, 0] = torch.nan
    assert box_iou(maps, [[], [(0, 0, 3, 3)], [(0, 0, 3, 3)]]).isnan().tolist() == [True, True, False]
    assert box_iou(maps[:0], []).shape == (0,)
