"""Masks of levels: any granularity, scope and criterion, equal to the slow definition; what is gone
stays gone; nothing is emptied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.base.draws import numpy_generator, torch_generator
from core.base.errors import BadSpec, UnknownName
from core.disk.files import Files
from core.disk.sparse import unpack_sparse
from core.models.cards import Card, InputRule
from core.pruning.calibration import Calibration
from core.specs import PruningSpec, RetrainSpec, TrainSpec
from core.training.masks import Measured, Scored, check_amounts, level_mask, with_companions
from core.training.series import Material, key_of, run_series
from tests.reference import pruning as slow
from tests.reference.training import lowest_go
from tests.training.test_finetune import CPU, network, photographs

QUICK = TrainSpec(rates=((0.05, 1),), batch_size=16, noise=0.0)
NAMES = ("0.weight", "4.weight")


def tiny() -> Card:
    rule = InputRule(size_px=(12, 12), mean=(0.0,) * 3, std=(1.0,) * 3)
    return Card(
        build=network, target_layer="4", input=rule, classes=("red", "green", "blue"), weights={}, classifier="9.weight"
    )


def spec(scope: str = "layer", targets: tuple[float, ...] = (0.0, 0.5), **pruning: object) -> RetrainSpec:
    chosen = PruningSpec.one_shot(0.5, scope, excluded=("9.weight",), **pruning)
    return RetrainSpec(name="test", model="tiny@colours", pruning=chosen, targets=targets, first=QUICK, each=QUICK)


def weights(seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    state = dict(network().state_dict())
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(v.shape, generator=generator) if v.is_floating_point() else v for name, v in state.items()
    }


def calibration(state: dict[str, Tensor], seed: int = 0) -> Calibration:
    generator = torch.Generator().manual_seed(seed + 1)
    gradients = {name: torch.randn(state[name].shape, generator=generator) for name in NAMES}
    norms = {name: torch.rand(state[name].shape[1], generator=generator) for name in NAMES}
    return Calibration(gradients, norms, 4)


def slow_scores(criterion: str, state: dict[str, Tensor], found: Calibration) -> Callable[[str], Callable]:
    by_name = {
        "magnitude": lambda name: slow.mean_size(state[name]),
        "l2": lambda name: slow.root_mean_square(state[name]),
        "snip": lambda name: slow.mean_sensitivity(state[name], found.gradients[name]),
        "taylor": lambda name: slow.taylor(state[name], found.gradients[name]),
        "wanda": lambda name: slow.wanda(state[name], found.input_norms[name], 1),
    }
    return by_name[criterion]


@settings(deadline=None, max_examples=60)
@given(
    granularity=st.sampled_from(["weight", "kernel", "channel", "filter"]),
    scope=st.sampled_from(["layer", "global"]),
    criterion=st.sampled_from(["magnitude", "l2", "snip", "taylor", "wanda"]),
    steps=st.tuples(st.integers(1, 8), st.integers(1, 8)).map(sorted),
    seed=st.integers(0, 5),
)
def test_every_mask_equals_the_slow_definition(
    granularity: str, scope: str, criterion: str, steps: list[int], seed: int
) -> None:
    asked, gone = spec(scope, granularity=granularity, criterion=criterion), {}
    for place, step in enumerate(steps):  # two levels one after the other, the weights having moved in between
        state, share = weights(seed + place), f"0.{step}"
        state |= {name: state[name] * kept for name, kept in gone.items()}
        found = calibration(state, seed)
        expected = lowest_go(
            {name: state[name] for name in NAMES},
            gone,
            (granularity, scope, share),
            slow_scores(criterion, state, found),
        )
        mask = level_mask(asked, Scored(tiny(), state, gone, lambda found=found: found), float(share))
        assert mask.pop("9.weight").all()
        assert {name: kept.tolist() for name, kept in mask.items()} == {
            name: kept.tolist() for name, kept in expected.items()
        }
        assert not any((kept & ~gone[name]).any() for name, kept in mask.items() if name in gone)
        gone = mask


def test_what_is_gone_stays_gone_where_living_groups_score_nothing() -> None:
    """A weight that no gradient reaches scores 0, as a removed one does; it must not be taken for
    removed, nor a removed one come back.
    """
    state = weights()
    gone = {name: torch.rand(state[name].shape, generator=torch.Generator().manual_seed(2)) > 0.4 for name in NAMES}
    still = Calibration({name: torch.zeros_like(state[name]) for name in NAMES}, {}, 1)
    mask = level_mask(spec("layer", criterion="snip"), Scored(tiny(), state, gone, lambda: still), 0.6)
    for name in NAMES:
        assert not (mask[name] & ~gone[name]).any()
        assert int((~mask[name]).sum()) == slow.rounded_half_up("0.6", mask[name].numel())


def test_random_is_one_order_for_a_seed() -> None:
    state = weights()
    asked = [spec("layer", criterion="random", seed=seed, granularity="kernel") for seed in (1, 1, 2)]
    masks = [level_mask(each, Scored(tiny(), state), 0.5) for each in asked]
    drawn = torch.rand((6, 3, 1, 1), generator=torch_generator("random criterion", 1, "0.weight")).flatten().tolist()
    kept = slow.remove_lowest(drawn, 9)
    assert masks[0]["0.weight"][:, :, 0, 0].flatten().tolist() == kept
    assert all(torch.equal(masks[0][name], masks[1][name]) for name in NAMES)
    assert not torch.equal(masks[0]["4.weight"], masks[2]["4.weight"])


def test_a_pattern_takes_its_own_amount() -> None:
    state = weights()
    mask = level_mask(spec("layer", (0.0, 0.5), granularity="2:4"), Scored(tiny(), state), 0.5)
    for name in NAMES:
        for block in slow.pattern_groups(tuple(state[name].shape), 4):
            sizes = [abs(float(state[name][place])) for place in block]
            assert [bool(mask[name][place]) for place in block] == slow.remove_lowest(sizes, 2)


def test_lamp_is_scored_on_what_is_left() -> None:
    state = weights()
    mask = level_mask(spec("global", criterion="lamp"), Scored(tiny(), state), 0.7)
    sizes = {name: state[name].abs().flatten().tolist() for name in NAMES}
    scores = [score for name in NAMES for score in slow.lamp(sizes[name])]
    kept = slow.remove_lowest(scores, slow.rounded_half_up("0.7", len(scores)))
    assert torch.cat([mask[name].flatten() for name in NAMES]).tolist() == kept


def test_what_is_measured_is_measured_on_training_images() -> None:
    state, data = dict(network().state_dict()), photographs(80)
    asked = spec("layer", criterion="snip")
    found = Measured(asked, tiny(), data, CPU).of(state, 3)()
    rows = torch.from_numpy(numpy_generator("calibration", 0, "test", 3).permutation(80)[:64])
    model = network().eval()
    F.cross_entropy(model(data.images[rows].float() / 255), data.labels[rows]).backward()
    for name in NAMES:
        assert torch.allclose(found.gradients[name], model.get_parameter(name).grad, atol=1e-5)
    assert found.images == 64


def test_images_that_are_not_there_are_said() -> None:
    with pytest.raises(BadSpec, match="measured on images"):
        level_mask(spec("layer", criterion="snip"), Scored(tiny(), weights()), 0.5)
    with pytest.raises(UnknownName):
        level_mask(
            replace(spec(), pruning=replace(spec().pruning, criterion="nothing")), Scored(tiny(), weights()), 0.5
        )
    with pytest.raises(UnknownName, match=r"10\.weight"):
        level_mask(
            replace(spec(), pruning=replace(spec().pruning, excluded=("10.weight",))), Scored(tiny(), weights()), 0.5
        )


# --- a schedule that leaves no weight


@pytest.mark.parametrize(
    ("scope", "granularity", "target"),
    [("layer", "filter", 0.95), ("layer", "weight", 0.9999), ("global", "channel", 0.99)],
)
def test_a_schedule_that_leaves_no_weight_is_refused_at_once(
    tmp_path: Path, scope: str, granularity: str, target: float
) -> None:
    asked = spec(scope, (0.0, target), granularity=granularity)
    made = Material(tiny(), dict(network().state_dict()), photographs(20), photographs(10, 1), CPU, Files(tmp_path))
    with pytest.raises(BadSpec, match="would leave no weight"):
        next(iter(run_series(asked, made)))
    assert made.files.keys() == []
    with pytest.raises(BadSpec, match="would leave no weight"):
        level_mask(asked, Scored(tiny(), weights()), 0.9999)


def test_every_layer_excluded_is_no_series() -> None:
    every = PruningSpec.one_shot(0.5, "layer", excluded=("0.weight", "4.weight", "9.weight"))
    with pytest.raises(BadSpec, match="Every layer is excluded"):
        check_amounts(replace(spec(), pruning=every), tiny())


@settings(deadline=None, max_examples=30)
@given(scope=st.sampled_from(["layer", "global"]), granularity=st.sampled_from(["weight", "kernel", "filter", "1:4"]))
def test_amounts_that_leave_something_are_let_through(scope: str, granularity: str) -> None:
    check_amounts(spec(scope, (0.0, 0.75), granularity=granularity), tiny())


# --- what goes with whole filters


def test_bias_and_batch_norm_go_with_a_whole_filter_and_only_then() -> None:
    state = weights()
    for granularity in ("filter", "kernel"):
        asked = spec("layer", granularity=granularity)
        mask = level_mask(asked, Scored(tiny(), state), 0.5)
        whole = with_companions(asked, tiny(), mask)
        alive = {name: mask[name].flatten(1).any(1) for name in NAMES}
        if granularity == "kernel":
            assert set(whole) == set(mask)
            continue
        assert torch.equal(whole["1.weight"], alive["0.weight"])
        assert torch.equal(whole["1.bias"], alive["0.weight"])
        assert torch.equal(whole["4.bias"], alive["4.weight"])
        assert whole["9.bias"].all()


def test_a_pruned_filter_answers_zero_after_training(tmp_path: Path) -> None:
    asked = spec("layer", granularity="filter")
    made = Material(tiny(), dict(network().state_dict()), photographs(40), photographs(10, 1), CPU, Files(tmp_path))
    list(run_series(asked, made))
    state, mask = unpack_sparse(made.files.load(key_of(asked, 1))[0])
    model = network()
    model.load_state_dict(state)
    model.eval()
    heard: list[Tensor] = []
    model.get_submodule("1").register_forward_hook(lambda module, inputs, output: heard.append(output))
    model(torch.rand(2, 3, 12, 12))
    gone = ~mask["0.weight"].flatten(1).any(1)
    assert int(gone.sum()) == 3
    assert (heard[0][:, gone] == 0).all()
    assert (heard[0][:, ~gone] != 0).any()


def test_groups_of_a_grouped_convolution() -> None:
    rule = InputRule(size_px=(8, 8), mean=(0.0,) * 4, std=(1.0,) * 4)
    build = lambda: nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))  # noqa: E731
    card = Card(build=build, target_layer="0", input=rule, classes=("a", "b"), weights={}, classifier="3.weight")
    chosen = PruningSpec.one_shot(0.5, "layer", granularity="channel", excluded=("3.weight",))
    asked = RetrainSpec(name="g", model="g@g", pruning=chosen, targets=(0.0, 0.5), first=QUICK, each=QUICK)
    state = {name: torch.randn(shape) for name, shape in card.shapes.items()}
    first = level_mask(asked, Scored(card, state), 0.25)
    then = level_mask(asked, Scored(card, state, first), 0.5)
    groups = slow.groups_of((6, 2, 3, 3), "channel", 2)
    for mask, count in ((first, 1), (then, 2)):
        emptied = [group for group in groups if not any(bool(mask["0.weight"][place]) for place in group)]
        assert len(emptied) == count
        assert int((~mask["0.weight"]).sum()) == count * len(groups[0])
