"""Statistics of raw maps, beside numpy's over all maps at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.measures.raw import by_peak, l1_by_peak, mean_with_peak, non_zero, variance_with_peak

DRAWN = torch.rand(7, 3, 4, generator=torch.Generator().manual_seed(0)).sub(0.3).relu() * 5
AWKWARD = {
    "drawn": DRAWN,
    "zero": torch.zeros(2, 3, 4),
    "constant": torch.full((2, 3, 4), 0.5),
    "one hot cell": torch.eye(12)[:2].reshape(2, 3, 4),
    "invalid": torch.cat([DRAWN, torch.full((1, 3, 4), torch.nan), torch.full((1, 3, 4), torch.inf)]),
}


@pytest.mark.parametrize("maps", AWKWARD.values(), ids=AWKWARD)
def test_they_are_those_of_the_maps_divided_by_the_peak_of_all(maps: torch.Tensor) -> None:
    peak = maps[torch.isfinite(maps)].max().item()
    scaled = maps.double().numpy() / (peak or 1)
    valid = np.isfinite(scaled).all(axis=(1, 2))
    # batch by batch, as a sweep sees them
    mean, variance = (
        torch.cat([keep(batch) for batch in maps.split(2)]) for keep in (mean_with_peak, variance_with_peak)
    )
    np.testing.assert_allclose(by_peak(mean, 1)[valid], scaled.mean(axis=(1, 2))[valid], rtol=1e-5)
    np.testing.assert_allclose(by_peak(variance, 2)[valid], scaled.var(axis=(1, 2))[valid], rtol=1e-4)
    for values in (by_peak(mean, 1), by_peak(variance, 2), non_zero(maps)):
        assert not torch.isfinite(values[~torch.tensor(valid)]).any()
    assert non_zero(maps)[valid].tolist() == [np.count_nonzero(one) for one in scaled[valid]]


def test_the_distance_divides_each_network_by_its_own_peak() -> None:
    own, other = DRAWN, DRAWN.flip(0) * 3
    pairs = torch.stack((own, other), 1).flatten(1)
    expected = np.abs(own.numpy() / own.max().item() - other.numpy() / other.max().item()).sum(axis=(1, 2))
    np.testing.assert_allclose(l1_by_peak(pairs), expected, rtol=1e-5)
    assert l1_by_peak(torch.stack((own, own * 2), 1).flatten(1)).abs().max() < 1e-5
    assert l1_by_peak(torch.zeros(2, 8)).tolist() == [0, 0]
