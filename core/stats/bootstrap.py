"""Bootstrap intervals of level means and of their correlation.

The images are the sampling unit. Every level of every seed was tested on the same images, so one
draw takes the same images for all of them. Three seeds are too few to draw from, so their values
are shown side by side instead. Images with an undefined soft IoU (NaN) are left out of its means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.errors import BadSpec, UnknownName
from core.specs import whole
from core.stats.correlation import row_correlations

Floats = NDArray[np.float64]
RESAMPLES = 2000
SEED = 0
MEANS = ("accuracy", "soft_iou")
CONFIDENCE = 0.95
BLOCK = 200  # resamples at a time: 16 MB of counts for 10,000 images
# Factor of the spread of drawn level means before correlation; see `correlation_intervals`.
SPREADS = {"pearson": 1.0, "spearman": 2**0.5, "kendall": 2**0.5}
SYMMETRIC = "symmetric"  # the kind of these intervals, stored with them


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value and the bounds of its 95 % interval; None where undefined.

    n: number of images (or classes). resamples: draws behind the bounds, 0 without draws.
    left_out: draws whose value is undefined. seed: of the draws.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    resamples: int = 0
    left_out: int = 0
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class LevelMeans:
    """Level means of S series (seeds) over L levels, for the original images and for R draws from
    them.

    accuracy, soft_iou: (S, L), NaN where no image has a value. drawn_accuracy, drawn_soft_iou: (R,
    S, L).
    defined: (S, L) images whose soft IoU is defined. images: images of the set. seed: of the draws.
    """

    accuracy: Floats
    soft_iou: Floats
    drawn_accuracy: Floats
    drawn_soft_iou: Floats
    defined: NDArray[np.int64]
    images: int
    seed: int

    def averaged(self) -> LevelMeans:
        """Return one series: the mean over the series, level by level, without undefined ones."""
        accuracy, soft_iou = _mean_defined(self.accuracy, 0), _mean_defined(self.soft_iou, 0)
        drawn = _mean_defined(self.drawn_accuracy, 1), _mean_defined(self.drawn_soft_iou, 1)
        return replace(
            self,
            accuracy=accuracy,
            soft_iou=soft_iou,
            drawn_accuracy=drawn[0],
            drawn_soft_iou=drawn[1],
            defined=self.defined.min(0, keepdims=True),
        )

    def only(self, levels: ArrayLike) -> LevelMeans:
        """Select levels, e.g. those that are not collapsed. levels: bool (L,) or indices."""
        kept = np.asarray(levels)
        kept = np.flatnonzero(kept) if kept.dtype == bool else kept.astype(np.int64)
        return replace(
            self,
            accuracy=self.accuracy[:, kept],
            soft_iou=self.soft_iou[:, kept],
            defined=self.defined[:, kept],
            drawn_accuracy=self.drawn_accuracy[..., kept],
            drawn_soft_iou=self.drawn_soft_iou[..., kept],
        )


def level_means(correct: ArrayLike, soft_iou: ArrayLike, resamples: int = RESAMPLES, seed: int = SEED) -> LevelMeans:
    """Compute the means of every level, for all images and for each of many draws of images.

    Args:
        correct: (S, L, N) or (L, N), whether each of N images was predicted correctly.
        soft_iou: the same shape, NaN where undefined. Any other score of an image works too.
        resamples: R draws of N images with replacement. seed: the same seed draws the same images.

    Raises:
        BadSpec: shapes that differ, no image, no resample.
    """
    right, score = np.asarray(correct, dtype=np.float64), np.asarray(soft_iou, dtype=np.float64)
    if right.shape != score.shape or right.ndim not in (2, 3) or right.size == 0:
        raise BadSpec(
            f"Correct answers of shape {right.shape} and scores of shape {score.shape} do not fit.",
            "Both must be (series, levels, images) or (levels, images), and not empty.",
        )
    *_, levels, images = right.shape
    rows = np.concatenate([right.reshape(-1, images), score.reshape(-1, images)])
    whole_set = _means(rows, np.ones((1, images))).reshape(2, -1, levels)
    drawn = resampled_means(rows, resamples, seed).reshape(resamples, 2, -1, levels)
    defined = np.isfinite(score).sum(axis=-1).reshape(-1, levels)
    return LevelMeans(
        accuracy=whole_set[0],
        soft_iou=whole_set[1],
        drawn_accuracy=drawn[:, 0],
        drawn_soft_iou=drawn[:, 1],
        defined=defined,
        images=images,
        seed=seed,
    )


def level_intervals(means: LevelMeans, what: str = "soft_iou") -> tuple[tuple[Interval, ...], ...]:
    """Return level means with percentile intervals, one tuple per series. what: "accuracy" or
    "soft_iou". n: images with a defined value.
    """
    if what not in MEANS:
        raise UnknownName("level mean", what, MEANS)
    values, drawn = getattr(means, what), getattr(means, f"drawn_{what}")
    defined = means.defined if what == "soft_iou" else np.full_like(means.defined, means.images)
    return tuple(
        tuple(
            replace(_percentiles(what, float(values[s, k]), drawn[:, s, k], means), n=int(defined[s, k]))
            for k in range(values.shape[1])
        )
        for s in range(values.shape[0])
    )


def correlation_intervals(means: LevelMeans) -> tuple[tuple[Interval, ...], ...]:
    """Return Pearson, Spearman and Kendall of accuracy and soft IoU over the levels with symmetric
    intervals, one tuple per series.

    An interval is the value plus and minus the distance that contains 95 % of the draws. n is the
    number of images drawn from, not of levels. An interval shows how far the value depends on the
    test images, and nothing about other seeds or networks.

    Levels with nearly equal means make rank correlations irregular: sampling permutes these levels,
    in the given images and again in each draw, so that percentile intervals are too low and too
    narrow. Spearman and Kendall therefore use draws with twice the variance, as draws of half as
    many images would have.

    In a simulation on the digits and networks of the thesis, 93 to 99 % of these intervals cover
    the true value with 100, 200, 500 and 1,000 images, on average over populations (`python -m core
    bench intervals`; percentile intervals: 92 to 96 % for Pearson, 85 to 91 % for Spearman, 78 to
    85 % for Kendall). A single population can have less, down to 70 % for Kendall: a few hundred
    images do not tell the order of levels that differ by a few images in 5,000.

    Source: Hall 1988 (symmetric bootstrap intervals, JRSS B 50: 35-45); Bickel, Götze and van Zwet
    1997 (fewer images a draw).
    """
    return tuple(_of_series(means, s) for s in range(means.accuracy.shape[0]))


def _of_series(means: LevelMeans, s: int) -> tuple[Interval, ...]:
    accuracy, soft_iou = means.accuracy[s], means.soft_iou[s]
    values = row_correlations(accuracy, soft_iou)
    drawn = {
        spread: row_correlations(
            accuracy + spread * (means.drawn_accuracy[:, s] - accuracy),
            soft_iou + spread * (means.drawn_soft_iou[:, s] - soft_iou),
        )
        for spread in set(SPREADS.values())
    }
    return tuple(_symmetric(name, float(values[name]), drawn[SPREADS[name]][name], means) for name in values)


def mean_interval(values: ArrayLike, name: str = "mean") -> Interval:
    """Return the mean of values (N,), NaN where undefined, with Student's t interval, without
    draws.

    Returns:
        n counts the defined values. The bounds are None for n < 2, and the value as well for n = 0.

    Source: Student 1908. For thousands of images it is the normal interval.
    """
    x = np.asarray(values, dtype=np.float64).ravel()
    x = x[np.isfinite(x)]
    n = len(x)
    if n < 2:
        return Interval(name=name, value=float(x[0]) if n else None, low=None, high=None, n=n)
    half = t_quantile(n - 1) * float(x.std(ddof=1)) / np.sqrt(n)
    return Interval(name=name, value=float(x.mean()), low=float(x.mean() - half), high=float(x.mean() + half), n=n)


def t_quantile(df: float) -> float:
    """Return the half width of a 95 % interval in standard errors, from Student's t
    distribution.
    """
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + CONFIDENCE) / 2))


def resampled_means(values: ArrayLike, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Compute the means of many rows over each of many draws of the same images.

    Args:
        values: (K, N), NaN where undefined. resamples: R. seed: of the draws.

    Returns:
        (R, K); NaN if a draw holds no defined value of that row.
    """
    rows = np.asarray(values, dtype=np.float64)
    return np.concatenate([_means(rows, counts) for counts in draw_counts(rows.shape[1], resamples, seed)])


