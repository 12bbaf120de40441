"""Ways of fitting a heatmap to a segmentation: equal to their slow twins, known values, and the
whole set in batches.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from core.measures import jaccard_curve, optional
from core.measures.fitting import FITTINGS, THRESHOLDS, choose_threshold, rank
from tests.reference import fitting as slow

EVERY = pytest.mark.parametrize("name", list(FITTINGS))
# Fiftieths lie on the thresholds and tie often; the others do neither.
EXACT = st.integers(0, 50).map(lambda n: float(np.float32(n / 50)))
ANY = st.one_of(st.just(0.0), st.floats(0.0, 1.0, width=32).filter(lambda v: v == 0 or v > 1e-4))
TWO_BATCHES = st.tuples(st.sampled_from([EXACT, ANY]), st.integers(1, 3), st.integers(1, 6)).flatmap(
    lambda drawn: arrays(np.float32, (2, drawn[1], drawn[2], drawn[2]), elements=drawn[0])
)


def ask(name: str, maps: Tensor, ink: Tensor) -> list[float | None]:
    return [optional(value) for value in FITTINGS[name].value(rank(maps, ink))]


def lists(batch: np.ndarray | Tensor) -> list[list[float]]:
    return [[float(value) for value in one.ravel()] for one in np.asarray(batch)]


def one(*values: float) -> Tensor:
    """A batch of one map of one row."""
    return torch.tensor([[values]])


def digits(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Maps that are smooth and half empty, and images with a fifth of ink, (count, 28, 28)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, 7, 7, generator=generator)
    maps = (torch.nn.functional.interpolate(coarse, size=(28, 28), mode="bilinear")[:, 0] - 0.5).clamp(0)
    ink = (torch.rand(count, 28, 28, generator=generator) - 0.8).clamp(0) * 5
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6), ink


def test_every_fitting_of_an_image_has_a_slow_twin() -> None:
    assert set(slow.TWINS) == {name for name, entry in FITTINGS.items() if entry.facts["needs"] == "image"}
    assert [name for name, entry in FITTINGS.items() if entry.facts["needs"] == "set"] == ["best-single-threshold"]


@pytest.mark.parametrize("name", list(slow.TWINS))
@settings(max_examples=100, deadline=None)
@given(batches=TWO_BATCHES)
def test_equals_its_slow_twin(name: str, batches: np.ndarray) -> None:
    found = ask(name, *torch.from_numpy(batches))
    expected = [
        slow.TWINS[name](a, b, THRESHOLDS.tolist()) for a, b in zip(lists(batches[0]), lists(batches[1]), strict=True)
    ]
    assert found == [None if value is None else pytest.approx(value, abs=1e-5) for value in expected]


@settings(max_examples=100, deadline=None)
@given(batches=TWO_BATCHES)
def test_the_curve_is_that_of_overlap(batches: np.ndarray) -> None:
    maps, ink = torch.from_numpy(batches)
    assert torch.equal(rank(maps, ink).curve.nan_to_num(-1), jaccard_curve(maps, ink, THRESHOLDS).nan_to_num(-1))


@settings(max_examples=60, deadline=None)
@given(batches=TWO_BATCHES)
def test_single_threshold_equals_its_slow_twin(batches: np.ndarray) -> None:
    maps, ink = torch.from_numpy(batches)
    curves = [slow.curve(a, b, THRESHOLDS.tolist()) for a, b in zip(lists(maps), lists(ink), strict=True)]
    place, chosen = slow.best_place(curves), choose_threshold(rank(maps, ink).curve)
    assert (chosen is None) == (place is None)
    if chosen is not None and place is not None:
        values = [row[place] for row in curves if row[place] is not None]
        assert chosen.mean == pytest.approx(np.mean(values), abs=1e-6)
        assert chosen.value == pytest.approx(THRESHOLDS[chosen.place].item())
        assert chosen.n == sum(row[chosen.place] is not None for row in curves)
        assert ask("best-single-threshold", maps, ink) == [
            None if row[chosen.place] is None else pytest.approx(row[chosen.place], abs=1e-6) for row in curves
        ]


@EVERY
def test_smooth_maps_of_the_real_size(name: str) -> None:
    maps, ink = digits(5)
    found = ask(name, maps, ink)
    if name in slow.TWINS:
        expected = [slow.TWINS[name](a, b, THRESHOLDS.tolist()) for a, b in zip(lists(maps), lists(ink), strict=True)]
        assert found == pytest.approx(expected, abs=1e-5)
    assert all(0 < value < 1 for value in found)


@EVERY
def test_identical_maps(name: str) -> None:
    same = one(0.0, 0.0, 0.3, 1.0, 0.6, 0.0)
    assert ask(name, same, same) == [pytest.approx(1.0)]


@EVERY
def test_disjoint_maps(name: str) -> None:
    assert ask(name, one(0.9, 0.5, 0, 0, 0, 0), one(0, 0, 0, 0, 0.8, 0.3)) == [0.0]


@EVERY
def test_an_empty_map_finds_nothing(name: str) -> None:
    """Never a share by chance: threshold 0, at which every map is lit everywhere, is none of the
    thresholds.
    """
    assert ask(name, torch.zeros(1, 4, 4), torch.rand(1, 4, 4)) == [0.0]


@EVERY
def test_no_ink_no_map_and_no_number(name: str) -> None:
    empty, some = torch.zeros(1, 4, 4), torch.rand(1, 4, 4)
    assert ask(name, empty, empty) == [None]
    for bad in (float("nan"), float("inf")):
        broken = some.clone()
        broken[0, 1, 2] = bad
        assert ask(name, broken, some) == [None]
        assert ask(name, some, broken) == [None]


@EVERY
def test_no_images_and_inputs_untouched(name: str) -> None:
    assert ask(name, torch.zeros(0, 4, 4), torch.zeros(0, 4, 4)) == []
    maps, ink = digits(3)
    before = maps.clone(), ink.clone()
    ask(name, maps, ink)
    assert torch.equal(maps, before[0])
    assert torch.equal(ink, before[1])


def test_by_hand() -> None:
    maps, ink = one(0.2, 0.4, 0.4, 1.0), one(0.0, 0.5, 0.0, 1.0)
    assert ask("soft-iou", maps, ink) == [pytest.approx((0.4 + 1) / (0.2 + 0.5 + 0.4 + 1))]
    assert ask("best-threshold-per-image", maps, ink) == [pytest.approx(2 / 3)]  # at 0.4: three lit, two of them ink
    assert ask("top-p-of-ink", maps, ink) == [1.0]  # two pixels of ink; the first of the two equals is taken
    assert ask("histogram-matched", maps, ink) == [pytest.approx(1.25 / 1.75)]  # matched: 0, .25, .25, 1


def test_ties_of_histogram_matching_do_not_depend_on_places() -> None:
    """The same pixels in another order give the same score."""
    maps, ink = torch.tensor([0.0, 0.5, 0.5, 0.5, 1.0, 0.0]), torch.tensor([0.0, 0.9, 0.1, 0.0, 0.7, 0.2])
    scores = []
    for seed in range(10):
        order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
        scores += ask("histogram-matched", maps[order].view(1, 2, 3), ink[order].view(1, 2, 3))
    assert scores == pytest.approx(scores[:1] * 10)


def test_brightness_does_not_matter_to_places() -> None:
    """A map's square has other brightnesses in the same order."""
    maps, ink = digits(20)
    for name in ("top-p-of-ink", "histogram-matched"):
        assert ask(name, maps**2, ink) == pytest.approx(ask(name, maps, ink), abs=1e-6)
    assert ask("soft-iou", maps**2, ink) != pytest.approx(ask("soft-iou", maps, ink), abs=1e-3)


