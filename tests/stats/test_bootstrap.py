"""Drawing images again: equal to a loop, the same images for all levels, repeatable, and intervals
that cover.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.base.errors import BadSpec, UnknownName
from core.stats import bootstrap
from core.stats.bootstrap import (
    correlation_intervals,
    draw_counts,
    level_intervals,
    level_means,
    mean_interval,
    resampled_means,
)
from core.stats.correlation import correlation
from tests.reference import correlation as slow

NAN = float("nan")
SCORE = st.one_of(st.integers(0, 8).map(lambda n: n / 8), st.just(NAN))


def made(levels: int, images: int, seed: int = 0, series: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and scores that both fall with the level; one image in ten has no score."""
    generator = np.random.default_rng(seed)
    fall = np.linspace(0.9, 0.2, levels)[:, None]
    correct = generator.random((series, levels, images)) < fall
    score = fall * generator.random((series, levels, images))
    score[generator.random(score.shape) < 0.1] = NAN
    return correct, score


@settings(max_examples=60, deadline=None)
@given(
    values=st.tuples(st.integers(1, 4), st.integers(1, 12)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=SCORE)
    )
)
def test_means_of_draws_equal_a_loop_over_the_same_images(values: np.ndarray) -> None:
    counts = np.concatenate(list(draw_counts(values.shape[1], 7, 3)))
    found = resampled_means(values, 7, 3)
    assert found.shape == (7, len(values))
    for draw, row in zip(counts, found, strict=True):
        expected = [slow.drawn_mean(list(line), list(draw)) for line in values]
        assert [None if np.isnan(mean) else mean for mean in row] == [
            None if e is None else pytest.approx(e) for e in expected
        ]


def test_level_means_equal_a_loop() -> None:
    correct, score = made(5, 40)
    found = level_means(correct, score, 11, 4)
    counts = np.concatenate(list(draw_counts(40, 11, 4)))
    for s in range(2):
        for k in range(5):
            assert found.accuracy[s, k] == pytest.approx(correct[s, k].mean())
            assert found.soft_iou[s, k] == pytest.approx(slow.mean_defined(list(score[s, k])))
            assert found.defined[s, k] == np.isfinite(score[s, k]).sum()
            for r in range(11):
                assert found.drawn_accuracy[r, s, k] == pytest.approx(
                    slow.drawn_mean(list(correct[s, k]), list(counts[r]))
                )
                assert found.drawn_soft_iou[r, s, k] == pytest.approx(
                    slow.drawn_mean(list(score[s, k]), list(counts[r]))
                )


@pytest.mark.parametrize(("name", "variance"), [("pearson", 1), ("spearman", 2), ("kendall", 2)])
def test_intervals_are_symmetric_distances_of_a_loop(name: str, variance: int) -> None:
    """Rank correlations use draws with twice the variance: with plain draws their intervals are too
    narrow.
    """
    correct, score = made(6, 30)
    means = level_means(correct, score, 50, 1)
    for s, series in enumerate(correlation_intervals(means)):
        (found,) = [interval for interval in series if interval.name == name]
        value = correlation(name, means.accuracy[s], means.soft_iou[s]).value
        distances = []
        for a, b in zip(means.drawn_accuracy[:, s], means.drawn_soft_iou[:, s], strict=True):
            wider = [
                mean + variance**0.5 * (draw - mean) for mean, draw in ((means.accuracy[s], a), (means.soft_iou[s], b))
            ]
            distances.append(abs(correlation(name, *wider).value - value))
        half = np.quantile(distances, 0.95)
        assert found.value == pytest.approx(value)
        assert (found.low, found.high) == (pytest.approx(max(value - half, -1)), pytest.approx(min(value + half, 1)))
        assert (found.n, found.resamples, found.left_out, found.seed) == (30, 50, 0, 1)


def test_counts_are_draws_with_replacement() -> None:
    counts = np.concatenate(list(draw_counts(50, 450)))
    assert counts.shape == (450, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.05)  # multinomial


def test_the_same_seed_draws_the_same_images_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((3, 100))
    first = resampled_means(values, 25, 7)
    np.testing.assert_array_equal(first, resampled_means(values, 25, 7))
    assert not np.array_equal(first, resampled_means(values, 25, 8))
    monkeypatch.setattr(bootstrap, "BLOCK", 4)
    np.testing.assert_allclose(first, resampled_means(values, 25, 7), rtol=1e-12)
    np.testing.assert_allclose(first[:10], resampled_means(values, 10, 7), rtol=1e-12)


def test_all_levels_and_series_get_the_same_images() -> None:
    """Every level is the same images plus a constant: with images in common no draw can change the
    order or the distances.
    """
    base = np.random.default_rng(0).random(60)
    score = np.stack([base + 0.001 * k for k in range(8)])[None].repeat(2, axis=0)
    right = np.stack([base > 0.3 + 0.05 * k for k in range(8)])[None].repeat(2, axis=0)  # nested
    means = level_means(right, score, 300)
    np.testing.assert_allclose(np.diff(means.drawn_soft_iou, axis=-1), 0.001, atol=1e-12)
    np.testing.assert_array_equal(means.drawn_soft_iou[:, 0], means.drawn_soft_iou[:, 1])
    assert (np.diff(means.drawn_accuracy, axis=-1) <= 0).all()
    linear = level_means(score, score, 300)  # accuracy that is the score itself
    assert [found.low for found in correlation_intervals(linear)[0]] == pytest.approx([1, 1, 1])


