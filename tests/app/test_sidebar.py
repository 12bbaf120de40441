"""From the slider to specs: three units for one amount."""

from __future__ import annotations

import pytest

from core import ModelSpec
from core.protocols.lukkien import WEIGHTS_LEFT
from pages.shared.address import RATIOS
from pages.shared.amount import nearest_level, sparsity_of_ratio, weights_left

TOTAL, OTHER_PARAMETERS = WEIGHTS_LEFT[0], 22
THESIS = ModelSpec()


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_compression_ratio_counts_all_parameters(ratio: float) -> None:
    left = (1 - sparsity_of_ratio(ratio, THESIS)) * TOTAL + OTHER_PARAMETERS
    assert (TOTAL + OTHER_PARAMETERS) / left == pytest.approx(ratio)


def test_ratios_that_cannot_be_reached_stop_at_the_ends() -> None:
    assert sparsity_of_ratio(1000, THESIS) == 1.0
    assert sparsity_of_ratio(0.5, THESIS) == 0.0


@pytest.mark.parametrize("level", range(26))
def test_a_level_s_own_sparsity_leads_back_to_it(level: int) -> None:
    assert nearest_level(1 - WEIGHTS_LEFT[level] / TOTAL, THESIS) == level


@pytest.mark.parametrize(("sparsity", "level"), [(0.0, 0), (0.11, 1), (0.5, 3), (0.9, 10), (1.0, 25)])
def test_the_nearest_level_by_weights_left(sparsity: float, level: int) -> None:
    assert nearest_level(sparsity, THESIS) == level


def test_the_levels_of_the_thesis_follow_from_its_size() -> None:
    assert weights_left(THESIS) == WEIGHTS_LEFT
