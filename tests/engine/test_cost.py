"""What a variant costs: counted from the real networks, before and after physical removal."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from core.base.errors import SparsightError
from core.cli.main import main
from core.disk.coding import encode
from core.engine.cost import NO_SPEED, _outside_median, example_input, latencies, times
from core.engine.engine import Engine
from core.models.zoo import default_model, named
from core.specs import ModelSpec, PruningSpec, VariantSpec

pytestmark = pytest.mark.device


def thesis(pruning: PruningSpec) -> VariantSpec:
    return VariantSpec(pruning=pruning)


def photo(**more: object) -> VariantSpec:
    return VariantSpec(model=default_model("efficientnet-lite0"), pruning=PruningSpec.one_shot(0.4, **more))


def test_the_dense_network_has_no_zeros_and_nothing_to_take_out(engine: Engine) -> None:
    report = engine.cost(thesis(PruningSpec()))
    assert (report.parameters, report.zeros, report.macs) == (2346, 0, 61184)
    assert report.macs_left == report.macs
    assert report.physical_parameters is None
    assert report.notes == ()
    assert report.latency is None


def test_zeros_and_multiplications_left_are_those_of_the_tensors(engine: Engine) -> None:
    variant = thesis(PruningSpec.one_shot(0.9))
    report, mask = engine.cost(variant), engine.report(variant)
    kept = {layer.name: layer.kept for layer in mask.layers}
    assert report.zeros == mask.total - mask.kept
    assert report.macs_left == kept["conv1.weight"] * 676 + kept["conv2.weight"] * 121 + kept["fc.weight"]
    assert report.sparse_file_bytes < report.dense_file_bytes
    assert NO_SPEED in report.notes


def test_the_smaller_network_is_what_the_report_says(engine: Engine) -> None:
    variant = thesis(PruningSpec.at_level(20))
    report = engine.cost(variant)
    small, removal = engine.physical(variant)
    assert report.physical_parameters == sum(values.numel() for values in small.parameters()) < report.parameters
    assert report.physical_zeros == sum(int((values == 0).sum()) for values in small.parameters()) < report.zeros
    assert report.physical_macs_left <= report.macs_left
    assert report.physical_file_bytes == len(encode(small.state_dict(), {})) < report.dense_file_bytes
    assert report.physical_macs is not None
    assert report.physical_macs < report.macs
    assert report.removed_channels == removal.removed_channels > 0
    digits = engine.gallery().images[:50].to(engine.device).float()[:, None] / 255
    with engine.store.borrow(variant) as network, torch.no_grad():
        assert torch.allclose(small(digits), network(digits), atol=1e-4)


def test_pruned_filters_of_a_photo_network_make_it_smaller(engine: Engine) -> None:
    report = engine.cost(photo(granularity="filter", scope="layer", excluded=("_fc.weight",)))
    assert report.physical_parameters is not None
    assert report.physical_macs is not None
    assert report.physical_parameters < 0.7 * report.parameters
    assert report.physical_macs < 0.7 * report.macs
    assert report.largest_difference is not None
    assert report.largest_difference < 1e-4


def test_times_of_all_three_networks_are_taken_in_one_run(engine: Engine) -> None:
    report = engine.cost(thesis(PruningSpec.at_level(20)), measure=True)
    assert report.dense_latency is not None
    assert report.latency is not None
    assert report.physical_latency is not None
    taken = (report.dense_latency, report.latency, report.physical_latency)
    assert len({(latency.n, latency.device) for latency in taken}) == 1
    assert all(0 < latency.median_ms <= latency.p95_ms and latency.n >= 5 for latency in taken)


def test_networks_take_turns(engine: Engine) -> None:
    order = []

    class Recorder(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            order.append(self.name)
            return images

    taken = latencies({"a": Recorder("a"), "b": Recorder("b")}, example_input(named("thesis-cnn"), torch.device("cpu")))
    assert order == ["a", "b"] * (taken["a"].n + 1)  # one round warms up


def test_networks_are_timed_as_they_are_exported_in_any_precision(tmp_path: Path) -> None:
    small = VariantSpec(pruning=PruningSpec.one_shot(0.5, granularity="filter"))
    for precision in ("float32", "bfloat16"):
        engine = Engine("cpu", tmp_path / precision, precision=precision)
        taken = times(engine.store, (small.dense, small), batch=4)
        assert list(taken) == [small.dense, small]
        assert all(0 < time.low_ms <= time.median_ms <= time.high_ms <= time.median_ms * 1e6 for time in taken.values())
        assert len({(time.n, time.device) for time in taken.values()}) == 1


@pytest.mark.parametrize("passes", [1, 5, 6, 30, 101])
def test_the_interval_of_a_median_leaves_out_as_many_as_keep_95_percent(passes: int) -> None:
    """The chance that the median of any distribution lies outside, added up."""

    def wrong(out: int) -> float:
        return 2 * sum(math.comb(passes, fewer) for fewer in range(out + 1)) / 2**passes

    out = _outside_median(passes)
    assert out == 0 or wrong(out) <= 0.05
    assert wrong(out + 1) > 0.05


def test_a_network_that_cannot_shrink_still_has_its_counts(engine: Engine) -> None:
    variant = VariantSpec(
        model=ModelSpec(name="shufflenet_v2_x1_0", weights="random", seed=0), pruning=PruningSpec.one_shot(0.5)
    )
    report = engine.cost(variant)
    assert report.physical_parameters is None
    assert any("ShuffleNetV2" in note for note in report.notes)
    assert report.macs > 1e8
    with pytest.raises(SparsightError, match="ShuffleNetV2"):
        engine.physical(variant)


def test_the_command_line_says_the_same(engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "cost",
        "--sparsity",
        "0.5",
        "--granularity",
        "filter",
        "--exclude",
        "fc.weight",
        "--json",
        "--folder",
        str(tmp_path),
    ]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    pruning = PruningSpec.one_shot(0.5, granularity="filter", excluded=("fc.weight",))
    report = engine.cost(thesis(pruning))
    assert found["network"] == thesis(pruning).key
    assert found["channels removed"]["parameters"] == report.physical_parameters
    assert found["zeros in place"]["multiply_adds_left"] == report.macs_left
    assert found["notes"] == list(report.notes)
    assert found["dense time"] is None


def test_the_command_line_takes_patterns_and_times(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["cost", "--granularity", "2:4", "--time", "--json", "--folder", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["network"].endswith("2:4-global-magnitude/0.500000")
    assert found["zeros in place"]["time"]["n"] >= 5
    assert main(["cost", "--granularity", "4:2", "--json", "--folder", str(tmp_path)]) == 1
    assert "4:2" in json.loads(capsys.readouterr().err)["error"][0]
