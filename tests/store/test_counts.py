"""Counts are those of the tensors: against a slow count of the network that the store lends, with
zeros planted in the dense one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.base.settings import shipped_folder
from core.cli.main import main
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse
from core.engine.engine import Engine
from core.models.cards import InputRule
from core.models.modules import ModuleFacts
from core.models.own import About
from core.models.torchvision_cnns import BY_HAND
from core.pruning import CRITERIA
from core.pruning.paths import image_arrives
from core.results import MaskReport
from core.specs import GRANULARITIES, SCOPES, ModelSpec, PruningSpec, VariantSpec

pytestmark = pytest.mark.device

DIGITS = InputRule(size_px=(28, 28), mean=(0.0,), std=(1.0,))
SHARES = (0.3, 0.5, 0.95)


class Sparse(nn.Module):
    """Plain, depthwise and grouped convolutions, a BatchNorm and a linear layer; two of three
    weights are zero, and two biases.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.norm = nn.Conv2d(1, 6, 3, bias=False), nn.BatchNorm2d(6)
        self.depthwise, self.grouped = nn.Conv2d(6, 6, 3, stride=2, groups=6), nn.Conv2d(6, 8, 3, groups=2)
        self.full, self.fc = nn.Conv2d(8, 8, 1), nn.Linear(128, 10)
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for name, values in self.named_parameters():
                values.copy_(torch.randn(values.shape, generator=generator))
                if name not in ("full.weight", "norm.weight"):
                    values.mul_(torch.rand(values.shape, generator=generator) > 0.66)
            self.grouped.weight[3] = 0  # a whole filter
            self.fc.weight[:, 5] = 0  # a whole input

    def forward(self, images: Tensor) -> Tensor:
        values = self.norm(self.plain(images)).relu()
        values = self.full(self.grouped(self.depthwise(values).relu()).relu()).relu()
        return self.fc(nn.functional.adaptive_avg_pool2d(values, 4).flatten(1))


def sparse_model(engine: Engine) -> ModelSpec:
    return engine.add_module(Sparse().eval(), ModuleFacts(target_layer="full", input=DIGITS, images="digits"))


def alive(engine: Engine, variant: VariantSpec) -> dict[str, Tensor]:
    """Which parameters of the lent network are not zero."""
    with engine.store.borrow(variant) as network:
        return {name: values.detach() != 0 for name, values in network.named_parameters()}


def check(engine: Engine, variant: VariantSpec) -> MaskReport:
    """The report against the tensors of the network itself."""
    report, before, after = engine.report(variant), alive(engine, variant.dense), alive(engine, variant)
    for layer in (*report.layers, *report.excluded):
        assert layer.kept == int(after[layer.name].sum()), (variant.key, layer)
        assert layer.already_zero == int((~before[layer.name]).sum()), (variant.key, layer)
        assert layer.removed == int((before[layer.name] & ~after[layer.name]).sum()), (variant.key, layer)
    assert report.parameters_left == sum(int(values.sum()) for values in after.values()), variant.key
    assert report.total + report.other_parameters == sum(values.numel() for values in after.values())
    left = {layer.name: after[layer.name] for layer in (*report.layers, *report.excluded)}
    found = engine.card(variant.model)
    assert report.collapsed is not image_arrives(found.skeleton, left, found.input_shape), variant.key
    return report


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_pruning_of_a_sparse_network_is_counted_from_its_tensors(engine: Engine, criterion: str) -> None:
    model = sparse_model(engine)
    for granularity in GRANULARITIES:
        shares = (None,) if ":" in granularity else SHARES
        for scope in tuple(SCOPES)[:1] if ":" in granularity else SCOPES:
            for share in shares:
                check(
                    engine,
                    VariantSpec(
                        model=model, pruning=PruningSpec.one_shot(share, scope, criterion, granularity=granularity)
                    ),
                )


@pytest.mark.parametrize("granularity", ["weight", "filter"])
def test_layers_left_alone_or_pruned_by_hand_are_counted_from_the_tensors(engine: Engine, granularity: str) -> None:
    more = {
        "granularity": granularity,
        "excluded": ("plain.weight",),
        "overrides": (("fc.weight", 0.9), ("grouped.weight", 0.1)),
    }
    for criterion in ("magnitude", "random"):
        report = check(
            engine,
            VariantSpec(model=sparse_model(engine), pruning=PruningSpec.one_shot(0.4, criterion=criterion, **more)),
        )
        assert [layer.name for layer in report.excluded] == ["plain.weight"]
        assert report.zero_others > report.excluded[0].already_zero > 0  # two biases are zero, too


