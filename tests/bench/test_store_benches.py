"""Benches of memory, disk and large networks count what they say they count; tried on small
networks. Nothing here asserts a time.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import memory as memory_benches
from bench.memory import budget, memory, rss_bytes, tensor_bytes
from bench.store import store
from bench.vgg import vgg_slider
from core.base.errors import MissingData
from core.engine.engine import Engine
from core.results import Comparison
from core.store.kept_variants import KeptVariants

pytestmark = pytest.mark.long


def check(row: dict[str, Any], name: str, n: int) -> None:
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["bench"], row["n"], row["peer"]) == (name, n, None)
    assert 0 < row["ours_s"] <= row["ours_p95_s"] < math.inf


def test_slider_on_a_large_network_asks_a_new_sparsity_each_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Comparison] = []
    real = Engine.compare

    def noted(self: Engine, *question: Any) -> Comparison:
        answers.append(real(self, *question))
        return answers[-1]

    monkeypatch.setattr(Engine, "compare", noted)
    row = vgg_slider(engine, 2, model="squeezenet1_1")
    check(row, "vgg-slider", 2)
    assert row["model"] == "squeezenet1_1"
    # First, three to warm up, two that count.
    assert len({answer.mask.sparsity for answer in answers}) == len(answers) == 6
    assert len({id(answer.reference) for answer in answers}) == 1  # the dense heatmap is there
    assert min(row["first_s"], row["forward_s"]) > 0


def test_memory_is_that_of_the_process(engine: Engine) -> None:
    row = memory(engine, 14, model="squeezenet1_1")
    check(row, "memory", 4)
    assert row["rss_mb"] == pytest.approx(row["rss_late_mb"] - row["rss_early_mb"], abs=0.11)
    assert row["rss_early_mb"] > 100  # torch alone is larger
    assert row["held_mb"] >= 0.7  # four heatmaps of 224 x 224 at least


LEAKING = """
import torch
from bench import memory as benches
from core.engine.engine import Engine
leaked, move = [], benches._move
benches._move = lambda *question: (leaked.append(torch.ones(4 << 20)), move(*question))[1]  # 16 MB each time
torch.set_num_threads(1)
print(benches.memory(Engine("cpu"), 20, model="squeezenet1_1")["rss_mb"])
"""


def test_a_leak_would_be_seen() -> None:
    """In a process of its own: others that trained before keep freed memory and hand it out again,
    so that nothing seems to grow.
    """
    run = subprocess.run(
        [sys.executable, "-c", LEAKING], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert float(run.stdout.split()[-1]) > 100


def test_a_system_that_does_not_say_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory_benches, "STATUS", tmp_path / "status")
    with pytest.raises(MissingData, match="does not say"):
        rss_bytes()


def test_tensors_are_counted_once() -> None:
    before = tensor_bytes()
    one = torch.ones(1 << 20)
    views = [one.view(1024, 1024), one[5:], torch.nn.Parameter(one)]
    assert tensor_bytes() - before == 4 << 20
    del one, views
    assert tensor_bytes() <= before


def test_use_stays_within_the_budgets(engine: Engine) -> None:
    row = budget(engine, 9, models=("squeezenet1_1", "mobilenet_v3_large", "shufflenet_v2_x1_0"))
    check(row, "budget", 9)
    assert row["over"] <= 0.05
    assert row["tensors_mb"] <= row["held_mb"] + 5  # tables of the last answers and the like
    assert row["device_peak_mb"] > 0


def test_use_beyond_the_budgets_would_be_seen(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_benches, "network_bytes", lambda found: 1 << 20)  # budgets that no network fits in
    assert budget(engine, 3, models=("squeezenet1_1",))["over"] > 0.05


def test_a_kept_network_takes_little_more_than_it_must(engine: Engine) -> None:
    row = store(engine, None, model="squeezenet1_1")
    check(row, "store", 3)
    assert [round(found["sparsity"], 4) for found in row["rows"]] == [0.5, 0.9, 0.98]
    assert row["worst"] == max(found["times"] for found in row["rows"]) < 1.1
    assert row["rows"][0]["least_bytes"] == sum(-(-n // 8) for n in (1231552,)) + 4 * (1235496 - 1231552 // 2)
    for found in row["rows"]:
        assert 1 < found["times"] == pytest.approx(found["bytes"] / found["least_bytes"], abs=1e-4)
        assert found["dense_bytes"] > 4 * 1235496


def test_the_second_engine_reads_what_the_first_has_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = [], KeptVariants.read_into

    def noted(self: KeptVariants, *question: Any) -> bool:
        read.append(real(self, *question))
        return read[-1]

    monkeypatch.setattr(KeptVariants, "read_into", noted)
    store(engine, 1, model="squeezenet1_1")
    assert read[-1] is True
