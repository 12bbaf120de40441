"""The bench of pruning counts the same as PyTorch's own global pruning."""

from __future__ import annotations

import json

import pytest
import torch

from bench import pruning
from bench.pruning import prune
from core.engine.engine import Engine
from core.pruning.index import PruningIndex


def test_ours_and_the_peer_remove_the_same_weights(engine: Engine) -> None:
    row = prune(engine, 3, model="squeezenet1_1")
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["bench"], row["n"], row["model"]) == ("prune", 3, "squeezenet1_1")
    assert row["weights"] == 1231552
    assert row["removed"] == row["peer_removed"] == round(row["sparsity"] * row["weights"])
    assert row["differing_not_tied"] == 0
    assert row["peer"].startswith("torch.nn.utils.prune")
    assert min(row["ours_s"], row["peer_s"], row["index_s"], row["copy_s"]) > 0


def test_a_difference_would_be_counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = PruningIndex.mask

    def turned(self: PruningIndex, sparsity: float) -> dict[str, torch.Tensor]:
        mask = real(self, sparsity)
        mask["fc.weight"] = ~mask["fc.weight"]
        return mask

    monkeypatch.setattr(pruning.PruningIndex, "mask", turned)
    row = prune(engine, 1, model="thesis-cnn")
    assert row["differing"] == 2000
    assert row["differing_not_tied"] >= 1999
