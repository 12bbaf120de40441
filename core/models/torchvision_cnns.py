"""Cards of torchvision's CNNs for photographs: fifteen common ones, and every other one by its
name.

Input and classes are read from torchvision only on first access: importing it takes seconds.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from core.base.errors import BadSpec, MissingData
from core.base.progress import Progress
from core.models.building import Build, skeleton
from core.models.cards import Card, InputRule, State, Weights
from core.models.checkpoints.policy import read
from core.models.fetch import Remote, fetch
from core.models.imagenet import ImageNetCard
from core.models.layers import last_layer, logits_layer, target_layers, watch

MEBIBYTE = 1 << 20
TRANSFORMERS = ("vit_", "swin_", "maxvit")
TRAINING_HEADS = ("googlenet", "inception_v3")  # networks with auxiliary classifiers for training
BY_HAND = "by-hand"  # weights that you put into the folder of the same name
LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose images are for non-commercial research"


class Known(NamedTuple):
    """Facts about a network that need no import of torchvision; tests compare them with
    torchvision.
    """

    title: str
    summary: str
    source: str
    file: str
    mebibytes: float
    target_layer: str
    classifier: str


KNOWN = {
    "alexnet": Known(
        "AlexNet",
        "Five convolutions and three linear layers that hold nearly all of its weights.",
        "Krizhevsky 2014 (arXiv:1404.5997)",
        "alexnet-owt-7be5be79.pth",
        233.087,
        "features.11",
        "classifier.6.weight",
    ),
    "vgg16": Known(
        "VGG-16",
        "Thirteen 3 x 3 convolutions and three linear layers that hold nine tenths of its weights.",
        "Simonyan and Zisserman 2014 (arXiv:1409.1556)",
        "vgg16-397923af.pth",
        527.796,
        "features.29",
        "classifier.6.weight",
    ),
    "vgg16_bn": Known(
        "VGG-16 with batch norm",
        "VGG-16 with a batch norm after each convolution.",
        "Simonyan and Zisserman 2014 (arXiv:1409.1556)",
        "vgg16_bn-6c64b313.pth",
        527.866,
        "features.42",
        "classifier.6.weight",
    ),
    "googlenet": Known(
        "GoogLeNet",
        "Nine Inception blocks: filters of several sizes side by side.",
        "Szegedy et al. 2014 (arXiv:1409.4842)",
        "googlenet-1378be20.pth",
        49.731,
        "inception5b",
        "fc.weight",
    ),
    "resnet18": Known(
        "ResNet-18",
        "Eight blocks of two convolutions, each with a shortcut around it.",
        "He et al. 2015 (arXiv:1512.03385)",
        "resnet18-f37072fd.pth",
        44.661,
        "layer4",
        "fc.weight",
    ),
    "resnet50": Known(
        "ResNet-50",
        "Sixteen blocks of three convolutions, each with a shortcut around it.",
        "He et al. 2015 (arXiv:1512.03385)",
        "resnet50-11ad3fa6.pth",
        97.79,
        "layer4",
        "fc.weight",
    ),
    "densenet121": Known(
        "DenseNet-121",
        "Each layer reads the outputs of all previous layers of its block.",
        "Huang et al. 2016 (arXiv:1608.06993)",
        "densenet121-a639ec97.pth",
        30.845,
        "features",
        "classifier.weight",
    ),
    "mobilenet_v2": Known(
        "MobileNet v2",
        "Depthwise convolutions, made for phones.",
        "Sandler et al. 2018 (arXiv:1801.04381)",
        "mobilenet_v2-7ebf99e0.pth",
        13.598,
        "features",
        "classifier.1.weight",
    ),
    "mobilenet_v3_large": Known(
        "MobileNet v3, large",
        "Depthwise convolutions and channel attention, made for phones.",
        "Howard et al. 2019 (arXiv:1905.02244)",
        "mobilenet_v3_large-5c1a4163.pth",
        21.107,
        "features",
        "classifier.3.weight",
    ),
    "efficientnet_b0": Known(
        "EfficientNet-B0",
        "Depth, width and input size scaled together; the smallest of its family.",
        "Tan and Le 2019 (arXiv:1905.11946)",
        "efficientnet_b0_rwightman-7f5810bc.pth",
        20.451,
        "features",
        "classifier.1.weight",
    ),
    "squeezenet1_1": Known(
        "SqueezeNet 1.1",
        "1.2 million weights and no linear layer: small before any pruning.",
        "Iandola et al. 2016 (arXiv:1602.07360)",
        "squeezenet1_1-b8a52dc0.pth",
        4.729,
        "features",
        "classifier.1.weight",
    ),
    "shufflenet_v2_x1_0": Known(
        "ShuffleNet v2, 1.0x",
        "Half of the channels pass each block unchanged, then the channels are shuffled.",
        "Ma et al. 2018 (arXiv:1807.11164)",
        "shufflenetv2_x1-5666bf0f80.pth",
        8.791,
        "conv5",
        "fc.weight",
    ),
    "mnasnet1_0": Known(
        "MnasNet 1.0",
        "Found by a search for speed on phones.",
        "Tan et al. 2018 (arXiv:1807.11626)",
        "mnasnet1.0_top1_73.512-f206786ef8.pth",
        16.915,
        "layers",
        "classifier.1.weight",
    ),
    "regnet_y_400mf": Known(
        "RegNetY-400MF",
        "Widths that follow a linear rule, with channel attention.",
        "Radosavovic et al. 2020 (arXiv:2003.13678)",
        "regnet_y_400mf-e6988f5f.pth",
        16.806,
        "trunk_output",
        "fc.weight",
    ),
    "convnext_tiny": Known(
        "ConvNeXt, tiny",
        "A CNN built like a vision transformer: large depthwise filters, GELU, layer norms.",
        "Liu et al. 2022 (arXiv:2201.03545)",
        "convnext_tiny-983f1562.pth",
        109.119,
        "features",
        "classifier.2.weight",
    ),
}


def build(name: str, classes: int = 1000, rescaled: bool = True) -> nn.Module:
    """Build a torchvision network with random weights, without auxiliary heads and in-place
    activations.

    rescaled: GoogLeNet and Inception v3 rescale their input as torchvision's weights expect.
    """
    from torchvision.models import get_model

    extra: dict[str, Any] = (
        {"aux_logits": False, "init_weights": False, "transform_input": rescaled} if name in TRAINING_HEADS else {}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return _with_last_activation(not_in_place(get_model(name, weights=None, num_classes=classes, **extra)))


def _with_last_activation(network: nn.Module) -> nn.Module:
    """Return the same network. DenseNet's last ReLU, a function in torchvision's code, becomes a
    layer that can be a target layer.
    """
    features = getattr(network, "features", None)
    if not isinstance(features, nn.Sequential) or not hasattr(features, "denseblock1"):
        return network
    features.add_module("relu5", nn.ReLU())
    return nn.Sequential(
        OrderedDict(
            features=features,
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            classifier=network.get_submodule("classifier"),
        )
    )


def not_in_place(network: nn.Module) -> nn.Module:
    """Return the same network without in-place activations, so that a map is made from a layer's
    true output.
    """
    for module in network.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return network


class TorchvisionCard(ImageNetCard):
    """A card that also reads its input rule from torchvision on first access."""

    _name: str

    def __init__(self, name: str, known: Known, notes: tuple[str, ...] = ()) -> None:
        super().__init__(
            build=partial(build, name),
            target_layer=known.target_layer,
            classifier=known.classifier,
            weights=_weights(name, known),
            notes=notes,
            input=None,
        )
        del self.__dict__["input"]
        object.__setattr__(self, "_name", name)

    @cached_property
    def input(self) -> InputRule:
        rule = _best_weights(self._name).transforms()
        (size,), (resize,) = rule.crop_size, rule.resize_size
        scaling = rule.interpolation.value
        return InputRule(
            size_px=(size, size), resize_px=resize, mean=tuple(rule.mean), std=tuple(rule.std), interpolation=scaling
        )


def _weights(name: str, known: Known) -> dict[str, Weights]:
    """Return two sets of weights: torchvision's, and those put into the folder by-hand."""
    size = round(known.mebibytes * MEBIBYTE)
    hand = f"{BY_HAND}/{name}.pth"
    return {
        "imagenet": Weights(
            summary="trained on ImageNet, the best weights of torchvision",
            load=partial(load, name),
            origin=f"torchvision ({known.file})",
            licence=LICENCE,
            bytes=size,
            file=known.file,
            found=lambda folder: (folder / known.file).is_file(),
        ),
        BY_HAND: Weights(
            summary=(
                f"put into the downloads folder as {hand} by hand; its checksum is not torchvision's and is not "
                "verified"
            ),
            load=partial(load_by_hand, name),
            origin=hand,
            bytes=size,
            file=hand,
            found=lambda folder: (folder / hand).is_file(),
        ),
    }


