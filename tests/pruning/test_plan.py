"""The plan says beforehand what the mask then removes; questions that make no sense are refused in plain words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from core.errors import BadSpec, SparsightError, UnknownName
from core.pruning.index import PruningIndex
from core.pruning.plan import explain
from core.results.plan import FATES, PruningPlan
from core.specs import PruningSpec
from tests.pruning.small import FIXED, evidence, small_weights

KINDS = {name: "linear" if name == "fc.weight" else "conv" for name in small_weights()}
TOTAL = sum(values.numel() for values in small_weights().values())


def plan_of(sparsity: float | None = 0.5, **more: Any) -> tuple[PruningPlan, dict[str, torch.Tensor]]:
    pruning = PruningSpec.one_shot(sparsity, **more)
    index = PruningIndex.of(pruning, evidence(pruning.granularity))
    return explain(pruning, index, KINDS, "fc.weight", TOTAL + 25), index.mask(pruning.sparsity, pruning.overrides, pruning.excluded)


@pytest.mark.parametrize("granularity", [*FIXED, "2:4", "3:7"])
def test_a_plan_counts_what_the_mask_removes(granularity: str) -> None:
    plan, mask = plan_of(0.4, granularity=granularity)
    assert [layer.name for layer in plan.layers] == list(mask)
    assert all(layer.kept == int(mask[layer.name].sum()) and layer.weights == mask[layer.name].numel() for layer in plan.layers)
    kept = sum(layer.kept for layer in plan.layers)
    assert plan.sparsity == pytest.approx(1 - kept / TOTAL)
    assert plan.compression_ratio == pytest.approx((TOTAL + 25) / (kept + 25))
    conv = sum(values.numel() for name, values in mask.items() if name != "fc.weight")
    assert plan.conv_compression_ratio == pytest.approx(conv / sum(int(k.sum()) for n, k in mask.items() if n != "fc.weight"))


def test_groups_are_counted_as_the_granularity_counts_them() -> None:
    plan, _ = plan_of(0.5, granularity="filter")
    assert [layer.groups for layer in plan.layers] == [4, 4, 6, 6, 5]
    assert sum(layer.removed_groups for layer in plan.layers) == 13  # half of 25, halves up


def test_fates_are_said() -> None:
    plan, mask = plan_of(0.5, excluded=("plain.weight",), overrides=(("fc.weight", 0.9),))
    fates = {layer.name: layer.fate for layer in plan.layers}
    assert fates == dict.fromkeys(mask, "ranked") | {"plain.weight": "left alone", "fc.weight": "by hand"}
    assert set(fates.values()) == set(FATES)
    assert mask["plain.weight"].all()
    assert int((~mask["fc.weight"]).sum()) == 108  # 90 % of 120
    assert plan.sparsity == pytest.approx(sum(int((~kept).sum()) for kept in mask.values()) / (TOTAL - 108))  # plain has 108 weights


def test_the_classifier_is_spoken_of_either_way() -> None:
    assert any("pruned with the rest" in note for note in plan_of()[0].notes)
    assert any("stays whole" in note for note in plan_of(excluded=("fc.weight",))[0].notes)


def test_rows_that_a_pattern_does_not_divide_are_said() -> None:
    notes = plan_of(None, granularity="2:4")[0].notes
    ends = 4 * (27 % 4) + 4 * (9 % 4) + 6 * (18 % 4) + 6 * (6 % 4)  # the linear layer's rows are divided
    assert any(f"4 of 5 layers: {ends} weights" in note and "grouped.weight" in note for note in notes)
    assert not any("stay untouched" in note for note in plan_of()[0].notes)


@pytest.mark.parametrize("granularity", FIXED)
def test_everything_may_go_and_is_said(granularity: str) -> None:
    plan, mask = plan_of(1.0, granularity=granularity)
    assert plan.emptied == tuple(mask)
    assert plan.sparsity == 1
    assert plan.compression_ratio == pytest.approx((TOTAL + 25) / 25)
    assert plan.conv_compression_ratio == float("inf")
    assert any("plain.weight, depthwise.weight, grouped.weight, pointwise.weight and 1 more are emptied" in note for note in plan.notes)


def test_a_layer_that_is_emptied_is_named() -> None:
    plan, _ = plan_of(0.1, overrides=(("pointwise.weight", 1.0),))
    assert plan.emptied == ("pointwise.weight",)
    assert any(note.startswith("pointwise.weight is emptied") for note in plan.notes)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"excluded": tuple(small_weights())}, BadSpec, "Every layer is excluded"),
        ({"excluded": ("plane.weight",)}, UnknownName, r"Did you mean 'plain\.weight'"),
        ({"overrides": (("fc.wieght", 0.5),)}, UnknownName, r"Did you mean 'fc\.weight'"),
        ({"excluded": ("fc.weight",), "overrides": (("fc.weight", 0.5),)}, BadSpec, "cannot be left alone and"),
        ({"granularity": "2:4", "overrides": (("fc.weight", 0.5),)}, BadSpec, "fixes the amount"),
        ({"granularity": "4:4"}, BadSpec, "0 < N < M"),
        ({"granularity": "filters"}, BadSpec, "Did you mean 'filter'"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, Any], error: type[SparsightError], words: str) -> None:
    with pytest.raises(error, match=words):
        plan_of(0.5, **more)


@pytest.mark.parametrize("schedule", ["iterative-reset", "retrained"])
def test_a_trained_series_has_its_layers_already(schedule: Any) -> None:
    for layers in ({"excluded": ("fc.weight",)}, {"overrides": (("fc.weight", 0.5),)}):
        with pytest.raises(BadSpec, match="pruned as their run says"):
            PruningSpec(schedule=schedule, level=3, **layers)
