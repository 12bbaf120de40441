"""The address of a network is read as the same network."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from core.engine.engine import Engine
from core.specs import CamSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.address import has_address, query_of, read_address

EFFICIENT = ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0)
MERKLE = ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-global", seed=0)


@pytest.mark.parametrize(
    "variant",
    [
        VariantSpec(model=ModelSpec(seed=334), pruning=PruningSpec.at_level(7)),
        VariantSpec(model=ModelSpec(), pruning=PruningSpec.one_shot(0.7, "layer", "random")),
        VariantSpec(model=ModelSpec(), pruning=PruningSpec.one_shot(0.3, excluded=("fc.weight",))),
        VariantSpec(model=ModelSpec(), pruning=PruningSpec.one_shot(0.3, overrides=(("conv1.weight", 0.25),))),
        VariantSpec(model=EFFICIENT, pruning=PruningSpec.one_shot(0.2, granularity="filter", repair="batch-norm")),
        VariantSpec(model=MERKLE, pruning=PruningSpec.at_level(3, "retrained")),
    ],
    ids=lambda variant: variant.pruning.key,
)
def test_it_leads_to_the_network(variant: VariantSpec, tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    layer = engine.card(variant.model).target_layer
    for cam in (CamSpec(method="layer-cam", layer=layer, target="own"), CamSpec(method="grad-cam", layer=layer)):
        query = query_of(variant, cam)
        found = read_address(f"explore?{urlencode(query)}", engine.catalogue)
        assert found.variant.model == variant.model
        assert found.variant.pruning.family == variant.pruning.family
        assert found.cam == cam
        amounts = {name: text for name, text in query if name in ("level", "sparsity")}
        asked = variant.pruning
        level, share = asked.level, asked.sparsity
        assert amounts == ({"level": str(level)} if share is None else {"sparsity": f"{100 * share:g}"})


@pytest.mark.parametrize(
    ("variant", "reference"),
    [
        (VariantSpec(model=ModelSpec(), pruning=PruningSpec.at_level(7)), VariantSpec(model=ModelSpec(seed=334))),
        (VariantSpec(model=ModelSpec(), pruning=PruningSpec.one_shot(0.7, "layer")), VariantSpec(model=EFFICIENT)),
        (VariantSpec(model=EFFICIENT), VariantSpec(model=EFFICIENT, pruning=PruningSpec.one_shot(0.2, "layer"))),
        (VariantSpec(model=EFFICIENT), VariantSpec(model=EFFICIENT)),
    ],
)
def test_it_leads_to_the_reference(variant: VariantSpec, reference: VariantSpec, tmp_path: Path) -> None:
    catalogue = Engine("cpu", tmp_path).catalogue
    assert has_address(variant, catalogue, reference)
    found = read_address(f"explore?{urlencode(query_of(variant, reference=reference))}", catalogue)
    assert found.reference == (None if reference == variant.dense else reference)


def test_what_no_address_can_say_has_none(tmp_path: Path) -> None:
    """A link would open another network without a word."""
    catalogue = Engine("cpu", tmp_path).catalogue
    chance = PruningSpec.one_shot(0.5, "global", "random", seed=3)
    assert not has_address(VariantSpec(model=ModelSpec(), pruning=chance), catalogue)
    assert not has_address(VariantSpec(model=ModelSpec(weights="mnist-60000")), catalogue)
    assert has_address(VariantSpec(model=ModelSpec(seed=334)), catalogue)
    unnamed = VariantSpec(model=ModelSpec(), pruning=PruningSpec.one_shot(0.5, excluded=("fc.weight",)))
    assert not has_address(VariantSpec(model=ModelSpec(seed=334)), catalogue, unnamed)
    assert has_address(VariantSpec(model=MERKLE, pruning=PruningSpec.at_level(3, "retrained")), catalogue)