def test_averaged_and_only() -> None:
    correct, score = made(6, 30, series=3)
    means = level_means(correct, score, 20)
    one = means.averaged().only([True, True, False, True, True, False])
    np.testing.assert_allclose(one.soft_iou[0], means.soft_iou.mean(axis=0)[[0, 1, 3, 4]])
    np.testing.assert_allclose(one.drawn_accuracy[:, 0], means.drawn_accuracy.mean(axis=1)[:, [0, 1, 3, 4]])
    np.testing.assert_array_equal(means.only([2, 0]).accuracy, means.accuracy[:, [2, 0]])
    assert len(correlation_intervals(one)) == 1
    assert [len(series) for series in level_intervals(one)] == [4]


def test_averaging_leaves_an_undefined_series_out() -> None:
    correct, score = made(4, 20, series=2)
    score[0, 3] = NAN
    means = level_means(correct, score, 10)
    assert np.isnan(means.soft_iou[0, 3])
    assert means.averaged().soft_iou[0, 3] == means.soft_iou[1, 3]
    undefined = level_intervals(means)[0][3]
    assert (undefined.value, undefined.low, undefined.high, undefined.n, undefined.left_out) == (
        None,
        None,
        None,
        0,
        10,
    )


def test_undefined_correlations_have_no_interval() -> None:
    correct, score = made(5, 20, series=1)
    for means in (
        level_means(correct, np.zeros_like(score), 10),
        level_means(correct, score, 10).only([0, 1]),
        level_means(correct, score, 10).only([]),
    ):
        for found in correlation_intervals(means)[0]:
            assert (found.value, found.low, found.high, found.resamples, found.left_out) == (None, None, None, 0, 10)


def test_draws_without_a_value_are_counted() -> None:
    """Only one image tells the levels apart; the draws without it, about (2/3)^3 of them, have no
    correlation.
    """
    score = np.array([[1.0, 1, 1], [1, 1, 2], [1, 1, 3]])
    found = correlation_intervals(level_means(score, score, 400))[0][0]
    assert found.resamples + found.left_out == 400
    assert found.left_out / 400 == pytest.approx(8 / 27, abs=0.06)
    assert found.value == pytest.approx(1)


def test_level_intervals_of_accuracy_and_bad_names() -> None:
    correct, score = made(3, 400)
    means = level_means(correct[0], score[0], 500)
    for k, found in enumerate(level_intervals(means, "accuracy")[0]):
        share = correct[0, k].mean()
        spread = 1.96 * (share * (1 - share) / 400) ** 0.5
        assert (found.name, found.n) == ("accuracy", 400)
        assert (found.low, found.high) == (
            pytest.approx(share - spread, abs=0.012),
            pytest.approx(share + spread, abs=0.012),
        )
    with pytest.raises(UnknownName):
        level_intervals(means, "images")


def test_intervals_of_a_mean_cover() -> None:
    """300 experiments of 60 images: about 95 % of the intervals hold the true mean, drawn or from
    Student's t.
    """
    generator = np.random.default_rng(11)
    values = generator.exponential(size=(300, 60))
    drawn = np.quantile(resampled_means(values, 400), (0.025, 0.975), axis=0)
    assert 0.90 <= ((drawn[0] <= 1) & (drawn[1] >= 1)).mean() <= 0.98
    student = [mean_interval(row) for row in values]
    assert 0.90 <= np.mean([found.low <= 1 <= found.high for found in student]) <= 0.98


def test_intervals_of_a_correlation_cover() -> None:
    """150 samples of 200 images from a population whose level means are known."""
    accuracy, score = np.array([0.95, 0.9, 0.85, 0.7, 0.5, 0.3]), np.array([0.2, 0.3, 0.1, 0.25, 0.1, 0.05])
    truth = correlation("pearson", accuracy, score).value
    generator, hits = np.random.default_rng(5), 0
    for _ in range(150):
        correct = generator.random(200) < accuracy[:, None]
        found = correlation_intervals(
            level_means(correct, score[:, None] + 0.3 * generator.standard_normal((6, 200)), 200)
        )[0][0]
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 150 <= 0.99


def test_mean_interval_equals_scipy() -> None:
    from scipy import stats

    values = np.random.default_rng(2).random(12)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval([*values, NAN])
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), theirs.low, theirs.high))
    assert (found.n, found.resamples, found.seed) == (12, 0, None)


@pytest.mark.parametrize(("values", "value"), [([], None), ([NAN], None), ([0.25, NAN], 0.25)])
def test_mean_of_few(values: list[float], value: float | None) -> None:
    found = mean_interval(values)
    assert (found.value, found.low, found.high, found.n) == (value, None, None, int(value is not None))


@pytest.mark.parametrize(
    ("right", "score"), [((2, 3), (3, 2)), ((3,), (3,)), ((2, 0), (2, 0)), ((1, 1, 2, 3), (1, 1, 2, 3))]
)
def test_shapes_that_cannot_be_used(right: tuple, score: tuple) -> None:
    with pytest.raises(BadSpec):
        level_means(np.ones(right), np.ones(score), 5)


@pytest.mark.parametrize(("resamples", "seed"), [(0, 0), (1.5, 0), (5, -1)])
def test_draws_that_cannot_be_made(resamples: float, seed: int) -> None:
    with pytest.raises(BadSpec):
        level_means(np.ones((2, 3)), np.ones((2, 3)), resamples, seed)


def test_the_whole_study_takes_seconds() -> None:
    """Three seeds, 26 levels, 10,000 images, 2,000 draws: about 1 s on two quiet cores; the bound
    leaves room for a busy machine.
    """
    generator = np.random.default_rng(0)
    correct, score = generator.random((3, 26, 10_000)) < 0.9, generator.random((3, 26, 10_000))
    began = time.perf_counter()
    found = correlation_intervals(level_means(correct, score))
    assert time.perf_counter() - began < 20
    assert [interval.resamples for interval in found[0]] == [2000] * 3
