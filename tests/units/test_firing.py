"""Where a unit fires equals a whole pass; its weights are counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine.engine import Engine
from core.saliency.capture import find_layer
from core.units.firing import firing_maps, weights_left
from core.units.included import unit_study
from core.units.study import UnitStudy


@pytest.fixture
def study(tmp_path: Path) -> UnitStudy:
    return unit_study("digits", Engine("cpu", tmp_path))


def test_maps_are_those_of_a_pass(study: UnitStudy) -> None:
    variant, rows = study.variants[13], [7, 3, 4000]
    found = firing_maps(study, variant, "conv2", 3, rows)
    inputs = study.sweep.inputs(variant.model)
    (batch,) = inputs.batches(rows=torch.tensor(rows))
    answers: list[torch.Tensor] = []
    with study.sweep.engine.store.borrow(variant) as network, torch.no_grad():
        handle = find_layer(network, "conv2").register_forward_hook(lambda *given: answers.append(given[2]))
        network(batch.images)
        handle.remove()
        own = network.get_parameter("conv2.weight")[3].clone()
    assert weights_left(study, variant, "conv2", 3) == (int((own != 0).sum()), own.numel())
    expected = answers[0][:, 3].relu().numpy()
    peak = expected.max() or 1
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs / peak, atol=1e-5)


def test_a_dead_unit_fires_nowhere(study: UnitStudy) -> None:
    last = study.variants[26]
    assert all((one == 0).all() or one.max() <= 1 for one in firing_maps(study, last, "conv2", 3, [0, 1]))
