"""A second opinion must be able to disagree: the two methods of a pair never coincide, on any
architecture.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.engine.engine import Engine
from core.measures.similarity import pearson
from core.models.zoo import default_model, named
from core.saliency import CAMS, NEGATIVE_LIMIT, own_class, saliency_maps, second_method, second_methods
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from tests.saliency.networks import digits, thesis_cnn

# Architectures whose last layers differ: fully connected, after pooling, ReLU6, SiLU, batch norm,
# layer norm, concatenation.
ARCHITECTURES = (
    "thesis-cnn",
    "efficientnet-lite0",
    "resnet18",
    "densenet121",
    "squeezenet1_1",
    "efficientnet_b0",
    "convnext_tiny",
)
METHODS = ("grad-cam", "grad-cam++")
COINCIDE = 0.999


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return named(name).build().eval()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_two_methods_of_a_pair_do_not_coincide(name: str) -> None:
    found = named(name)
    images = torch.rand(2, *found.input_shape, generator=torch.Generator().manual_seed(0))
    for method in METHODS:
        made = saliency_maps(network(name), images, method, found.target_layer, own_class, second_methods(method))
        for image in range(len(images)):
            second = made.others[second_method(method, float(made.negative_share[image]))]
            agreement = pearson(made.maps[image : image + 1], second[image : image + 1])
            assert not agreement > COINCIDE  # an empty map cannot agree at all


def test_on_real_weights_too(engine: Engine) -> None:
    """Where pooling and a linear layer follow, Grad-CAM and HiRes-CAM are one method; the pair that
    is asked is not.
    """
    model = default_model("efficientnet-lite0")
    found = named(model.name)
    pixels = torch.from_numpy(engine.picture(ImageRef(source="gallery", name="coffee"), model).seen.copy()).permute(
        2, 0, 1
    )
    others = ("hires-cam", *second_methods("grad-cam"))
    made = engine.store.use(
        VariantSpec(model=model),
        lambda lent: saliency_maps(
            lent.network, found.input(pixels[None]), "grad-cam", found.target_layer, own_class, others
        ),
    )
    assert float(made.negative_share) == 0.0
    assert pearson(made.maps, made.others["hires-cam"]) > 0.99999
    assert pearson(made.maps, made.others["layer-cam"]) < COINCIDE


def test_the_share_of_negative_values_is_counted() -> None:
    model, images = thesis_cnn(), digits()[:4]
    before = saliency_maps(model, images, "grad-cam", "conv2", own_class).negative_share
    after = saliency_maps(model, images, "grad-cam", "relu2", own_class).negative_share
    with torch.no_grad():
        counted = torch.stack([(model[:4](image[None]) < 0).float().mean() for image in images])
    torch.testing.assert_close(before, counted)
    assert not after.any()
    assert (before > NEGATIVE_LIMIT).all()


def test_several_methods_of_one_pass_are_those_of_passes_of_their_own() -> None:
    names = [name for name, entry in CAMS.items() if entry.facts["made_by"] == "Sparsight"]
    together = saliency_maps(thesis_cnn(), digits()[:3], names[0], "relu2", own_class, names[1:])
    for name in names[1:]:
        alone = saliency_maps(thesis_cnn(), digits()[:3], name, "relu2", own_class)
        torch.testing.assert_close(together.others[name], alone.maps)


def test_every_method_says_what_negative_values_do_to_it() -> None:
    unsound = {name for name, entry in CAMS.items() if entry.facts["negative"]}
    assert {"grad-cam++", "xgrad-cam", "fem"} <= unsound
    assert not {"grad-cam", "hires-cam", "grad-cam-elementwise"} & unsound


def test_grad_cam_plus_plus_moves_before_the_relu_only(engine: Engine) -> None:
    """Design fact 13: at 50 % one-shot, mean correlation of dense and pruned maps, 50 evenly spread
    digits.
    """
    half = VariantSpec(pruning=PruningSpec.one_shot(0.5))
    means = {}
    for layer in ("conv2", "relu2"):
        cam = CamSpec(method="grad-cam++", layer=layer)
        found = [engine.agreement(half, image, cam) for image in engine.images_like(ImageRef(), ModelSpec(), 50)]
        values = [one.value for one in found if one.value is not None]
        means[layer] = sum(values) / len(values)
    assert means["conv2"] < 0.6
    assert means["relu2"] > 0.95
