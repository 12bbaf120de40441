"""Networks that are PyTorch modules of somebody's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from core import CamSpec, Engine, ImageRef, PruningSpec, VariantSpec
from core.base.errors import BadSpec
from core.figures.wording import headline
from core.models.cards import InputRule
from core.models.modules import ModuleFacts, card_of
from tests.zoo.case import Case

GREY = InputRule(size_px=(20, 24), mean=(0.0,), std=(1.0,))
CAT = ImageRef(source="gallery", name="cat")
LETTERS = ("a", "b", "c", "d", "e")
Forward = Callable[["Net", Tensor], Any]


def logits(net: Net, images: Tensor) -> Tensor:
    return net.fc(net.conv(images).relu().mean((2, 3)))


def through_more(net: Net, images: Tensor) -> Tensor:
    return net.fc(net.more(net.conv(images)).relu().mean((2, 3)))


class Net(nn.Module):
    """A small network. forward: of the network and images. layers: in addition to two."""

    def __init__(self, forward: Forward = logits, channels: int = 1, **layers: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc, self.call = nn.Conv2d(channels, 4, 3), nn.Linear(4, 5), forward
        for name, layer in layers.items():
            self.add_module(name, layer)
        for values in self.parameters():
            if not nn.parameter.is_lazy(values):
                values.data.abs_()  # so that every layer is evidence for every class

    def forward(self, images: Tensor) -> Any:
        return self.call(self, images)


class TwoInputs(Net):
    def forward(self, images: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        return logits(self, images * mask)


def refused(make: Callable[[], Any], folder: Path, **facts: Any) -> Iterable[str]:
    return card_of(make(), ModuleFacts(**{"target_layer": "conv", "input": GREY} | facts)).notes


def taken(make: Callable[[], nn.Module], folder: Path, **facts: Any) -> Iterable[str]:
    """Its dense network answers as the module does and has a heatmap, its pruned one another."""
    module, engine = make(), Engine("cpu", folder)
    model = engine.add_module(module, ModuleFacts(**{"target_layer": "conv", "input": GREY} | facts))
    card = engine.card(model)
    images = torch.rand(3, *card.input_shape, generator=torch.Generator().manual_seed(0))
    with engine.store.borrow(VariantSpec(model=model)) as dense, torch.no_grad():
        torch.testing.assert_close(_tensor(dense(images)), _tensor(module.cpu().float().eval()(images)))
    pruned = VariantSpec(model=model, pruning=PruningSpec.one_shot(0.5))
    assert engine.heatmap(pruned.dense, CAT, CamSpec()).map.any()
    assert not (engine.heatmap(pruned, CAT, CamSpec()).map == engine.heatmap(pruned.dense, CAT, CamSpec()).map).all()
    return card.notes


def _tensor(output: Any) -> Tensor:
    return output["logits"] if isinstance(output, dict) else output


def chance(folder: Path) -> Iterable[str]:
    """It has the same name again, and its remark; another one without dropout has none. Where
    nothing is pruned yet, the headline begins with it.
    """
    facts = ModuleFacts(target_layer="conv", input=GREY)
    net = Net(lambda net, images: net.fc(F.dropout(net.conv(images).relu().mean((2, 3)), training=True)))
    engine = Engine("cpu", folder)
    model = engine.add_module(net, facts)
    assert engine.add_module(net, facts) == model
    assert card_of(Net(), facts).notes == ()
    unpruned = VariantSpec(model=model, pruning=PruningSpec.one_shot(0.0))
    answer = engine.compare(unpruned, CAT, CamSpec(method="grad-cam"))
    assert headline(answer).startswith("**This network answers differently when asked twice**")
    assert "**Nothing is removed yet**" in headline(answer)
    return engine.card(model).notes


def computed(wrap: Callable[[nn.Module], Any], folder: Path) -> Iterable[str]:
    """The layer beside others, before and after a pass; its weights are never pruned."""
    for passes in (0, 1):
        net = Net(through_more, more=nn.Conv2d(4, 4, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrap(net.more)
        for _ in range(passes):
            net(torch.rand(2, 1, 20, 24))
        notes = taken(lambda net=net: net, folder)  # type: ignore[misc]
        assert card_of(net, ModuleFacts(target_layer="conv", input=GREY)).prunable == ("conv.weight", "fc.weight")
    return notes


def without_gradient(mode: Callable[[], Any], folder: Path) -> Iterable[str]:
    def forward(net: Net, images: Tensor) -> Tensor:
        with mode():
            found = net.conv(images).relu().mean((2, 3))
        return net.fc(found)

    return refused(lambda: Net(forward), folder)


def under_inference_mode(folder: Path) -> Iterable[str]:
    """Everything happens in inference mode; afterwards the same engine still makes heatmaps."""
    with torch.inference_mode():
        notes = taken(Net, folder)
    return (*notes, *taken(Net, folder))


def called_by(classes: Any, names: tuple[str, ...], folder: Path) -> Iterable[str]:
    card = card_of(Net(), ModuleFacts(target_layer="conv", input=GREY, classes=classes))
    assert card.classes == names
    return card.notes


def of_size(size: Any, expected: tuple[int, int], folder: Path) -> Iterable[str]:
    rule = InputRule(size_px=size, mean=[0.0], std=[1.0])  # type: ignore[arg-type]
    assert rule == InputRule(size_px=expected, mean=(0.0,), std=(1.0,))
    return taken(Net, folder, input=rule)


def quantised() -> nn.Module:
    from torch.ao.nn import quantized

    return Net(more=quantized.ReLU6())


def meta() -> nn.Module:
    return Net().to("meta")


def half_inside() -> nn.Module:
    return Net(lambda net, images: net.fc(net.conv(images).relu().half().float().mean((2, 3))))


def mixed_half() -> nn.Module:
    net = Net(lambda net, images: net.fc(net.conv(images.half()).relu().mean((2, 3)).float()))
    net.conv.half()
    return net


def diverged() -> nn.Module:
    net = Net()
    net.fc.bias.data[0] = float("nan")
    return net


def sparse() -> nn.Module:
    net = Net()
    net.fc.weight = nn.Parameter(net.fc.weight.detach().to_sparse())
    return net


def from_numpy(net: Net, images: Tensor) -> Tensor:
    return logits(net, torch.from_numpy(images.numpy() * 2))


def pooling() -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def twice(net: Net, images: Tensor) -> Tensor:
    return net.fc(net.conv(net.conv(images)[:, :1]).mean((2, 3)))


TAKEN = (
    Case(
        "dropout that is always active", "taken; it is said that differences are partly chance", chance, "asked twice"
    ),
    Case(
        "a transposed convolution",
        "taken; its weights are named, and never pruned",
        partial(taken, lambda: Net(through_more, more=nn.ConvTranspose2d(4, 4, 2))),
        "more.weight (a transposed convolution)",
    ),
    *(
        Case(what, "taken; its weights are named, and how they become prunable", partial(computed, wrap), says)
        for what, wrap, says in (
            ("weight norm", parametrizations.weight_norm, "remove_parametrizations"),
            ("spectral norm", parametrizations.spectral_norm, "remove_parametrizations"),
            ("the old weight norm of torch.nn.utils", weight_norm, "more.weight_g"),
            ("the old spectral norm of torch.nn.utils", spectral_norm, "more.weight_orig"),
            (
                "masks of torch.nn.utils.prune",
                lambda layer: prune.l1_unstructured(layer, "weight", 0.5),
                "prune.remove",
            ),
        )
    ),
    Case(
        "a dictionary as output, with output='logits'",
        "the logits are taken",
        partial(taken, lambda: Net(lambda net, images: {"logits": logits(net, images)}), output="logits"),
    ),
    Case("half precision inside its forward", "taken", partial(taken, half_inside)),
    Case("weights in half precision", "taken, as float32", partial(taken, lambda: Net().half())),
    Case("images of 8 x 8 pixels", "taken", partial(of_size, 8, (8, 8))),
    Case(
        "images of four channels",
        "taken",
        partial(taken, lambda: Net(channels=4), input=InputRule(size_px=20, mean=(0.5,) * 4, std=(0.5,) * 4)),
    ),
    Case("its own code in NumPy before the target layer", "taken", partial(taken, lambda: Net(from_numpy))),
    Case("torch.inference_mode around everything", "taken, with heatmaps", under_inference_mode),
    Case("size_px=64", "64 x 64 pixels", partial(of_size, 64, (64, 64))),
    Case("size_px as a list", "taken", partial(of_size, [20, 24], (20, 24))),
    Case("classes as a range", "their numbers are their names", partial(called_by, range(5), tuple("01234"))),
    Case("classes as a NumPy array", "taken", partial(called_by, np.array(LETTERS), LETTERS)),
    Case(
        "classes as class_to_idx, in any order",
        "named by their numbers",
        partial(called_by, {name: 4 - place for place, name in enumerate(LETTERS)}, LETTERS[::-1]),
    ),
    Case(
        "logits that are NaN",
        "taken, and said",
        partial(refused, lambda: Net(lambda net, images: logits(net, images) / 0 * 0)),
        "NaN or infinite",
    ),
)
KINDS: tuple[tuple[str, str, Callable[[Path], Iterable[str]], str], ...] = (
    (
        "a dictionary as output",
        "where the logits are is asked",
        partial(refused, lambda: Net(lambda net, images: {"logits": logits(net, images)})),
        "output='logits'",
    ),
    (
        "a tuple as output",
        "where the logits are is asked",
        partial(refused, lambda: Net(lambda net, images: (logits(net, images), images))),
        "output=0",
    ),
    (
        "no class in its output",
        "explained",
        partial(refused, lambda: Net(lambda net, images: logits(net, images)[:, :0])),
        "(2, 0)",
    ),
    ("two inputs", "its inputs are named", partial(refused, TwoInputs), "takes images, mask"),
    (
        "three channels, an input rule of one",
        "explained",
        partial(refused, lambda: Net(channels=3)),
        "1 x 20 x 24",
    ),
    (
        "weights and images in half precision",
        "it is said that float32 is used",
        partial(refused, mixed_half),
        "float32",
    ),
    ("a lazy layer", "run one batch through it first", partial(refused, lambda: Net(more=nn.LazyLinear(3))), "lazy"),
    ("a quantised layer", "it is named", partial(refused, quantised), "'more' is quantised"),
    ("no weights at all", "nothing can be pruned", partial(refused, pooling, target_layer="0"), "it has no weights"),
    (
        "only transposed convolutions",
        "nothing can be pruned",
        partial(
            refused,
            lambda: nn.Sequential(nn.ConvTranspose2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            target_layer="0",
        ),
        "0.weight (a transposed convolution)",
    ),
    ("tensors on the device meta", "they have no values", partial(refused, meta), "to_empty"),
    ("a sparse weight", "it is named", partial(refused, sparse), "to_dense"),
    ("weights that are NaN", "they are named", partial(refused, diverged), "'fc.bias' are NaN"),
    (
        "torch.inference_mode in its forward",
        "heatmaps need gradients",
        partial(without_gradient, torch.inference_mode),
        "No gradient",
    ),
    (
        "torch.no_grad around its backbone",
        "heatmaps need gradients",
        partial(without_gradient, torch.no_grad),
        "No gradient",
    ),
    (
        "detach after the target layer",
        "heatmaps need gradients",
        partial(refused, lambda: Net(lambda net, images: net.fc(net.conv(images).detach().relu().mean((2, 3))))),
        "detach",
    ),
    ("a target layer that runs twice", "explained", partial(refused, lambda: Net(twice)), "more than once"),
    (
        "size_px=64.5",
        "explained",
        partial(refused, Net, input=InputRule(size_px=64.5, mean=(0.0,), std=(1.0,))),
        "64.5",
    ),  # type: ignore[arg-type]
    (
        "a mean of 123.7",
        "divide by 255",
        partial(refused, Net, input=InputRule(size_px=20, mean=(123.7,), std=(58.4,))),
        "Divide both by 255",
    ),
    (
        "words as mean",
        "explained",
        partial(refused, Net, input=InputRule(size_px=20, mean=("a",), std=(1.0,))),
        "mean ('a',)",
    ),  # type: ignore[arg-type]
    ("no input rule", "explained", partial(refused, Net, input=None), "InputRule"),
    ("classes as a single text", "explained", partial(refused, Net, classes="abcde"), "list of names"),
    ("classes as a set", "explained: a set has no order", partial(refused, Net, classes=set(LETTERS)), "order"),
    ("the number of classes instead of their names", "explained", partial(refused, Net, classes=5), "list of names"),
)
CASES = (*TAKEN, *(Case(what, outcome, ask, says, BadSpec) for what, outcome, ask, says in KINDS))
