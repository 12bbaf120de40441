"""Overlap with the ink, in cases that can be checked by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.measures import energy_inside, iou_top_p, jaccard_curve, optional, pointing_game, soft_iou
from core.measures.overlap import top
from tests.reference import measures as slow


def one(*values: float) -> torch.Tensor:
    """A batch of one map of one row."""
    return torch.tensor([[values]])


def test_soft_iou_by_hand() -> None:
    assert float(soft_iou(one(0.2, 0.8, 0.0), one(0.4, 0.4, 0.0))) == pytest.approx((0.2 + 0.4) / (0.4 + 0.8))


def test_soft_iou_takes_any_side_as_truth() -> None:
    a, b = torch.rand(20, 5, 5), torch.rand(20, 5, 5)
    torch.testing.assert_close(soft_iou(a, b), soft_iou(b, a))


def test_ties_go_to_the_first_pixel() -> None:
    flat = torch.tensor([[0.5, 0.9, 0.5, 0.5]])
    assert top(flat, 1).tolist() == [[False, True, False, False]]
    assert top(flat, 2).tolist() == [[True, True, False, False]]
    assert top(flat, 3).tolist() == [[True, True, True, False]]


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(0, 4), min_size=1, max_size=30), data=st.data())
def test_top_keeps_exactly_the_count(values: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(values)))
    kept = top(torch.tensor([values], dtype=torch.float32), count)[0]
    assert set(kept.nonzero()[:, 0].tolist()) == slow.top_pixels(values, count)


def test_top_share_of_a_photograph_is_5017_pixels() -> None:
    """10 % of 224 x 224, floored, as in Merkle et al.: two maps with their top pixels shifted by
    one.
    """
    steps = torch.arange(224.0 * 224).view(1, 224, 224)
    shifted = (steps + 1) % (224 * 224)
    assert float(iou_top_p(steps, shifted)) == pytest.approx(5016 / 5018)


@pytest.mark.parametrize(("p", "count"), [(0.29, 29), (0.07, 7), (0.005, 0), (1.0, 100), (0.999, 99)])
def test_the_share_is_floored_but_not_by_rounding(p: float, count: int) -> None:
    a = torch.arange(100.0).view(1, 10, 10)
    b = torch.where(a == 99, -1.0, a)  # the largest becomes the smallest
    both = count if count == 100 else count - 1
    expected = None if count == 0 else both / (2 * count - both)
    assert optional(iou_top_p(a, b, p)) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(p: float) -> None:
    with pytest.raises(BadSpec):
        iou_top_p(torch.rand(1, 4, 4), torch.rand(1, 4, 4), p)


def test_energy_and_pointing_by_hand() -> None:
    ink = one(0.0, 0.1, 1.0, 0.0)
    assert float(energy_inside(one(0.5, 0.2, 0.2, 0.1), ink)) == pytest.approx(0.4)
    assert float(pointing_game(one(0.5, 0.2, 0.2, 0.1), ink)) == 0
    assert float(pointing_game(one(0.5, 0.6, 0.2, 0.1), ink)) == 1
    assert float(pointing_game(one(0.5, 0.5, 0.2, 0.1), ink)) == 0  # equals: the first pixel counts
    assert float(pointing_game(one(0.2, 0.5, 0.5, 0.5), ink)) == 1


def test_curve_by_hand() -> None:
    thresholds = torch.tensor([0.0, 0.5, 0.9, 1.0])
    curve = jaccard_curve(one(0.9, 0.5, 0.1, 0.0), one(1.0, 0.0, 0.3, 0.0), thresholds)
    torch.testing.assert_close(curve, torch.tensor([[2 / 4, 1 / 3, 1 / 2, 0.0]]))


def test_curve_equals_its_slow_twin() -> None:
    thresholds = torch.linspace(0, 1, 11)
    maps, truth = torch.rand(6, 7, 5), (torch.rand(6, 7, 5) - 0.6).clamp(0)
    curve = jaccard_curve(maps, truth, thresholds)
    for row, a, b in zip(curve, maps, truth, strict=True):
        expected = [slow.jaccard(a.flatten().tolist(), b.flatten().tolist(), t) for t in thresholds.tolist()]
        assert row.tolist() == pytest.approx(expected)


def test_curve_is_undefined_where_nothing_is_lit_and_no_ink_exists() -> None:
    curve = jaccard_curve(torch.zeros(1, 3, 3), torch.zeros(1, 3, 3), torch.tensor([0.0, 0.5]))
    assert [optional(value) for value in curve[0]] == [None, None]
    curve = jaccard_curve(torch.zeros(1, 3, 3), torch.ones(1, 3, 3), torch.tensor([0.0, 0.5]))
    assert curve.tolist() == [[0.0, 0.0]]  # an empty map highlights nothing, at threshold 0 neither


def test_curve_shapes() -> None:
    assert jaccard_curve(torch.zeros(0, 3, 3), torch.zeros(0, 3, 3), torch.linspace(0, 1, 5)).shape == (0, 5)
    assert jaccard_curve(torch.zeros(2, 3, 3), torch.zeros(2, 3, 3), torch.zeros(0)).shape == (2, 0)
