"""Schedules of retraining: each begins where it says, gradual pruning equals the slow definition,
and all resume to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.base.errors import BadSpec, MissingData, SparsightError
from core.disk.files import Files
from core.disk.lock import Busy
from core.disk.sparse import unpack_sparse
from core.jobs.control import Stopped
from core.models.building import untrained
from core.specs import RETRAIN_SCHEDULES, PruningSpec, Ramp, RetrainSpec, TrainSpec
from core.training import single
from core.training.gradual import Gradual
from core.training.series import Material, Step, key_of, recipe_of, run_series
from tests.reference.pruning import mean_size
from tests.reference.training import finetune_one, lowest_go
from tests.training.test_finetune import CPU, network, photographs
from tests.training.test_masks import NAMES, tiny

QUICK = TrainSpec(rates=((0.05, 1),), batch_size=16, noise=0.0)
STILL = TrainSpec(rates=((0.0, 1),), batch_size=67, weight_decay=0.0, noise=0.0)
TARGETS = (0.0, 0.5, 0.75)
SPEC = RetrainSpec(
    name="test-layer",
    model="tiny@colours",
    pruning=PruningSpec.one_shot(0.0, "layer", excluded=("9.weight",)),
    targets=TARGETS,
    first=replace(QUICK, rates=((0.05, 3),)),
    each=QUICK,
)


def material(folder: Path, **more: object) -> Material:
    return Material(
        tiny(), dict(network().state_dict()), photographs(67), photographs(40, 1), CPU, Files(folder), **more
    )


def stored(made: Material, spec: RetrainSpec, level: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return unpack_sparse(made.files.load(key_of(spec, level))[0])


# --- where each begins


@pytest.mark.parametrize("reset", ["", "pretrained", "initialisation", "epoch-1", "epoch-2"])
def test_weights_are_reset_to_what_was_asked_for(tmp_path: Path, reset: str) -> None:
    """Without any training a level's weights are those that it begins with, masked."""
    spec, made = replace(SPEC, schedule="reset", reset=reset, each=STILL), material(tmp_path)
    list(run_series(spec, made))
    origin = made.start
    if reset == "initialisation":
        origin = untrained(tiny().build, 0)
    if reset.startswith("epoch"):
        origin = after_epoch(int(reset[-1]), tmp_path / "again")
    for level in (1, 2):
        weights, mask = stored(made, spec, level)
        for name in NAMES:
            assert torch.equal(weights[name], origin[name] * mask[name])
        assert torch.equal(weights["9.weight"], origin["9.weight"])


def after_epoch(epoch: int, folder: Path) -> dict[str, Tensor]:
    """The weights of the dense network after an epoch, from what a run that is killed then leaves
    behind.
    """
    made = material(folder)
    running = run_series(SPEC, made)
    for _ in range(epoch):
        next(running)
    running.close()
    found, _ = made.files.load(f"{key_of(SPEC, 0)}/unfinished")
    return {name.removeprefix("now/"): values for name, values in found.items() if name.startswith("now/")}


def test_an_epoch_that_was_not_kept_is_said(tmp_path: Path) -> None:
    made = material(tmp_path)
    list(run_series(replace(SPEC, targets=(0.0,)), made))
    with pytest.raises(MissingData, match="epoch 2 were not kept"):
        list(run_series(replace(SPEC, schedule="reset", reset="epoch-2"), made))


def test_learning_rates_begin_again_and_weights_go_on(tmp_path: Path) -> None:
    falling = TrainSpec(rates=((0.05, 1), (0.01, 1)), batch_size=16, noise=0.0)
    spec, made = replace(SPEC, schedule="rate-rewinding", first=falling), material(tmp_path)
    assert spec.each == falling
    list(run_series(spec, made))
    before, _ = stored(made, spec, 1)
    slow = network()
    slow.load_state_dict(before)
    _, mask = stored(made, spec, 2)
    # The best epoch is kept; a slow run to that epoch must give its weights.
    best = made.files.facts(key_of(spec, 2))["outcome"]["best_epoch"]
    recipe = replace(falling, rates=falling.rates[:best])
    data = replace_images(made)
    finetune_one(slow, {name: mask[name] for name in NAMES}, data, recipe, (0, "test-layer/level-02"))
    weights, _ = stored(made, spec, 2)
    for name, values in slow.state_dict().items():
        assert torch.allclose(weights[name].float(), values.float(), atol=2e-3), name


