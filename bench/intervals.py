"""Bench of the intervals of correlations: how often they contain the true value, by number of
images.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import BENCHES, line
from core.engine.engine import Engine
from core.protocols.lukkien.tables import load_images
from core.stats.bootstrap import LevelMeans, correlation_intervals, level_means
from core.stats.correlation import CORRELATIONS, row_correlations

Floats = NDArray[np.float64]
STUDY = ("mnist-55000", "digits+noise-0.2-s0")  # the study whose results are included image by image
SIZES = (100, 200, 500, 1000)
POPULATIONS = 6
DRAWS = 500
MAPS = ("all", "without empty")
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Population:
    """The 5,000 digits, each with its probability of being drawn. right, score: (seeds, levels,
    digits). truth: (series, 3).
    """

    right: Floats
    score: Floats
    probabilities: Floats

    @property
    def truth(self) -> Floats:
        weights = self.probabilities * np.isfinite(self.score)
        with np.errstate(invalid="ignore"):
            overlap = (np.nan_to_num(self.score) * weights).sum(-1) / weights.sum(-1)
        return _values((self.right * self.probabilities).sum(-1), overlap)

    def sample(self, images: int, draw: np.random.Generator) -> LevelMeans:
        chosen = draw.choice(len(self.probabilities), images, p=self.probabilities)
        return level_means(self.right[..., chosen], self.score[..., chosen], DRAWS, seed=int(draw.integers(2**31)))


@BENCHES.register(
    "intervals",
    "Intervals of correlations",
    "Samples of 100 to 1,000 digits: how often the 95 % intervals of Pearson, Spearman and Kendall hold the true"
    " value.",
)
def intervals(engine: Engine, n: int | None, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """The true values are those of a population of the 5,000 embedded digits: as they are, and with
    random (Dirichlet) weights, so that levels which nearly tie lie in another order. Each is
    sampled `n` times at each size, for three seeds and their mean series. `rows`: `coverage`, the
    mean over populations and series; `worst`, the least covered one; `width`; the same of
    percentile intervals of the same draws. `maps`: whether empty heatmaps count 0 or are left out.
    ours_s: one sample, from images to intervals."""
    rows, took = [], []
    for maps in MAPS:
        populations = list(_populations(engine, maps))
        for images in sizes:
            counts, seconds_each = _covered(populations, images, n or 20)
            took += seconds_each
            rows += [{"maps": maps, "images": images} | row for row in counts]
    return line("intervals", engine.device, took, populations=POPULATIONS, samples=n or 20, draws=DRAWS, rows=rows)


def _populations(engine: Engine, maps: str) -> Iterator[Population]:
    table = load_images(engine.roots, *STUDY).sort_values(["seed", "level", "image"])
    labels = engine.gallery().labels.numpy()
    shape = (table.seed.nunique(), table.level.nunique(), len(labels))
    right = (table.predicted_noisy.to_numpy().reshape(shape) == labels).astype(np.float64)
    score = table.soft_iou.where(~table["empty"] | (maps == "all")).to_numpy(dtype=np.float64).reshape(shape)
    for place in range(POPULATIONS):
        weights = (
            np.random.default_rng(place).dirichlet(np.ones(len(labels)))
            if place
            else np.full(len(labels), 1 / len(labels))
        )
        yield Population(right, score, weights)


def _covered(populations: list[Population], images: int, samples: int) -> tuple[list[dict[str, Any]], list[float]]:
    """A row a coefficient, and the seconds of each sample."""
    hits, widths, took = [], [], []
    for place, population in enumerate(populations):
        truth, draw = population.truth, np.random.default_rng([place, images])
        for _ in range(samples):
            began = time.perf_counter()
            low, high = np.moveaxis(_bounds(population.sample(images, draw)), -1, 0)
            took.append(time.perf_counter() - began)
            hits.append((low - ROUNDING <= truth) & (truth <= high + ROUNDING))
            widths.append(high - low)
    # (populations, kinds, series, coefficients)
    held = np.array(hits).reshape(len(populations), samples, *hits[0].shape).mean(1)
    wide = np.nanmean(widths, axis=(0, 2))
    return [
        {
            "coefficient": name,
            "coverage": round(float(held[:, 0, :, k].mean()), 4),
            "worst": round(float(held[:, 0, :, k].min()), 4),
            "width": round(float(wide[0, k]), 4),
            "percentile_coverage": round(float(held[:, 1, :, k].mean()), 4),
            "percentile_worst": round(float(held[:, 1, :, k].min()), 4),
            "percentile_width": round(float(wide[1, k]), 4),
        }
        for k, name in enumerate(CORRELATIONS)
    ], took


def _bounds(means: LevelMeans) -> Floats:
    """Ours and percentiles, of every seed and the mean series: (2, series, 3 coefficients, 2
    bounds), NaN where undefined.
    """
    parts = (means, means.averaged())
    ours = [[(found.low, found.high) for found in series] for part in parts for series in correlation_intervals(part)]
    drawn = np.concatenate([_values(part.drawn_accuracy, part.drawn_soft_iou, average=False) for part in parts], axis=1)
    percentiles = np.moveaxis(np.nanquantile(drawn, (0.025, 0.975), axis=0), 0, -1)
    return np.stack([np.array(ours, dtype=np.float64), percentiles])


def _values(accuracy: Floats, overlap: Floats, average: bool = True) -> Floats:
    """Correlations (..., series, 3) of level means (..., seeds, levels); average: the mean series
    is one more.
    """
    if average:
        with warnings.catch_warnings(
            action="ignore", category=RuntimeWarning
        ):  # a level without a map in any seed stays undefined
            accuracy, overlap = (
                np.concatenate([each, np.nanmean(each, axis=-2, keepdims=True)], axis=-2)
                for each in (accuracy, overlap)
            )
    found = row_correlations(accuracy, overlap)
    return np.stack([found[name] for name in CORRELATIONS], axis=-1)
