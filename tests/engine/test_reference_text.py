"""References as text of an address or of the command line."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Engine, PruningSpec, VariantSpec
from core.base.errors import BadSpec, SparsightError, UnknownName
from core.engine.reference_text import read_reference, write_reference
from core.specs import ModelSpec

FILTERS = PruningSpec.one_shot(0.3, granularity="filter")
PATTERN = PruningSpec.one_shot(None, "layer", granularity="2:4")
LITE = ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0)
prunings = st.one_of(
    st.just(PruningSpec()),
    st.integers(0, 25).map(PruningSpec.at_level),
    st.builds(
        lambda share, scope, criterion, granularity: PruningSpec.one_shot(
            None if ":" in granularity else share / 1000, scope, criterion, granularity=granularity
        ),
        st.integers(0, 1000),
        st.sampled_from(["global", "layer"]),
        st.sampled_from(["magnitude", "random"]),
        st.sampled_from(["weight", "filter", "2:4"]),
    ),
)
models = st.sampled_from([ModelSpec(), ModelSpec(seed=334), ModelSpec(weights="mnist-60000", seed=335)])
networks = st.builds(VariantSpec, model=models, pruning=prunings)


@given(networks, networks)
def test_a_reference_is_read_as_it_was_written(engine: Engine, variant: VariantSpec, reference: VariantSpec) -> None:
    text = write_reference(variant, reference)
    found = read_reference(text, variant, engine.catalogue)
    assert (found or variant.dense) == reference
    assert (text == "dense") == (reference == variant.dense)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dense", None),
        ("seed.334", VariantSpec(model=ModelSpec(seed=334))),
        ("level.3", VariantSpec(pruning=PruningSpec.at_level(3))),
        ("sparsity.30", VariantSpec(pruning=PruningSpec.one_shot(0.3, "layer", "random"))),
        ("seed.335,level.0", VariantSpec(model=ModelSpec(seed=335), pruning=PruningSpec.at_level(0))),
        ("sparsity.30,way.filter-global-magnitude", VariantSpec(pruning=FILTERS)),
        ("seed.334,way.2:4-layer-magnitude", VariantSpec(model=ModelSpec(seed=334), pruning=PATTERN)),
        ("model.thesis-cnn/mnist-60000", VariantSpec(model=ModelSpec(weights="mnist-60000"))),
        ("model.efficientnet-lite0", VariantSpec(model=LITE)),
        ("model.squeezenet1_1/random/7", VariantSpec(model=ModelSpec(name="squeezenet1_1", weights="random", seed=7))),
    ],
)
def test_what_a_text_omits_is_that_of_the_network(engine: Engine, text: str, expected: VariantSpec | None) -> None:
    variant = VariantSpec(pruning=PruningSpec.one_shot(0.7, "layer", "random"))
    assert read_reference(text, variant, engine.catalogue) == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BadSpec),
        ("dens", BadSpec),
        ("level.3,level.4", BadSpec),
        ("level.3,seed.334", BadSpec),
        ("seed.334,model.thesis-cnn", BadSpec),
        ("sparsity.101", BadSpec),
        ("sparsity.nan", BadSpec),
        ("sparsity.", BadSpec),
        ("way.filter-global-magnitude", BadSpec),
        ("sparsity.30,way.2:4-global-magnitude", BadSpec),
        ("way.2:4-global-magnitude,sparsity.30", BadSpec),
        ("level.3,way.2:4-global-magnitude", BadSpec),
        ("sparsity.30,way.filter", UnknownName),
        ("sparsity.30,way.filter-here-magnitude", BadSpec),
        ("seed.336", UnknownName),
        ("seed.-1", UnknownName),
        ("level.26", UnknownName),
        ("level.x", UnknownName),
        ("model.thesis-cnns", UnknownName),
        ("model.thesis-cnn/mnist", UnknownName),
        ("model.thesis-cnn/mnist-60000/1", UnknownName),
        ("model.efficientnet-lite0,level.1", UnknownName),
    ],
)
def test_another_text_is_refused(engine: Engine, text: str, error: type[SparsightError]) -> None:
    with pytest.raises(error):
        read_reference(text, VariantSpec(), engine.catalogue)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(engine: Engine, text: str) -> None:
    with suppress(SparsightError):  # nothing else
        assert read_reference(text, VariantSpec(), engine.catalogue) in (None, VariantSpec())


@pytest.mark.parametrize(
    "more", [{"excluded": ("fc.weight",)}, {"repair": "batch-norm"}, {"seed": 3}, {"overrides": (("fc.weight", 0.5),)}]
)
def test_what_a_text_cannot_say_has_none(more: dict[str, Any]) -> None:
    with pytest.raises(BadSpec):
        write_reference(VariantSpec(), VariantSpec(pruning=PruningSpec.one_shot(0.7, "layer", "random", **more)))
