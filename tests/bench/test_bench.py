"""Benches answer in the documented keys and count the same as their peers.

They measure; nothing here asserts a time.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from bench import BENCHES, browser
from bench.engine import evaluate_all
from bench.heatmap import heatmap
from bench.intervals import intervals
from bench.measure import alternate, line, percentile
from core.base.errors import SparsightError, UnknownName
from core.engine.engine import Engine

pytestmark = pytest.mark.long

NEEDS_CHROMIUM = pytest.mark.skipif(
    shutil.which("chromium") is None and shutil.which("google-chrome") is None,
    reason="chromium is missing: sudo apt-get install chromium",
)
KEYS = ("bench", "device", "threads", "n", "ours_s", "ours_p95_s", "peer", "peer_s", "ratio")
WITH_PEER = ("slider", "evaluate", "threads", "protocol", "prune", "heatmap", "screens")
IN_BROWSER = ("page", "start", "screens", "slider-natural", "curves")
OF_STATISTICS = ("intervals", "agreement")
OF_THE_STORE = ("vgg-slider", "memory", "budget", "store")  # test_store_benches.py
OF_SWEEPS = (
    "sweep",
    "sweep-overhead",
    "breaks",
    "faithfulness",
    "scaling",
    "growth",
    "sweep-resume",
)  # test_sweep_benches.py
OF_REPORTS = ("report",)
OF_UNITS = ("exemplars", "mis", "ablation")
OF_STUDIES = ("study-kills", "study-load", "study-page", "study-intervals")  # test_study_benches.py
OF_TRAINING = ("train", "train-gpu", "mask", "resume")  # test_training_benches.py


@pytest.fixture(autouse=True)
def only_what_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_MNIST", raising=False)


def check(row: dict[str, Any], name: str, n: int) -> None:
    """The documented keys, in JSON that every machine reads."""
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert set(KEYS) <= set(row)
    assert (row["bench"], row["n"]) == (name, n)
    assert row["threads"] >= 1
    assert row["device"].startswith("CPU")
    assert 0 < row["ours_s"] <= row["ours_p95_s"] < math.inf
    assert row["ours_range_s"][0] <= row["ours_s"] <= row["ours_range_s"][1]
    if name in WITH_PEER:
        assert row["peer"]
        assert row["peer_s"] > 0
        assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"], rel=0.01, abs=0.001)
    else:
        assert (row["peer"], row["peer_s"], row["ratio"]) == (None, None, None)


def test_every_bench_is_tried_here() -> None:
    assert set(BENCHES) == {
        *WITH_PEER,
        *IN_BROWSER,
        *OF_STATISTICS,
        *OF_THE_STORE,
        *OF_SWEEPS,
        *OF_STUDIES,
        *OF_TRAINING,
        *OF_UNITS,
        *OF_REPORTS,
    }


def test_a_report_is_small_and_the_same_every_time(engine: Engine) -> None:
    row = BENCHES["report"].value(engine, 1)
    check(row, "report", 1)
    assert row["bytes"] < row["aim_bytes"]
    assert row["same"]
    assert row["networks"] == 37


def test_slider(engine: Engine) -> None:
    row = BENCHES["slider"].value(engine, 3)
    check(row, "slider", 3)
    assert "torch.nn.utils.prune" in row["peer"]
    assert "pytorch-grad-cam" in row["peer"]


def test_evaluate_counts_what_the_peer_counts(engine: Engine) -> None:
    row = evaluate_all(engine, 1, images=700)
    check(row, "evaluate", 1)
    assert row["images"] == 700
    assert row["ours_correct"] == row["peer_correct"] > 600
    assert row["ours_soft_iou"] == pytest.approx(row["peer_soft_iou"], abs=1e-4)
    assert 0 < row["ours_soft_iou"] < 1


def test_evaluate_takes_the_digits_again_when_they_are_too_few(engine: Engine) -> None:
    once, more = evaluate_all(engine, 1, images=5000), evaluate_all(engine, 1, images=10_000)
    assert more["images"] == 10_000
    assert more["ours_correct"] == more["peer_correct"]
    assert more["ours_soft_iou"] == pytest.approx(more["peer_soft_iou"], abs=1e-4)
    assert more["ours_correct"] == 2 * once["ours_correct"]
    assert more["ours_soft_iou"] == pytest.approx(once["ours_soft_iou"], abs=1e-4)


def test_threads_do_not_disturb_each_other(engine: Engine) -> None:
    row = BENCHES["threads"].value(engine, 60)
    check(row, "threads", 60)
    assert row["differing"] == 0
    assert len(row["models"]) == 3


def test_threads_would_tell_a_difference(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count is no constant: an engine whose answers change with every call differs
    everywhere.
    """
    calls, real = iter(range(1000)), Engine.heatmap

    def restless(self: Engine, *question: Any) -> Any:
        answer = real(self, *question)
        object.__setattr__(answer, "map", answer.map + next(calls))
        return answer

    monkeypatch.setattr(Engine, "heatmap", restless)
    assert BENCHES["threads"].value(engine, 5)["differing"] == 5