def replace_images(made: Material):
    """The slow definition takes off 0.5 from its images; the tiny card takes off nothing."""
    data = photographs(67)
    return replace(data, images=_Raised(data.images))


class _Raised:
    """Images whose rows are half brighter, as the slow definition undoes it."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __getitem__(self, row: int) -> Tensor:
        return self.images[row].float() + 127.5


def test_no_retraining_trains_nothing(tmp_path: Path) -> None:
    spec, made = replace(SPEC, schedule="none"), material(tmp_path)
    told = list(run_series(spec, made))
    dense, _ = stored(made, spec, 0)
    for level in (1, 2):
        weights, mask = stored(made, spec, level)
        for name in NAMES:
            assert torch.equal(weights[name], dense[name] * mask[name])
    outcomes = [step.outcome for step in told if step.outcome]
    assert [(len(o.history), o.total, o.best_epoch) for o in outcomes[1:]] == [(0, 40, 0), (0, 40, 0)]
    assert all(0 <= o.best_correct <= 40 for o in outcomes)


# --- gradual


@given(times=st.integers(1, 30), epochs=st.integers(1, 4), begin=st.integers(0, 3), steps=st.integers(1, 40))
def test_prunings_fall_at_even_distances_and_the_last_at_the_ramp_s_end(
    times: int, epochs: int, begin: int, steps: int
) -> None:
    ramp = Ramp(begin=begin, epochs=epochs, times=times)
    gradual = Gradual(ramp, 0.9, lambda sparsity, gone: {}, {})
    found = {done: place for done in range((ramp.end + 2) * steps) if (place := gradual.due(done, steps))}
    expected: dict[int, int] = {}
    for place in range(1, times + 1):  # written out; of those that fall together the last counts
        expected[begin * steps + math.ceil(place * epochs * steps / times)] = place
    assert found == expected
    assert found[ramp.end * steps] == times


@given(times=st.integers(1, 50), final=st.floats(0.01, 0.99), initial=st.floats(0, 0.5))
def test_the_ramp_is_the_cubic_of_the_paper(times: int, final: float, initial: float) -> None:
    ramp = Ramp(times=times)
    t0, dt = 100, 7
    for n in range(times + 1):
        t = t0 + n * dt
        assert ramp.sparsity(final, n, initial) == pytest.approx(
            final + (initial - final) * (1 - (t - t0) / (times * dt)) ** 3
        )
    assert ramp.sparsity(final, times) == final
    assert ramp.sparsity(final, 0) == pytest.approx(0, abs=1e-12)


def gradual_spec(trained: int, **ramp: int) -> RetrainSpec:
    return replace(
        SPEC, schedule="gradual", targets=(0.0, 0.8), each=replace(QUICK, rates=((0.05, trained),)), ramp=Ramp(**ramp)
    )


def test_gradual_equals_the_slow_definition(tmp_path: Path) -> None:
    spec, made = gradual_spec(3, begin=1, epochs=1, times=3), material(tmp_path)
    running = run_series(spec, made)
    for step in running:
        if step.level == 1 and step.epoch and step.epoch.epoch == 3:
            break
    now, _ = made.files.load(f"{key_of(spec, 1)}/unfinished")
    slow, steps = network(), math.ceil(67 / 16)
    mask = {name: torch.ones_like(slow.get_parameter(name), dtype=torch.bool) for name in NAMES}

    def tighten(done: int) -> None:
        for place in (1, 2, 3):
            if done == steps + math.ceil(place * steps / 3):
                share = f"{0.8 + (0 - 0.8) * (1 - place / 3) ** 3:.6f}"
                weights = {name: slow.get_parameter(name).detach() for name in NAMES}
                sizes = {name: mean_size(values) for name, values in weights.items()}
                mask.update(lowest_go(weights, dict(mask), ("weight", "layer", share), sizes.__getitem__))

    finetune_one(slow, mask, replace_images(made), spec.each, (0, "test-layer/level-01"), tighten)
    for name in NAMES:
        assert torch.equal(now[f"mask/{name}"], mask[name]), name
        assert torch.allclose(now[f"now/{name}"], slow.get_parameter(name), atol=2e-3), name
    running.close()


def test_gradual_counts_only_what_is_fully_pruned(tmp_path: Path) -> None:
    spec, made = gradual_spec(4, begin=0, epochs=3, times=4), material(tmp_path)
    told = list(run_series(spec, made))
    assert told[-1].outcome.best_epoch in (3, 4)
    weights, mask = stored(made, spec, 1)
    for name in NAMES:
        assert int((~mask[name]).sum()) == round(0.8 * mask[name].numel())
        assert (weights[name][~mask[name]] == 0).all()


def test_gradual_waits_for_the_ramp_before_it_stops_early(tmp_path: Path) -> None:
    spec = gradual_spec(9, begin=2, epochs=4, times=4)
    spec = replace(spec, each=replace(spec.each, patience=1))
    told = [step for step in run_series(spec, material(tmp_path)) if step.level == 1 and step.epoch]
    assert len(told) >= 7


# --- killed and resumed


@pytest.mark.parametrize("schedule", ["gradual", "rate-rewinding", "reset"])
def test_every_schedule_goes_on_to_the_same_bits(tmp_path: Path, schedule: str) -> None:
    spec = gradual_spec(3, begin=0, epochs=2, times=5) if schedule == "gradual" else replace(SPEC, schedule=schedule)
    spec = replace(spec, reset="epoch-2") if schedule == "reset" else spec
    whole = material(tmp_path / "whole")
    list(run_series(spec, whole))
    for steps in (2, 5, 6):
        made = material(tmp_path / f"killed-{steps}")
        running: Iterator[Step] = run_series(spec, made)
        for _ in range(steps):
            next(running)
        running.close()
        torch.rand(3)
        list(run_series(spec, material(tmp_path / f"killed-{steps}")))
        for level in range(len(spec.targets)):
            for name, values in stored(whole, spec, level)[0].items():
                assert torch.equal(values, stored(made, spec, level)[0][name]), (level, name)


class _StopsAfter:
    """A control that lets so many batches through."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stopped("Stopped.")


