"""From the slider to specs: three units for one amount."""

from __future__ import annotations

import pytest

from core import ModelSpec
from core.protocols.lukkien.protocol import WEIGHTS_LEFT
from pages.parts.sidebar.amount import nearest_level, weights_left

TOTAL = WEIGHTS_LEFT[0]
THESIS = ModelSpec()


@pytest.mark.parametrize("level", range(26))
def test_a_level_s_own_sparsity_leads_back_to_it(level: int) -> None:
    assert nearest_level(1 - WEIGHTS_LEFT[level] / TOTAL, THESIS) == level


@pytest.mark.parametrize(("sparsity", "level"), [(0.0, 0), (0.11, 1), (0.5, 3), (0.9, 10), (1.0, 25)])
def test_the_nearest_level_by_weights_left(sparsity: float, level: int) -> None:
    assert nearest_level(sparsity, THESIS) == level


def test_the_levels_of_the_thesis_follow_from_its_size() -> None:
    assert weights_left(THESIS) == WEIGHTS_LEFT
