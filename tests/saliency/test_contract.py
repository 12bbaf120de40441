"""What every CAM method in the registry keeps to."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.saliency import CAMS, fixed_classes, normalise, own_class, saliency_maps
from core.saliency.external import CELLS_SQUARED, TEXTS
from core.specs import NO_ANSWER
from tests.saliency.networks import Fails, digits, state_of, thesis_cnn

EVERY = pytest.mark.parametrize("name", list(CAMS))


def few() -> Tensor:
    return digits()[::6]


def with_a_first_layer(model: nn.Module, first: nn.Module) -> nn.Module:
    return nn.Sequential(first, model)


@EVERY
@pytest.mark.parametrize("layer_name", ["conv2", "relu1"])
def test_answers_one_map_an_image(name: str, layer_name: str) -> None:
    batch = saliency_maps(thesis_cnn(), few(), name, layer_name, own_class)
    assert batch.maps.shape == ((5, 11, 11) if layer_name == "conv2" else (5, 26, 26))
    assert batch.maps.dtype == torch.float32
    assert not batch.maps.requires_grad
    assert torch.isfinite(batch.maps).all()
    assert batch.maps.min() >= 0
    assert batch.logits.shape == (5, 10)
    assert torch.equal(batch.targets, batch.logits.argmax(1))


@EVERY
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_leaves_the_model_and_the_images_alone(name: str, training: bool, frozen: bool) -> None:
    model, images = thesis_cnn().train(training).requires_grad_(not frozen), few().clone()
    before = state_of(model)
    saliency_maps(model, images, name, "conv2", own_class)
    assert state_of(model) == before
    assert torch.equal(images, few())
    assert not images.requires_grad


@EVERY
@pytest.mark.parametrize("from_pass", [1, 2, 3])
@pytest.mark.parametrize("where", ["before", "after"])
def test_leaves_the_model_alone_after_an_error(name: str, from_pass: int, where: str) -> None:
    model, fails = thesis_cnn().train(), Fails(from_pass)
    model, layer_name = (with_a_first_layer(model, fails), "1.conv2") if where == "before" else (model, "conv2")
    if where == "after":
        model.pool2 = nn.Sequential(fails, model.pool2)
    before = state_of(model)
    if CAMS[name].facts["cost"] == "many passes" or from_pass == 1:
        with pytest.raises(RuntimeError, match="meant to fail"):
            saliency_maps(model, few(), name, layer_name, own_class)
    else:
        saliency_maps(model, few(), name, layer_name, own_class)
    assert state_of(model) == before


@EVERY
def test_cost_is_what_it_says(name: str) -> None:
    counter = Fails(from_pass=10**9)
    saliency_maps(with_a_first_layer(thesis_cnn(), counter), few(), name, "1.conv2", own_class)
    assert CAMS[name].facts["cost"] == ("one pass" if counter.passes == 1 else "many passes")


@EVERY
def test_depends_on_the_class_if_it_says_so(name: str) -> None:
    zeros, ones = (
        saliency_maps(thesis_cnn(1), few(), name, "relu2", fixed_classes(torch.full((5,), c))).maps for c in (0, 1)
    )
    assert torch.allclose(zeros, ones, atol=1e-6) == (CAMS[name].facts["by_class"] == "no")


@EVERY
def test_does_not_depend_on_the_batch_and_is_repeatable(name: str) -> None:
    model = thesis_cnn()
    together = saliency_maps(model, few(), name, "conv2", own_class).maps
    assert torch.equal(saliency_maps(model, few(), name, "conv2", own_class).maps, together)
    one_by_one = torch.cat([saliency_maps(model, few()[i : i + 1], name, "conv2", own_class).maps for i in range(5)])
    torch.testing.assert_close(one_by_one, together, atol=1e-5, rtol=1e-5)


@EVERY
def test_works_with_an_in_place_relu_after_the_layer(name: str) -> None:
    model = thesis_cnn(inplace=True)
    before = state_of(model)
    maps = saliency_maps(model, few(), name, "conv2", own_class).maps
    torch.testing.assert_close(
        maps, saliency_maps(thesis_cnn(), few(), name, "conv2", own_class).maps, atol=1e-4, rtol=1e-3
    )
    assert state_of(model) == before


@EVERY
@pytest.mark.parametrize("kept", [0.0, 0.02])
def test_a_nearly_dead_network_gives_maps_or_says_why_not(name: str, kept: float) -> None:
    model = thesis_cnn(kept=kept)
    with torch.no_grad():
        for layer in (model.conv1, model.conv2, model.fc):
            layer.bias.zero_()
            if kept == 0.0:
                layer.weight.zero_()
    batch = saliency_maps(model, few(), name, "conv2", own_class)
    heatmaps, states = normalise(batch.maps, (28, 28))
    assert torch.isfinite(heatmaps).all()
    if kept == 0.0:
        assert set(states) <= {"empty", "invalid"}  # there is no evidence; Ablation-CAM divides by a logit of zero
        assert not heatmaps.any()


@EVERY
def test_numbers_that_overflow_are_flagged(name: str) -> None:
    images = few().clone()
    images[1] = torch.nan
    batch = saliency_maps(thesis_cnn(), images, name, "conv2", own_class)
    states = normalise(batch.maps, (28, 28))[1]
    assert states[1] == "invalid"
    assert batch.targets[1] == NO_ANSWER
    healthy = saliency_maps(thesis_cnn(), few(), name, "conv2", own_class).maps
    torch.testing.assert_close(batch.maps[[0, 2, 3, 4]], healthy[[0, 2, 3, 4]], atol=1e-5, rtol=1e-5)


@EVERY
def test_is_described(name: str) -> None:
    entry = CAMS[name]
    assert entry.title
    assert entry.title.lower() == name
    assert entry.summary.endswith(".")
    assert entry.source
    assert entry.facts["cost"] in ("one pass", "many passes")
    assert entry.facts["by_class"] in ("yes", "no")


@pytest.mark.parametrize("class_name", sorted(CELLS_SQUARED))
def test_refuses_a_matrix_that_would_not_fit(class_name: str) -> None:
    big = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    with pytest.raises(BadSpec, match="would need"):
        saliency_maps(big, torch.rand(1, 1, 65, 65), TEXTS[class_name][0].lower(), "0", own_class)
