"""Questions: their keys are pinned, wrong values are refused with words a person understands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadSpec, UnknownName
from core.base.registry import Registry
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, TrainSpec, VariantSpec


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (ModelSpec(), "thesis-cnn/mnist-55000/seed-333"),
        (PruningSpec(), "dense"),
        (PruningSpec.one_shot(0.895), "one-shot/weight-global-magnitude/0.895000"),
        (PruningSpec.one_shot(0.984375, scope="layer"), "one-shot/weight-layer-magnitude/0.984375"),
        (PruningSpec.one_shot(0.5, criterion="random", seed=3), "one-shot/weight-global-random-s3/0.500000"),
        (PruningSpec.at_level(7), "iterative-reset/level-07"),
        (VariantSpec(pruning=PruningSpec.at_level(25)), "thesis-cnn/mnist-55000/seed-333/iterative-reset/level-25"),
        (ImageRef(name="17"), "digits/17+noise-0.2-s0"),
        (ImageRef(source="own", name="0123456789abcdef", noise=0), "own/0123456789abcdef"),
        (DataSpec(), "digits"),
        (DataSpec(noise=0.2, noise_seed=1), "digits+noise-0.2-s1"),
        (CamSpec(), "grad-cam@default>dense"),
        (CamSpec(method="grad-cam", layer="conv1", target=3), "grad-cam@conv1>3"),
    ],
)
def test_keys_are_pinned(spec: object, key: str) -> None:
    assert spec.key == key


def test_equal_shares_are_one_key() -> None:
    assert PruningSpec.one_shot(0.3) == PruningSpec.one_shot(0.1 + 0.2)


@given(st.floats(0, 1))
def test_a_sparsity_survives_its_key(sparsity: float) -> None:
    spec = PruningSpec.one_shot(sparsity)
    assert float(spec.key.rsplit("/", 1)[1]) == spec.sparsity


@given(st.floats().filter(lambda value: math.isnan(value) or not 0 <= value <= 1))
def test_other_sparsities_are_refused(sparsity: float) -> None:
    with pytest.raises(BadSpec, match="share from 0 to 1"):
        PruningSpec.one_shot(sparsity)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PruningSpec(schedule="one-shot"),
        lambda: PruningSpec(schedule="iterative-reset", sparsity=0.5),
        lambda: PruningSpec(sparsity=0.5),
        lambda: PruningSpec.at_level(-1),
        lambda: PruningSpec.at_level(2.5),
        lambda: PruningSpec(schedule="gradual"),
        lambda: PruningSpec.one_shot(0.5, scope="galaxy"),
        lambda: ImageRef(noise=float("nan")),
        lambda: ImageRef(noise_seed=-1),
        lambda: DataSpec(noise=2),
        lambda: CamSpec(target="mine"),
        lambda: CamSpec(target=-1),
    ],
)
def test_impossible_questions_are_refused(make) -> None:
    with pytest.raises(BadSpec):
        make()


def test_a_variant_knows_its_dense_network() -> None:
    assert VariantSpec(pruning=PruningSpec.at_level(3)).dense == VariantSpec()


def test_epoch_rates_follow_the_order() -> None:
    assert TrainSpec(rates=((0.1, 2), (0.01, 1))).epoch_rates == (0.1, 0.1, 0.01)


def test_a_registry_suggests_the_nearest_name() -> None:
    things: Registry[int] = Registry("thing")
    things.register("alpha", "Alpha", "First.")(1)
    assert things["alpha"].value == 1
    assert "alpha" in things
    assert "beta" not in things
    with pytest.raises(UnknownName, match="Did you mean 'alpha'"):
        things["alfa"]
    with pytest.raises(ValueError, match="twice"):
        things.register("alpha", "Alpha", "Again.")(2)


@pytest.mark.parametrize("value", [None, "a half", "0.5", True, float("nan"), float("inf"), [0.5], 10**400])
def test_what_is_no_number_is_no_amount(value: object) -> None:
    with pytest.raises(BadSpec):
        PruningSpec.one_shot(value)
    with pytest.raises(BadSpec):
        PruningSpec.at_level(value)
    with pytest.raises(BadSpec):
        CamSpec(target=value)


def test_a_row_may_be_a_number_and_one_name_is_no_list() -> None:
    assert ImageRef(name=3500) == ImageRef(name="3500")
    with pytest.raises(BadSpec, match="tuple of names"):
        PruningSpec.one_shot(0.5, excluded="fc.weight")


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"batch_size": -4},
        {"batch_size": 1.5},
        {"patience": -1},
        {"momentum": float("nan")},
        {"weight_decay": -1},
    ],
)
def test_recipes_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(BadSpec, match="cannot be used"):
        TrainSpec(rates=((0.1, 1),), **wrong)
