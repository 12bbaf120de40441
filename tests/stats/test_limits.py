"""Limits of shares, and the images that would tell: equal to their definition, and kept in
simulated data.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.base.errors import BadSpec
from core.stats.limits import at_least, at_most, images_below
from core.stats.noninferiority import images_needed, share_bound

BINOMIAL_SD = 3 * (0.8 * 0.2 / 2000) ** 0.5  # of a power of 80 % in 2,000 data sets, three times


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_bound_is_the_share_under_which_so_few_images_are_that_rare(
    count: int, more: int, confidence: float
) -> None:
    total = count + more
    if not total:
        return
    high, low = at_most(count, total, confidence), at_least(count, total, confidence)
    assert 0 <= low <= count / total <= high <= 1
    if more:
        assert stats.binom.cdf(count, total, high) == pytest.approx(1 - confidence, abs=1e-9)
    if count:
        assert stats.binom.sf(count - 1, total, low) == pytest.approx(1 - confidence, abs=1e-9)


def test_nonsense_is_refused() -> None:
    for counts in ((2, 1), (-1, 2), (0, 0)):
        with pytest.raises(BadSpec):
            at_most(*counts)


@pytest.mark.parametrize("limit", [0.0, 0.01, 0.02, 0.1, 0.5])
def test_a_share_beyond_the_limit_passes_in_at_most_one_of_twenty_sets(limit: float) -> None:
    """For every number of images: added up exactly, at the limit, where it is most probable."""
    for total in (1, 2, 20, 137, 200, 1000):
        counts = np.arange(total + 1)
        passes = np.array([at_most(int(count), total) <= limit for count in counts])
        assert stats.binom.pmf(counts, total, limit)[passes].sum() <= 0.05 + 1e-9


@pytest.mark.parametrize(("share", "limit"), [(0.0, 0.02), (0.01, 0.05), (0.1, 0.15), (0.3, 1.0)])
def test_so_many_images_tell_and_half_of_them_do_not(share: float, limit: float) -> None:
    images = images_below(share, limit)
    assert images is not None

    def power(total: int) -> float:
        counts = np.arange(total + 1)
        passes = np.array([at_most(int(count), total) <= limit for count in counts])
        return float(stats.binom.pmf(counts, total, share)[passes].sum())

    assert power(images) >= 0.8 - 1e-9
    if images > 1:
        assert power(images // 2) < 0.8


def test_no_number_tells_a_share_from_a_limit_that_it_has() -> None:
    assert images_below(0.02, 0.02) is None
    assert images_below(0.5, 0.1) is None
    assert images_below(0.02, 0.02 + 1e-9) is None  # more than anybody has
    assert images_needed(0.0, 0.02, 0.02) is None
    assert images_needed(0.03, 0.03, 0.0) is None
    assert images_needed(0.03, 0.03, 1e-9) is None


@pytest.mark.parametrize(
    ("gained", "lost", "tolerance", "confidence"),
    [(0.02, 0.03, 0.02, 0.95), (0.03, 0.03, 0.02, 0.99), (0.0, 0.01, 0.05, 0.95), (0.06, 0.03, 0.0, 0.975)],
)
def test_so_many_images_show_it_in_four_of_five_sets(
    gained: float, lost: float, tolerance: float, confidence: float
) -> None:
    images = images_needed(gained, lost, tolerance, confidence)
    assert images is not None
    random = np.random.default_rng(1)
    counts = random.multinomial(images, (gained, lost, 1 - gained - lost), size=2000)
    distinct, times = np.unique(counts[:, :2], axis=0, return_counts=True)
    passes = [share_bound(int(g), int(w), images, confidence) >= -tolerance for g, w in distinct]
    found = float(times[np.array(passes)].sum() / 2000)
    assert 0.8 - BINOMIAL_SD - 0.03 < found < 0.9  # counts have steps, which few images show


@given(st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0.001, 0.3))
def test_a_wider_limit_needs_no_more_images(gained: float, lost: float, tolerance: float) -> None:
    narrow, wide = images_needed(gained, lost, tolerance), images_needed(gained, lost, min(1.0, 2 * tolerance))
    assert narrow is None or (wide is not None and wide <= narrow)