def test_batches_give_what_the_whole_set_gives() -> None:
    maps, ink = digits(70)
    whole, parts = rank(maps, ink), [rank(*pair) for pair in zip(maps.split(32), ink.split(32), strict=True)]
    for name in (name for name, entry in FITTINGS.items() if entry.facts["needs"] == "image"):
        assert torch.equal(torch.cat([FITTINGS[name].value(part) for part in parts]), FITTINGS[name].value(whole))
    curve = torch.cat([part.curve for part in parts])
    chosen = choose_threshold(curve)
    assert torch.equal(curve[:, chosen.place], FITTINGS["best-single-threshold"].value(whole))
    assert chosen.mean == pytest.approx(float(curve.mean(dim=0).max()), abs=1e-6)
    per_image = torch.cat([FITTINGS["best-threshold-per-image"].value(part) for part in parts])
    assert (per_image >= curve[:, chosen.place]).all()
    assert 0.02 <= chosen.value <= 1.0


def test_the_lowest_of_equal_thresholds_is_chosen_and_undefined_ones_never() -> None:
    nan = float("nan")
    curve = torch.full((2, len(THRESHOLDS)), nan)
    assert choose_threshold(curve) is None
    assert choose_threshold(curve[:0]) is None
    curve[0, 7] = curve[1, 7] = curve[0, 9] = 0.0
    chosen = choose_threshold(curve)
    assert (chosen.place, chosen.value, chosen.mean, chosen.n) == (7, 0.16, 0.0, 2)
    curve[0, 20], curve[1, 20] = 0.8, nan
    assert choose_threshold(curve).place == 20


def test_half_precision_stores_the_curve_well_enough() -> None:
    curve = rank(*digits(50)).curve
    assert float((curve.half().float() - curve).abs().max()) < 3e-4
    assert choose_threshold(curve.half()).place == choose_threshold(curve).place