def test_stopped_it_keeps_the_best_so_far_and_goes_on_later(tmp_path: Path) -> None:
    spec = replace(SPEC, each=replace(QUICK, rates=((0.05, 3),)))
    whole = material(tmp_path / "whole")
    list(run_series(spec, whole))
    made = material(tmp_path / "stopped", control=_StopsAfter(5 * 5 + 2))  # in the third epoch of level 1
    with pytest.raises(Stopped):
        list(run_series(spec, made))
    weights, mask = stored(made, spec, 1)
    facts = made.files.facts(key_of(spec, 1))
    assert facts["stopped_by_hand"] is True
    assert len(facts["outcome"]["history"]) == 2
    assert all((weights[name][~mask[name]] == 0).all() for name in NAMES)
    told = list(run_series(spec, material(tmp_path / "stopped")))
    assert [step.level for step in told if step.found] == [0]
    assert made.files.facts(key_of(spec, 1))["stopped_by_hand"] is False
    for level in range(3):
        for name, values in stored(whole, spec, level)[0].items():
            assert torch.equal(values, stored(made, spec, level)[0][name])


def test_stopped_before_the_first_epoch_it_keeps_nothing_half_done(tmp_path: Path) -> None:
    made = material(tmp_path, control=_StopsAfter(2))
    with pytest.raises(Stopped):
        list(run_series(SPEC, made))
    assert made.files.keys() == []


def test_two_at_once_on_one_series_are_one_too_many(tmp_path: Path) -> None:
    first = run_series(SPEC, material(tmp_path))
    next(first)
    with pytest.raises(Busy, match="already being trained"):
        next(iter(run_series(SPEC, material(tmp_path))))
    next(iter(run_series(replace(SPEC, seed=1), material(tmp_path))))  # another seed is another series
    first.close()
    next(iter(run_series(SPEC, material(tmp_path))))


# --- what is said of a trained level