def test_protocol(engine: Engine) -> None:
    row = BENCHES["protocol"].value(engine, 1)
    check(row, "protocol", 1)
    assert row["seeds"] == 3
    assert row["level_s"] == pytest.approx(10 * row["ours_s"], abs=0.01)
    # 10 epochs of pretraining and 26 levels of 10.
    assert row["protocol_s"] == pytest.approx(270 * row["ours_s"], abs=0.1)
    assert row["protocol_recorded_s"] == {}  # nothing was trained in this folder


def test_heatmap(engine: Engine) -> None:
    row = heatmap(engine, 1, networks=("efficientnet-lite0", "squeezenet1_1"), batches=(1,))
    check(row, "heatmap", 1)
    assert "pytorch-grad-cam" in row["peer"]
    assert [(line["model"], line["images"], line["weights"]) for line in row["rows"][::2]] == [
        ("efficientnet-lite0", 1, "imagenet"),
        ("squeezenet1_1", 1, "random"),
    ]
    assert [line["method"] for line in row["rows"]] == ["grad-cam++", "grad-cam"] * 2
    assert all(
        line[key] > 0 for line in row["rows"] for key in ("ours_s", "forward_s", "peer_s", "ours_over_forward", "ratio")
    )
    assert row["forward_s"] == row["rows"][0]["forward_s"]


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_page(engine: Engine) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")
    check(BENCHES["page"].value(engine, 3), "page", 3)


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_screens(engine: Engine) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")
    row = BENCHES["screens"].value(engine, 1)
    check(row, "screens", 1)
    assert set(row["screens"]) == {"empty", "home", "explore", "compare", "curves", "retrain", "lessons", "settings"}
    for screen in row["screens"].values():
        assert 0 < screen["first_s"] <= screen["complete_s"]
        assert screen["shift"] >= 0


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_curves(engine: Engine) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")
    row = BENCHES["curves"].value(engine, 1)
    check(row, "curves", 1)
    assert row["ours_s"] <= row["interactive_s"] <= row["interactive_p95_s"]
    assert 0 < row["axis_s"] <= row["axis_p95_s"]
    assert row["axis_n"] == 2


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_start(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")
    # It would slow down everything else on this machine.
    monkeypatch.setattr(browser, "_drop_disk_cache", lambda: False)
    row = BENCHES["start"].value(engine, 1)
    check(row, "start", 1)
    assert row["cold_s"] is None


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_a_page_without_pictures_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")
    monkeypatch.setattr(browser, "PATIENCE_S", 0.2)
    with browser.browser_page() as tab, pytest.raises(SparsightError, match="no new pictures"):
        browser.wait_for_pictures(tab, "")


def test_without_a_browser_it_says_what_to_install(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    with pytest.raises(SparsightError, match="install"), browser.browser_page():
        pass


def test_an_app_that_does_not_start_is_said(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser.sys, "executable", shutil.which("false"))
    with pytest.raises(SparsightError, match="make app"), browser.server(engine.folder):
        pass


def test_an_unknown_bench_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="'slider'"):
        BENCHES["slidr"]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0, 1.0, 2.0], 0.95, 3.0), ([1.0], 0.95, 1.0), (list(range(1, 101)), 0.95, 95), ([1, 2], 0.5, 1)],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_ours_and_the_peer_take_turns_and_the_first_round_is_not_counted(engine: Engine) -> None:
    calls: list[tuple[str, int]] = []

    def noted(who: str) -> Callable[[int], None]:
        return lambda i: calls.append((who, i))

    times = alternate(noted("ours"), noted("peer"), 2, engine.device)
    assert calls == [("ours", 0), ("peer", 0), ("ours", 1), ("peer", 1), ("ours", 2), ("peer", 2)]
    assert [len(side) for side in times] == [2, 2]


def test_a_line_holds_medians_and_spread(engine: Engine) -> None:
    row = line("slider", engine.device, [1.0, 2.0, 9.0], ("peer", [4.0, 4.0, 6.0]), differing=0)
    assert (row["ours_s"], row["ours_p95_s"], row["ours_range_s"]) == (2.0, 9.0, [1.0, 9.0])
    assert (row["peer_s"], row["ratio"], row["differing"]) == (4.0, 2.0, 0)


@NEEDS_CHROMIUM
def test_slider_on_a_photograph(engine: Engine) -> None:
    row = BENCHES["slider-natural"].value(engine, 2)
    check(row, "slider-natural", 2)
    assert row["model"] == "efficientnet-lite0"


def test_intervals_are_counted_for_every_coefficient_and_size(engine: Engine) -> None:
    row = intervals(engine, 1, sizes=(100,))
    check(row, "intervals", 12)  # one sample of six populations, with empty heatmaps and without
    kinds = [(found["maps"], found["images"], found["coefficient"]) for found in row["rows"]]
    assert kinds == [
        (maps, 100, name) for maps in ("all", "without empty") for name in ("pearson", "spearman", "kendall")
    ]
    for found in row["rows"]:
        assert 0 <= found["worst"] <= found["coverage"] <= 1
        assert 0 < found["percentile_width"] < found["width"] < 2


def test_agreement_is_counted_for_every_network_sparsity_and_pair_of_seeds(engine: Engine) -> None:
    row = BENCHES["agreement"].value(engine, 1)
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["bench"], row["n"]) == ("agreement", 1)
    assert row["rows"]
    assert row["seeds"]
