"""What units mean, beside sums over pairs of images."""

from __future__ import annotations

import pytest
import torch

from core.units.meaning import mean_exemplars, meaning, overlap

VECTORS = torch.nn.functional.normalize(torch.randn(60, 8, generator=torch.Generator().manual_seed(0)), dim=1)
STRONGEST = torch.stack([torch.randperm(60, generator=torch.Generator().manual_seed(seed))[:20] for seed in range(4)])


def test_clarity_and_redundancy_are_means_over_pairs() -> None:
    found = meaning(STRONGEST, VECTORS)
    means = [VECTORS[row].mean(0) / VECTORS[row].mean(0).norm() for row in STRONGEST]
    for unit, row in enumerate(STRONGEST):
        pairs = [float(VECTORS[a] @ VECTORS[b]) for a in row for b in row if a != b]
        assert float(found.clarity[unit]) == pytest.approx(sum(pairs) / len(pairs), abs=1e-5)
        others = [float(means[unit] @ mean) for place, mean in enumerate(means) if place != unit]
        assert float(found.redundancy[unit]) == pytest.approx(max(others), abs=1e-5)
    torch.testing.assert_close(mean_exemplars(STRONGEST, VECTORS), torch.stack(means))


def test_a_unit_that_sees_two_things_is_polysemantic_and_one_that_sees_one_is_not() -> None:
    vectors = torch.eye(3)[torch.tensor([0] * 10 + [1] * 10 + [2] * 20)]
    both, one = torch.arange(20), torch.arange(20, 40)
    found = meaning(torch.stack((both, one)), vectors)
    assert found.polysemanticity.tolist() == pytest.approx([1.0, 0.0], abs=1e-5)
    assert float(found.clarity[1]) == pytest.approx(1)


def test_the_only_unit_of_a_layer_has_no_other() -> None:
    assert meaning(STRONGEST[:1], VECTORS).redundancy.isnan().all()


def test_overlap_counts_common_images_whatever_their_rank() -> None:
    assert overlap(STRONGEST, STRONGEST.flip(1)).tolist() == [1, 1, 1, 1]
    shared = len(set(STRONGEST[0].tolist()) & set(STRONGEST[1].tolist()))
    assert float(overlap(STRONGEST[:1], STRONGEST[1:2])) == pytest.approx(shared / 20)