def test_what_was_used_is_written_down(tmp_path: Path) -> None:
    spec, made = replace(SPEC, each=replace(QUICK, precision="bfloat16"), targets=(0.0, 0.5)), material(tmp_path)
    list(run_series(spec, made))
    first, each = (made.files.facts(key_of(spec, level)) for level in (0, 1))
    assert (first["precision"], each["precision"]) == ("float32", "bfloat16")
    assert (first["memory_format"], first["mask_checks"]) == ("channels_last", 4)
    assert each["spec"] == spec.key


def test_half_precision_resumes_to_the_same_bits_and_keeps_float32_weights(tmp_path: Path) -> None:
    half = replace(QUICK, rates=((0.05, 3),), precision="bfloat16")
    spec, results = replace(SPEC, first=half, each=half, targets=(0.0, 0.5)), []
    for place in ("whole", "killed"):
        made = material(tmp_path / place)
        if place == "killed":
            running = run_series(spec, made)
            for _ in range(5):
                next(running)
            running.close()
        list(run_series(spec, made))
        results.append(stored(made, spec, 1)[0])
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])
    assert all(values.dtype == torch.float32 for values in results[0].values() if values.is_floating_point())
    plain = material(tmp_path / "plain")
    list(run_series(replace(spec, first=replace(half, precision="float32")), plain))
    assert not torch.equal(stored(plain, spec, 0)[0]["0.weight"], stored(made, spec, 0)[0]["0.weight"])


def test_auto_is_bfloat16_on_a_gpu_and_float32_on_the_cpu() -> None:
    assert single.computed_in(CPU, "auto") == torch.float32
    assert single.computed_in(torch.device("cuda"), "auto") == torch.bfloat16
    assert single.computed_in(CPU, "bfloat16") == torch.bfloat16


def test_a_pruned_weight_that_is_not_zero_never_reaches_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.loop.Training.enforce", lambda self: None)
    made = material(tmp_path)
    with pytest.raises(SparsightError, match="grown back"):
        list(run_series(replace(SPEC, schedule="reset"), made))
    assert not made.files.exists(key_of(SPEC, 1))


# --- questions that make no sense


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "reset", "reset": "epoch-9"},
        {"schedule": "reset", "reset": "epoch-0"},
        {"schedule": "reset", "reset": "yesterday"},
        {"schedule": "reset", "start": "random", "reset": "pretrained"},
        {"reset": "epoch-1"},
        {"ramp": Ramp()},
        {"schedule": "gradual", "ramp": Ramp(epochs=2)},
        {"schedule": "sometimes"},
        {"pruning": PruningSpec.one_shot(0.0, overrides=(("0.weight", 0.5),))},
        {"pruning": PruningSpec.one_shot(0.0, repair="batch-norm")},
        {"pruning": PruningSpec.one_shot(granularity="2:4")},
        {"schedule": "gradual", "targets": (0.0, 0.5), "pruning": PruningSpec.one_shot(granularity="2:4")},
    ],
)
def test_no_schedule(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSpec):
        replace(SPEC, **wrong)


@pytest.mark.parametrize("wrong", [{"times": 0}, {"epochs": 0}, {"begin": -1}])
def test_no_ramp(wrong: dict[str, int]) -> None:
    with pytest.raises(BadSpec):
        Ramp(**wrong)


def test_equal_schedules_share_a_key_and_others_do_not() -> None:
    keys = [replace(SPEC, schedule=schedule).key for schedule in RETRAIN_SCHEDULES]
    keys += [replace(SPEC, schedule="reset", reset=reset).key for reset in ("initialisation", "epoch-1", "epoch-2")]
    keys += [
        replace(SPEC, schedule="gradual", each=SPEC.first, ramp=Ramp(epochs=2)).key,
        replace(SPEC, each=replace(QUICK, precision="auto")).key,
    ]
    assert len(set(keys)) == len(keys)
    assert replace(SPEC, schedule="reset", reset="pretrained").key == replace(SPEC, schedule="reset").key
    assert "/iterative/pretrained/" in SPEC.key  # as the series that are there already have it


def test_recipes_of_levels() -> None:
    assert recipe_of(SPEC, 0) == SPEC.first
    assert recipe_of(SPEC, 2) == SPEC.each
    assert recipe_of(replace(SPEC, schedule="none"), 1).epoch_rates == ()
