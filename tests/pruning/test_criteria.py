"""Each criterion equals its slow definition from the paper, at every granularity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.base.errors import BadSpec, UnknownName
from core.pruning import CRITERIA
from core.pruning.groups import conv_groups, group_shape, whole
from core.pruning.index import PruningIndex
from core.pruning.scores import Evidence
from core.specs import PruningSpec
from tests.pruning.small import FIXED, evidence, measured, scores, small, small_weights
from tests.reference import pruning as slow

Groups = list[list[slow.Place]]


def each(score: Callable[[list[slow.Place]], float], groups: Groups) -> list[float]:
    return [score(group) for group in groups]


def by_l1(name: str, weight: Tensor, groups: Groups) -> list[float]:
    return each(slow.mean_size(weight), groups)


def by_l2(name: str, weight: Tensor, groups: Groups) -> list[float]:
    return each(slow.root_mean_square(weight), groups)


def by_lamp(name: str, weight: Tensor, groups: Groups) -> list[float]:
    return [score**0.5 for score in slow.lamp(by_l2(name, weight, groups))]


def by_snip(name: str, weight: Tensor, groups: Groups) -> list[float]:
    return each(slow.mean_sensitivity(weight, measured().gradients[name]), groups)


def by_taylor(name: str, weight: Tensor, groups: Groups) -> list[float]:
    return each(slow.taylor(weight, measured().gradients[name]), groups)


def by_wanda(name: str, weight: Tensor, groups: Groups) -> list[float]:
    return each(slow.wanda(weight, measured().input_norms[name], conv_groups(small()).get(name, 1)), groups)


SLOW = {"magnitude": by_l1, "l2": by_l2, "lamp": by_lamp, "snip": by_snip, "taylor": by_taylor, "wanda": by_wanda}


def test_every_criterion_but_the_control_has_a_slow_twin() -> None:
    assert {*SLOW, "random"} == set(CRITERIA)


@pytest.mark.parametrize("granularity", [*FIXED, "2:4"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_memory_of_an_index_is_known_before_it_is_built(criterion: str, granularity: str) -> None:
    share = None if ":" in granularity else 0.5
    pruning = PruningSpec.one_shot(share, "global", criterion, granularity=granularity, seed=7)
    blank = {name: torch.empty(values.shape, device="meta") for name, values in small_weights().items()}
    given = evidence(granularity)
    expected = PruningIndex.expected_bytes(pruning, replace(given, weights=blank, calibration=None))
    found = PruningIndex.of(pruning, given).scores
    own = [values.nbytes for name, values in found.items() if values.data_ptr() != given.weights[name].data_ptr()]
    assert expected == sum(own)


@pytest.mark.parametrize("granularity", FIXED)
@pytest.mark.parametrize("criterion", SLOW)
def test_scores_equal_the_slow_definition(criterion: str, granularity: str) -> None:
    found = scores(criterion, granularity)
    for name, weight in small_weights().items():
        groups = slow.groups_of(tuple(weight.shape), granularity, conv_groups(small()).get(name, 1))
        expected = torch.tensor(SLOW[criterion](name, weight, groups))
        assert (found[name] >= 0).all()
        assert found[name].flatten() == pytest.approx(expected, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("granularity", FIXED)
@pytest.mark.parametrize("criterion", CRITERIA)
def test_scores_have_the_shape_of_the_groups_and_fit_the_weights(criterion: str, granularity: str) -> None:
    found = scores(criterion, granularity)
    for name, weight in small_weights().items():
        assert found[name].shape == group_shape(weight, granularity, conv_groups(small()).get(name, 1))
        assert whole(found[name] > 0, tuple(weight.shape)).shape == weight.shape


@given(st.lists(st.sampled_from([0.0, 0.5, -0.5, 1.0, 3.0, 1e-20, 1e18]), min_size=1, max_size=30))
def test_lamp_with_ties_zeros_and_extremes(values: list[float]) -> None:
    found = CRITERIA["lamp"].value(Evidence({"w": torch.tensor(values).view(-1, 1)}))["w"].flatten()
    sizes = [abs(float(torch.tensor(value))) for value in values]
    assert [float(score) for score in found] == pytest.approx(
        [score**0.5 for score in slow.lamp(sizes)], rel=1e-4, abs=1e-30
    )


def test_lamp_keeps_the_largest_of_every_layer() -> None:
    weights = {"small": torch.full((3, 4), 1e-6), "large": torch.full((30, 40), 5.0)}
    mask = PruningIndex.of(PruningSpec.one_shot(0.99, criterion="lamp"), Evidence(weights)).mask(0.99)
    assert all(bool(kept.any()) for kept in mask.values())
    # Magnitude empties it.
    assert not PruningIndex.of(PruningSpec.one_shot(0.99), Evidence(weights)).mask(0.99)["small"].any()


def test_tiny_weights_keep_their_order_in_l2() -> None:
    weights = {"w": torch.tensor([[1e-30, 1e-30], [2e-30, 1e-30], [1.0, 1.0]])}
    found = CRITERIA["l2"].value(Evidence(weights, "filter"))["w"].flatten()
    assert found[2] > found[1] >= found[0]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_large_filter_is_not_kept_for_being_large(criterion: str) -> None:
    """The same values in a group four times as large score the same (random scores differ, but not
    with size).
    """
    if CRITERIA[criterion].facts["needs"] == "weights" and criterion != "random":
        found = CRITERIA[criterion].value(
            Evidence({"a": torch.full((1, 2, 3, 3), 0.5), "b": torch.full((1, 8, 3, 3), 0.5)}, "filter")
        )
        assert float(found["a"]) == pytest.approx(float(found["b"]))
    else:
        pieces = {"a": torch.ones(500, 2), "b": torch.ones(500, 8)}
        mean = {
            name: float(values.mean()) for name, values in CRITERIA["random"].value(Evidence(pieces, "filter")).items()
        }
        assert mean["a"] == pytest.approx(mean["b"], abs=0.1)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_only_criteria_that_say_so_ask_for_images(criterion: str) -> None:
    pruning, evidence = PruningSpec.one_shot(0.5, criterion=criterion), Evidence(small_weights())
    if CRITERIA[criterion].facts["needs"] == "images":
        with pytest.raises(BadSpec, match="images"):
            PruningIndex.of(pruning, evidence)
    else:
        assert PruningIndex.of(pruning, evidence).mask(0.5)


def test_an_unknown_criterion_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="'lamp'"):
        PruningIndex.of(PruningSpec.one_shot(0.5, criterion="lampe"), Evidence(small_weights()))