def draw_counts(images: int, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[Floats]:
    """Yield how often each image is drawn: blocks (B, images) of integers with sum `images` in each
    row; R rows in total.
    """
    images, resamples = whole(images, "number of images", least=1), whole(resamples, "number of resamples", least=1)
    generator = np.random.default_rng(whole(seed, "seed"))
    for start in range(0, resamples, BLOCK):
        rows = min(BLOCK, resamples - start)
        drawn = generator.integers(0, images, (rows, images)) + images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float64)


def _means(rows: Floats, counts: Floats) -> Floats:
    """Compute means (R, K) of rows (K, N), each image weighted by counts (R, N), without NaN
    values.
    """
    present = np.isfinite(rows)
    holes = ~present.all(axis=1)
    weights = np.repeat(counts.sum(axis=1, keepdims=True), len(rows), axis=1)
    if holes.any():
        weights[:, holes] = counts @ present[holes].T.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return counts @ np.where(present, rows, 0.0).T / weights


def _mean_defined(values: Floats, axis: int) -> Floats:
    """Compute the mean along an axis, which is kept with length 1, without NaN."""
    present = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(present, values, 0.0).sum(axis, keepdims=True) / present.sum(axis, keepdims=True)


def _percentiles(name: str, value: float, drawn: Floats, means: LevelMeans) -> Interval:
    """Return the middle 95 % of the defined draws."""
    kept = drawn[np.isfinite(drawn)]
    tail = (1 - CONFIDENCE) / 2
    bounds = np.quantile(kept, (tail, 1 - tail)).tolist() if np.isfinite(value) and len(kept) else (None, None)
    return _interval(name, value, bounds, drawn, means)


def _symmetric(name: str, value: float, drawn: Floats, means: LevelMeans) -> Interval:
    """Return a correlation plus and minus the distance that contains 95 % of the defined draws,
    clipped at -1 and 1.
    """
    kept = drawn[np.isfinite(drawn)]
    if not (np.isfinite(value) and len(kept)):
        return _interval(name, value, (None, None), drawn, means)
    half = float(np.quantile(np.abs(kept - value), CONFIDENCE))
    return _interval(name, value, (max(value - half, -1.0), min(value + half, 1.0)), drawn, means)


def _interval(name: str, value: float, bounds: Sequence[float | None], drawn: Floats, means: LevelMeans) -> Interval:
    defined = int(np.isfinite(drawn).sum())
    return Interval(
        name=name,
        value=value if np.isfinite(value) else None,
        low=bounds[0],
        high=bounds[1],
        n=means.images,
        resamples=defined,
        left_out=len(drawn) - defined,
        seed=means.seed,
    )
