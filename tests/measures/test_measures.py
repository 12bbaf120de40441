"""Every registered measure: equal to its slow twin, known values, and what it does where it is
undefined.
"""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from core.measures import MEASURES, optional
from tests.reference.measures import TWINS

EVERY = pytest.mark.parametrize("name", list(MEASURES))
PAIRS = pytest.mark.parametrize("name", [name for name, entry in MEASURES.items() if entry.facts["group"] != "map"])
SINGLES = pytest.mark.parametrize("name", [name for name, entry in MEASURES.items() if entry.facts["group"] == "map"])

# Sixteenths tie often and are exact in float32; the others do not.
EXACT = st.integers(0, 16).map(lambda n: n / 16)
ANY = st.floats(0, 1, width=32).filter(lambda v: v == 0 or v > 1e-4)
TWO_MAPS = st.sampled_from([EXACT, ANY]).flatmap(
    lambda values: st.integers(3, 9).flatmap(lambda side: arrays(np.float32, (2, 2, side, side), elements=values))
)


def ask(name: str, a: Tensor, b: Tensor) -> Tensor:
    """The measure of a batch; those of one map get the first."""
    entry = MEASURES[name]
    return entry.value(a) if entry.facts["group"] == "map" else entry.value(a, b)


def ask_slowly(name: str, a: np.ndarray, b: np.ndarray) -> float | None:
    lists = [[float(value) for value in values.ravel()] for values in (a, b)]
    return TWINS[name](*lists[: 1 if MEASURES[name].facts["group"] == "map" else 2])


def blob(side: int, rows: slice) -> Tensor:
    """A map (1, side, side) that falls off from left to right in some rows and is zero
    elsewhere.
    """
    values = torch.zeros(1, side, side)
    values[:, rows] = torch.linspace(1, 0.1, side)
    return values


def test_every_measure_has_a_slow_twin() -> None:
    assert set(TWINS) == set(MEASURES)


@EVERY
@settings(max_examples=30, deadline=None)
@given(maps=TWO_MAPS)
def test_equals_its_slow_twin(name: str, maps: np.ndarray) -> None:
    values = ask(name, torch.from_numpy(maps[0]), torch.from_numpy(maps[1]))
    for value, a, b in zip(values, maps[0], maps[1], strict=True):
        expected, found = ask_slowly(name, a, b), optional(value)
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found == pytest.approx(expected, abs=2e-5)


@EVERY
def test_equals_its_slow_twin_on_smooth_maps(name: str) -> None:
    """A heatmap and a digit-like stroke, at the sizes that are used."""
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    spot = torch.exp(-((x - 12) ** 2 + (y - 15) ** 2) / 40)
    stroke = (1 - (x - 14).abs() / 3).clamp(0, 1) * ((y > 4) & (y < 24))
    for a, b in ((spot, stroke), (stroke, spot)):
        assert float(ask(name, a[None], b[None])) == pytest.approx(ask_slowly(name, a.numpy(), b.numpy()), abs=2e-5)


@PAIRS
def test_identical_maps(name: str) -> None:
    one = blob(12, slice(0, 6))
    assert float(ask(name, one, one)) == pytest.approx(1.0, abs=1e-6)


@PAIRS
def test_disjoint_maps(name: str) -> None:
    value = float(ask(name, blob(12, slice(0, 6)), blob(12, slice(6, 12))))
    if name in ("pearson", "spearman"):
        assert value < -0.5
    elif name == "ssim":
        assert value < 0.1
    else:
        assert value == 0.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", 0.25),
        ("std", math.sqrt(3) / 4),
        ("zero-share", 0.75),
        ("gini", 0.75),
        ("entropy", math.log(16) / math.log(64)),
    ],
)
def test_known_values_of_one_map(name: str, value: float) -> None:
    quarter = torch.zeros(1, 8, 8)
    quarter[:, :4, :4] = 1
    assert float(ask(name, quarter, quarter)) == pytest.approx(value, abs=1e-6)