def remote(name: str) -> Remote:
    """Return torchvision's file of a network; its name contains the first digits of its sha256."""
    weights = _best_weights(name)
    digest = weights.url.rsplit("-", 1)[-1].removesuffix(".pth")
    return Remote(weights.url, digest, round(weights.meta["_file_size"] * MEBIBYTE))


def load(name: str, folder: Path, progress: Progress | None = None) -> State:
    """Load torchvision's weights, downloaded into the folder on first use.

    Raises MissingData, BadFile, CacheNotWritable.
    """
    path = fetch(remote(name), folder, progress)
    return read(path).strict(_shapes(name), f"{path.name} of {name}", "Delete the file to download it again.")


def load_by_hand(name: str, folder: Path, progress: Progress | None = None) -> State:
    """Load weights that were put there by hand, of any floating-point type.

    Raises MissingData, and BadFile if they do not fit.
    """
    path = folder / BY_HAND / f"{name}.pth"
    if not path.is_file():
        raise MissingData(
            f"There are no weights of {name} put there by hand.",
            f"They must be the file {path.name} in {path.parent}.",
            "Put a state dict there.",
        )
    return read(path).strict(_shapes(name), f"{path} of {name}", f"Put a state dict of {name} there.")


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the names of all image classification CNNs of torchvision."""
    from torchvision import models

    return tuple(name for name in models.list_models(module=models) if not name.startswith(TRANSFORMERS))


@lru_cache(maxsize=100)
def named(name: str) -> Card | None:
    """Return the card of any CNN of torchvision; a target layer that the table lacks is found in
    one pass without values.

    Returns None for a name unknown to torchvision. Raises BadSpec for vision transformers.
    """
    if name in KNOWN:
        return TorchvisionCard(name, KNOWN[name])
    if name.startswith(TRANSFORMERS):
        raise BadSpec(
            f"{name} is a vision transformer.",
            "Sparsight supports CNNs only.",
            "Choose a CNN, for example resnet50 or convnext_tiny.",
        )
    if name not in names():
        return None
    rule, file = TorchvisionCard(name, Known(name, "", "", "", 0, "", "")).input, remote(name)
    layer, classifier = found_layers(partial(build, name), (rule.channels, *rule.size_px))
    note = (
        f"The target layer '{layer}' was found automatically: the last one before the logits with a map of more than"
        " one cell."
    )
    known = Known(name, "", "torchvision", file.file, file.bytes / MEBIBYTE, layer, f"{classifier}.weight")
    return TorchvisionCard(name, known, (note,))


def found_layers(make: Build, input_shape: tuple[int, int, int]) -> tuple[str, str]:
    """Find the target layer and the layer that computes the logits in one pass without values."""
    network = skeleton(make)
    return last_layer(target_layers(network, input_shape)), logits_layer(
        watch(network, torch.zeros(1, *input_shape, device="meta"))
    )


@lru_cache(maxsize=100)
def _shapes(name: str) -> dict[str, tuple[int, ...]]:
    return {key: tuple(values.shape) for key, values in skeleton(partial(build, name)).state_dict().items()}


def _best_weights(name: str) -> Any:
    from torchvision.models import get_model_weights  # imported here: it takes seconds

    return get_model_weights(name).DEFAULT
