"""One network on photographs: equal to the slow definition, resumed after a kill as if nothing had
happened, masks hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from core.base.draws import entropy
from core.base.errors import CacheNotWritable
from core.data.decode import TrainingImages
from core.disk.files import Files
from core.specs import TrainSpec
from core.training import finetune as module
from core.training.finetune import Epoch, Goal, Outcome, finetune
from core.training.loop import Diverged
from core.training.memory import resident
from core.training.single import Photographs, Subject, count_correct, regrown, repeatable
from tests.reference.training import finetune_one

CPU = torch.device("cpu")
RECIPE = TrainSpec(rates=((0.05, 2), (0.01, 1)), batch_size=16, noise=0.0)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(8, 3),
    )


def photographs(count: int, seed: int = 0) -> TrainingImages:
    """Three classes told apart by their colour, with noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    images = torch.randint(0, 160, (count, 3, 12, 12), generator=generator)
    images[torch.arange(count), labels] += 80
    return TrainingImages(images.to(torch.uint8), labels, ("red", "green", "blue"))


def mask_of(model: nn.Module) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    named = dict(model.named_parameters())
    return {name: torch.rand(named[name].shape, generator=generator) > 0.5 for name in ("0.weight", "4.weight")}


def goal(folder: Path, recipe: TrainSpec = RECIPE, run: str = "level-01") -> Goal:
    model = network()
    subject = Subject(model, mask_of(model), lambda images: images - 0.5, 7, run)
    return Goal(subject, photographs(67), photographs(40, 1), recipe, CPU, Files(folder), "test/series/level-01")


def outcome(goal: Goal) -> Outcome:
    return next(step for step in finetune(goal) if isinstance(step, Outcome))


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(RECIPE, marks=pytest.mark.long),
        pytest.param(
            TrainSpec(
                rates=((0.05, 3),),
                batch_size=33,
                shape="cosine",
                weight_decay=0.01,
                augment=("horizontal-flip", "vertical-flip"),
            ),
            marks=pytest.mark.long,
        ),
        TrainSpec(rates=((0.01, 2),), batch_size=20, optimiser="adamw", augment=("rotation-10", "shift-and-scale")),
    ],
)
def test_training_equals_the_slow_definition(tmp_path: Path, recipe: TrainSpec) -> None:
    made = goal(tmp_path, recipe)
    slow = network()
    finetune_one(slow, mask_of(slow), made.data, recipe, (7, "level-01"))
    outcome_of_last = [step for step in finetune(made) if isinstance(step, Epoch)]
    assert len(outcome_of_last) == len(recipe.epoch_rates)
    tensors, _ = made.files.load(f"{made.key}/unfinished")
    for name, values in slow.state_dict().items():
        assert torch.allclose(tensors[f"now/{name}"].float(), values.float(), atol=2e-4), name


def test_what_was_begun_on_other_photographs_is_not_gone_on_with(tmp_path: Path) -> None:
    begun = goal(tmp_path)
    steps: Iterator = finetune(begun)
    assert next(steps).epoch == 1
    steps.close()
    assert next(iter(finetune(goal(tmp_path)))).seconds == 0  # read, not trained
    other = replace(goal(tmp_path), data=photographs(67, seed=2))
    assert next(iter(finetune(other))).seconds > 0


def test_killed_at_any_epoch_it_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = goal(tmp_path / "whole")
    list(finetune(whole))
    for epochs in (1, 2):
        killed = goal(tmp_path / f"killed-{epochs}")
        steps: Iterator = finetune(killed)
        for _ in range(epochs):
            next(steps)
        del steps
        torch.rand(5)  # whatever else drew random numbers meanwhile
        again = goal(tmp_path / f"killed-{epochs}")
        list(finetune(again))
        for name, values in whole.subject.network.state_dict().items():
            assert torch.equal(values, again.subject.network.state_dict()[name]), name


def test_pruned_weights_are_zero_at_every_evaluation_and_in_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, seen = goal(tmp_path), []
    counted = module.count_correct
    monkeypatch.setattr(module, "count_correct", lambda *of: seen.append(regrown(made.subject)) or counted(*of))
    list(finetune(made))
    assert seen == [0, 0, 0]
    tensors, _ = made.files.load(f"{made.key}/unfinished")
    for name, kept in made.subject.mask.items():
        assert (tensors[f"now/{name}"][~kept] == 0).all()
        assert (tensors[f"best/{name}"][~kept] == 0).all()


def test_a_weight_that_grew_back_is_noticed(tmp_path: Path) -> None:
    made = goal(tmp_path)
    Photographs(made.subject, made.data, made.recipe, CPU)
    with torch.no_grad():
        for name, kept in made.subject.mask.items():
            made.subject.network.get_parameter(name).copy_(torch.where(kept, 1.0, 0.0))
        assert regrown(made.subject) == 0
        made.subject.network.get_parameter("0.weight")[~made.subject.mask["0.weight"]] = 1e-30
    assert regrown(made.subject) == int((~made.subject.mask["0.weight"]).sum())


def test_early_stopping_keeps_the_best(tmp_path: Path) -> None:
    recipe = TrainSpec(rates=((0.05, 30),), batch_size=16, patience=3)
    made = goal(tmp_path, recipe)
    result = outcome(made)
    best, best_epoch = -1.0, 0
    for epoch in result.history:  # Merkle's rule, written out
        if epoch.correct > best * 1.01:
            best, best_epoch = epoch.correct, epoch.epoch
        assert epoch.epoch - best_epoch < 3 or epoch is result.history[-1]
    assert (result.best_epoch, result.best_correct) == (best_epoch, best)
    assert result.stopped_early
    assert count_correct(made.subject, made.validation, CPU) == result.best_correct
    made.subject.network[-1].bias.data[0] = torch.nan  # the first class would be the most probable one
    assert count_correct(made.subject, made.validation, CPU) == 0


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    good = goal(tmp_path)
    next(iter(finetune(good)))
    bad = goal(tmp_path)
    object.__setattr__(bad.subject, "prepare", lambda images: images * torch.nan)
    with pytest.raises(Diverged, match="step 1 of epoch 2"):
        list(finetune(bad))
    tensors, facts = bad.files.load(f"{bad.key}/unfinished")
    assert len(facts["history"]) == 1
    assert all(torch.isfinite(values).all() for values in tensors.values() if values.is_floating_point())


def test_another_recipe_does_not_take_up_the_old_run(tmp_path: Path) -> None:
    list(finetune(goal(tmp_path)))
    other = goal(tmp_path, TrainSpec(rates=((0.01, 1),), batch_size=16))
    assert len(outcome(other).history) == 1


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    made = goal(tmp_path)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CacheNotWritable, match="No space left"):
        list(finetune(made))


def test_runs_differ_by_seed_and_name() -> None:
    assert entropy("order", 1, "a", 0) != entropy("order", 1, "b", 0) != entropy("order", 2, "b", 0)


@pytest.mark.parametrize(("free", "fits"), [(2.0, True), (1.99, False)])
def test_images_stay_on_a_gpu_where_they_fit(monkeypatch: pytest.MonkeyPatch, free: float, fits: bool) -> None:
    """No GPU is asked: what would be sent there is only noted."""
    data, sent = photographs(10), []
    assert resident(data, CPU) is data
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(free * data.images.nbytes), 0))
    monkeypatch.setattr(TrainingImages, "to", lambda self, device: sent.append(device) or self)
    resident(data, torch.device("cuda"))
    assert sent == [torch.device("cuda")] * fits


def test_a_gpu_takes_convolutions_that_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    with repeatable(torch.device("cuda")):
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.benchmark