def test_a_pruning_that_only_meets_zeros_removes_nothing(engine: Engine) -> None:
    model = sparse_model(engine)
    dense, half = (
        engine.report(VariantSpec(model=model, pruning=pruning))
        for pruning in (PruningSpec(), PruningSpec.one_shot(0.5))
    )
    assert dense.was_sparse
    assert 0.6 < dense.sparsity == dense.sparsity_before == half.sparsity
    assert (half.removed, half.kept) == (0, dense.kept)
    assert not half.removed_anything
    cost = engine.cost(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.5)))
    assert cost.parameters - cost.zeros == half.parameters_left == dense.parameters_left
    assert half.compression_ratio == cost.parameters / half.parameters_left


def test_a_dense_network_without_a_path_is_collapsed(engine: Engine) -> None:
    network = Sparse().eval()
    with torch.no_grad():
        network.full.weight.zero_()
    model = engine.add_module(network, ModuleFacts(target_layer="full", input=DIGITS, images="digits"))
    assert check(engine, VariantSpec(model=model)).collapsed


def test_kept_weights_of_a_level_that_are_zero_are_not_left(tmp_path: Path) -> None:
    key = VariantSpec(pruning=PruningSpec.at_level(3)).key
    tensors, facts = Files(tmp_path, [shipped_folder()]).load(key)
    weights, mask = unpack_sparse(tensors)
    place = tuple(mask["fc.weight"].nonzero()[0].tolist())
    weights["fc.weight"][place] = 0.0
    Files(tmp_path).save(key, pack_sparse(weights, mask), facts)
    report = Engine("cpu", tmp_path).report(VariantSpec(pruning=PruningSpec.at_level(3)))
    outside = sum(int((~kept).sum()) for kept in mask.values())
    assert (report.kept, report.removed, report.already_zero) == (2324 - outside - 1, outside, 1)


def test_counts_kept_on_disk_before_zeros_were_counted_are_counted_anew(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    variant = VariantSpec(model=sparse_model(engine), pruning=PruningSpec.one_shot(0.5))
    path, report = engine.keep(variant), engine.report(variant)
    key = path.relative_to(tmp_path).with_suffix("").as_posix()
    tensors, facts = engine.store.files.load(key)

    def fresh() -> Engine:
        again = Engine("cpu", tmp_path)
        assert sparse_model(again) == variant.model
        return again

    assert fresh().report(variant) == report
    engine.store.files.save(
        key, tensors, {name: fact for name, fact in facts.items() if name != "zero_others"} | {"format": 2}
    )
    assert fresh().report(variant) == report


def test_a_really_pruned_squeezenet(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Deep Compression left 415,921 of 1,244,448 weights, and all 3,976 biases."""
    file = real_data / "weights" / "squeezenet1_0_deepcompression_fp32.pth"
    engine = Engine("cpu", tmp_path)
    model = engine.add_model(file, About(architecture="squeezenet1_0"))
    for pruning in (PruningSpec(), PruningSpec.one_shot(0.3), PruningSpec.one_shot(0.5)):
        report = check(engine, VariantSpec(model=model, pruning=pruning))
        assert (report.kept, report.removed, report.parameters_left) == (415_921, 0, 419_897)
        assert report.sparsity == pytest.approx(0.66578, abs=1e-5)
    assert check(engine, VariantSpec(model=model, pruning=PruningSpec.one_shot(0.8))).kept == 248_890
    assert (
        check(engine, VariantSpec(model=model, pruning=PruningSpec.one_shot(0.3, criterion="random"))).removed
        == 124_609
    )

    (tmp_path / "downloads" / BY_HAND).mkdir(parents=True)
    shutil.copy(file, tmp_path / "downloads" / BY_HAND / "squeezenet1_0.pth")
    words = ["--model", "squeezenet1_0", "--weights", BY_HAND, "--sparsity", "0.5", "--json", "--folder", str(tmp_path)]
    assert main(["heatmap", "--photo", "coffee", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    said = (
        "This pruning removed 0 further weights: the dense network was already 66.6 % sparse, and the lowest-ranked"
        " weights were"
    )
    assert found["headline"].startswith(said)
    counts = found["mask"]
    assert (counts["kept"], counts["removed"], counts["already_zero"], counts["parameters_left"]) == (
        415_921,
        0,
        828_527,
        419_897,
    )
    assert main(["cost", *words]) == 0
    masked = json.loads(capsys.readouterr().out)["zeros in place"]
    assert masked["parameters"] - masked["zeros"] == 419_897