SIMILARITIES = {name for name, entry in MEASURES.items() if entry.facts["group"] == "similarity"}
UNDEFINED = {
    "both zero": {name for name, entry in MEASURES.items() if entry.facts["group"] != "map"} | {"gini", "entropy"},
    "both constant": {"pearson", "spearman", "iou-top-p", "iou-top-p-of-maps", "pointing-game"},
    "first zero": SIMILARITIES | {"gini", "entropy"},
    "second zero": SIMILARITIES | {"iou-top-p", "energy-inside", "pointing-game"},
    "second constant": {"pearson", "spearman", "iou-top-p", "iou-top-p-of-maps"},
}


@EVERY
@pytest.mark.parametrize("case", list(UNDEFINED))
def test_undefined_exactly_where_it_should_be(name: str, case: str) -> None:
    some, zeros, level = blob(12, slice(0, 6)), torch.zeros(1, 12, 12), torch.full((1, 12, 12), 0.3)
    pairs = {
        "both zero": (zeros, zeros),
        "both constant": (level, level),
        "first zero": (zeros, some),
        "second zero": (some, zeros),
        "second constant": (some, level),
    }
    assert (optional(ask(name, *pairs[case])) is None) == (name in UNDEFINED[case])


@pytest.mark.parametrize("name", [name for name, entry in MEASURES.items() if entry.facts["group"] == "overlap"])
def test_an_empty_map_scores_0_against_truth(name: str) -> None:
    """Wherever the ink lies, in the first corner too."""
    for rows in (slice(0, 6), slice(6, 12)):
        assert ask(name, torch.zeros(1, 12, 12), blob(12, rows)).tolist() == [0.0]


@EVERY
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_map_that_is_not_finite_is_undefined_and_its_neighbours_are_not(name: str, bad: float) -> None:
    a, b = torch.rand(3, 9, 9), torch.rand(3, 9, 9)
    healthy = ask(name, a, b)
    for maps in (a, b):
        broken = maps.clone()
        broken[1, 4, 4] = bad
        values = ask(name, broken, b) if maps is a else ask(name, a, broken)
        assert torch.equal(values[[0, 2]], healthy[[0, 2]])
        assert torch.isnan(values[1]) or (maps is b and MEASURES[name].facts["group"] == "map")


@EVERY
@pytest.mark.parametrize("count", [0, 1, 5, 600])
def test_a_batch_is_its_images_one_by_one(name: str, count: int) -> None:
    a, b = torch.rand(count, 8, 10), torch.rand(count, 8, 10)
    values = ask(name, a, b)
    assert values.shape == (count,)
    assert values.dtype == torch.float32
    for index in range(0, count, 37):
        alone = ask(name, a[index : index + 1], b[index : index + 1])
        torch.testing.assert_close(values[index : index + 1], alone, atol=1e-6, rtol=1e-6)


@EVERY
def test_stays_in_its_range(name: str) -> None:
    torch.manual_seed(0)
    values = ask(name, torch.rand(50, 9, 9) ** 4, torch.rand(50, 9, 9) ** 4)
    low, high = {"0 to 1": (0, 1), "-1 to 1": (-1, 1), "0 or 1": (0, 1), "0 to 0.5": (0, 0.5)}[
        MEASURES[name].facts["range"]
    ]
    assert ((values >= low) & (values <= high)).all()


@EVERY
def test_takes_maps_that_are_not_contiguous_and_leaves_them_alone(name: str) -> None:
    a, b = torch.rand(4, 9, 9), torch.rand(4, 9, 9)
    before = a.clone(), b.clone()
    torch.testing.assert_close(ask(name, a.mT, b.mT), ask(name, a.mT.contiguous(), b.mT.contiguous()))
    assert torch.equal(a, before[0])
    assert torch.equal(b, before[1])


@EVERY
def test_is_described(name: str) -> None:
    entry = MEASURES[name]
    assert entry.title
    assert entry.summary.endswith(".")
    assert entry.source
    assert entry.facts["group"] in ("overlap", "similarity", "map")


def test_optional() -> None:
    assert optional(float("nan")) is None
    assert optional(torch.tensor(torch.nan)) is None
    assert optional(torch.tensor(0.5)) == 0.5
    assert optional(0.0) == 0.0


def test_soft_iou_of_ten_thousand_digits_is_quick() -> None:
    maps, truth = torch.rand(10_000, 28, 28), torch.rand(10_000, 28, 28)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        MEASURES["soft-iou"].value(maps, truth)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1  # about 0.006 s on a quiet machine
