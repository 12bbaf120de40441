"""Baselines are the same on every run and know of the network only what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core import Engine, VariantSpec
from core.base.errors import UnknownName
from core.saliency.baselines import BASELINES, heatmap_title, mapped_by, network_of_maps, randomised
from core.saliency.cams import CAMS
from core.specs import CamSpec, PruningSpec

IMAGES = torch.rand(3, 3, 40, 60, generator=torch.Generator().manual_seed(0))
ROWS = torch.tensor([4, 7, 9])
DRAWN = {name: entry.value.draw for name, entry in BASELINES.items() if entry.value.draw}


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_map_depends_on_its_own_image_and_row_only(name: str) -> None:
    whole = DRAWN[name](IMAGES, ROWS)
    assert whole.shape[0] == 3
    assert (whole >= 0).all()
    for at in range(3):
        assert torch.equal(DRAWN[name](IMAGES[at : at + 1], ROWS[at : at + 1])[0], whole[at])


def test_the_blob_is_brightest_in_the_middle_and_symmetric() -> None:
    blob = DRAWN["centre-blob"](IMAGES, ROWS)[0]
    assert torch.allclose(blob, blob.flip(0))
    assert torch.allclose(blob, blob.flip(1))
    assert blob.argmax() == 19 * 60 + 29
    assert float(blob[20, 44]) == pytest.approx(
        float(torch.exp(torch.tensor(-(14.5**2 / 15**2 + 0.05**2) / 2))), abs=1e-3
    )


def test_edges_are_where_the_brightness_changes() -> None:
    step = torch.zeros(1, 3, 32, 32)
    step[..., 16:] = 1
    found = DRAWN["edges"](step, ROWS[:1])[0]
    assert set(found.argmax(dim=1).tolist()) <= {15, 16}
    assert not DRAWN["edges"](torch.ones(1, 3, 32, 32), ROWS[:1]).any()


def test_a_random_map_differs_from_image_to_image() -> None:
    first, second, _ = DRAWN["random-map"](IMAGES, ROWS)
    assert first.shape == (7, 7)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_randomised_weights_keep_their_values_and_what_was_pruned(engine: Engine, share: float) -> None:
    variant = VariantSpec(pruning=PruningSpec.one_shot(0.5))
    with engine.store.borrow(variant) as network:
        before = {name: values.clone() for name, values in network.state_dict().items()}
        changed = dict(randomised(network, share).named_parameters())
        again = dict(randomised(network, share).named_parameters())
        assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in changed))
    touched = layers[-max(1, int(np.ceil(share * len(layers)))) :]
    for name, values in changed.items():
        assert torch.equal(values, again[name])
        assert torch.equal(values.flatten().sort().values, before[name].flatten().sort().values)
        assert torch.equal(values == 0, before[name] == 0)
        if name.endswith("weight"):
            assert torch.equal(values, before[name]) == (name.rpartition(".")[0] not in touched)


def test_every_heatmap_has_a_title_and_unknown_ones_are_refused() -> None:
    assert heatmap_title("centre-blob") == "Centre blob"
    assert heatmap_title("grad-cam") == CAMS["grad-cam"].title
    assert not set(BASELINES) & set(CAMS)
    with pytest.raises(UnknownName, match="centre-blob"):
        heatmap_title("center-blob")


def test_a_baseline_stands_beside_the_same_layer_and_class() -> None:
    assert mapped_by(CamSpec(method="edges", layer="conv2", target="own")) == CamSpec(layer="conv2", target="own")
    assert mapped_by(CamSpec(method="hires-cam")) == CamSpec(method="hires-cam")
    network = nn.Linear(2, 2)
    assert network_of_maps(network, CamSpec(method="edges")) is network
    assert network_of_maps(network, None) is network
