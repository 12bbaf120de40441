"""Whether a network is as sure as it is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.base.draws import numpy_generator
from core.stats.bootstrap import CONFIDENCE, SEED, Interval

NAME = "calibration-error"
BINS = 15  # of equal width, as in Guo et al. 2017
RESAMPLES = 1000


def calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS) -> Interval:
    """Compute the expected calibration error: the mean distance of confidence and accuracy over
    bins of confidence, weighted by their images, with a percentile bootstrap interval over images.

    Few images make it too large: chance alone separates the two in a small bin.

    Args:
        confidence, right: of every image, (n,); images without a confidence are left out.
    Source: Guo et al. 2017, On calibration of modern neural networks, Eq. 3.
    """
    known = np.isfinite(confidence)
    sure, gap = confidence[known].astype(float), confidence[known] - right[known].astype(float)
    n = len(gap)
    if not n:
        return Interval(name=NAME, value=None, low=None, high=None, n=0)
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)  # a bin includes its upper edge
    gaps = np.zeros((n, bins))
    gaps[np.arange(n), place] = gap
    drawn = numpy_generator("calibration", SEED, n).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    low, high = np.quantile(np.abs(drawn @ gaps).sum(axis=1) / n, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    found = float(np.abs(gaps.sum(axis=0)).sum() / n)
    return Interval(name=NAME, value=found, low=float(low), high=float(high), n=n, resamples=RESAMPLES, seed=SEED)
