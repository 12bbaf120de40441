"""Any PyTorch module is taken as it is, or refused with the reason and the next step; what
Sparsight cannot prune of it is listed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn.utils import parametrizations

from core.base.errors import BadSpec, SparsightError
from core.disk.files import Files
from core.engine.engine import Engine
from core.models.cards import InputRule
from core.models.catalogue import Catalogue
from core.models.modules import ModuleFacts, card_of, take_module
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec

GREY = InputRule(size_px=(20, 24), mean=(0.0,), std=(1.0,))
Pair = namedtuple("Pair", ("features", "logits"))


class Net(nn.Module):
    """A small network. give: makes its output of the features and the logits."""

    def __init__(self, give: Callable[[Tensor, Tensor], Any] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3))
        self.head, self.give = nn.Linear(6, 5), give

    def forward(self, images: Tensor) -> Any:
        found = self.features(images).mean((2, 3))
        logits = self.head(found)
        return self.give(found, logits) if self.give else logits


class Other(nn.Module):
    """A network whose forward is this function, beside a layer with maps."""

    def __init__(self, forward: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.conv, self.call = nn.Conv2d(1, 3, 3), forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, images: Tensor) -> Any:
        return self.call(self, images)


class Two(Other):
    def forward(self, images: Tensor, mask: Tensor) -> Any:  # type: ignore[override]
        return self.conv(images * mask).mean((2, 3))


class Locked(Other):
    def __init__(self) -> None:
        super().__init__(means)
        self.lock = threading.Lock()


class Tokens(nn.Module):
    """Sees patches in a row, as a vision transformer does."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(16, 8), nn.Linear(8, 5)

    def forward(self, images: Tensor) -> Tensor:
        patches = images.unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).flatten(1, 3)
        return self.head(self.embed(patches).mean(1))


def means(net: Other, images: Tensor) -> Tensor:
    return net.conv(images).mean((2, 3))


def facts(**changed: Any) -> ModuleFacts:
    return ModuleFacts(**{"target_layer": "features.2", "input": GREY} | changed)


def parallel(net: Net) -> nn.Module:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        return nn.parallel.DistributedDataParallel(net)
    finally:
        distributed.destroy_process_group()


def half_compiled(net: Net) -> nn.Module:
    net.features = torch.compile(net.features, backend="eager")  # type: ignore[assignment]
    return net


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        parallel,
        lambda net: torch.compile(net, backend="eager"),
        lambda net: nn.DataParallel(torch.compile(net, backend="eager")),
        half_compiled,
    ],
    ids=["DataParallel", "DistributedDataParallel", "compiled", "both", "a compiled part"],
)
def test_a_wrapped_module_is_the_module_inside(wrap: Callable[[Net], nn.Module], tmp_path: Path) -> None:
    catalogue = Catalogue(Files(tmp_path))
    wrapped = wrap(Net())
    assert catalogue.add_module(wrapped, facts()) == catalogue.add_module(Net(), facts())


@pytest.mark.parametrize(
    ("give", "output"),
    [
        (lambda found, logits: {"features": found, "logits": logits}, "logits"),
        (lambda found, logits: OrderedDict(out=logits, aux=found), "out"),
        (Pair, "logits"),
        (Pair, 1),
        (lambda found, logits: (logits, [found]), 0),
        (lambda found, logits: (found, logits), -1),
        (lambda found, logits: SimpleNamespace(logits=logits, loss=None), "logits"),
    ],
)
def test_logits_are_taken_out_of_any_output(give: Callable[..., Any], output: str | int, engine: Engine) -> None:
    bare = take_module(Net(), facts())
    taken = take_module(Net(give), facts(output=output))
    torch.testing.assert_close(taken.captured.logits, bare.captured.logits)
    torch.testing.assert_close(taken.captured.gradients, bare.captured.gradients)
    assert [layer.name for layer in taken.card.layers] == [layer.name for layer in bare.card.layers]
    variants = [
        VariantSpec(model=engine.add_module(net, about), pruning=PruningSpec.one_shot(0.5))
        for net, about in ((Net(), facts()), (Net(give), facts(output=output)))
    ]
    first, second = (engine.heatmap(one, ImageRef(source="gallery", name="cat"), CamSpec()) for one in variants)
    assert second.map == pytest.approx(first.map)


@pytest.mark.parametrize(
    ("give", "output", "wrong", "next_step"),
    [
        (lambda f, x: {"features": f, "logits": x}, "", "a dictionary with features (2, 6), logits (2, 5)", "'logits'"),
        (lambda f, x: {"a": f[None], "b": x}, "", "a dictionary with a (1, 2, 6), b (2, 5)", "output='b'"),
        (lambda f, x: (f[None], x), "", "a tuple with 0 (1, 2, 6), 1 (2, 5)", "output=1"),
        (lambda f, x: SimpleNamespace(scores=x), "", "a SimpleNamespace with scores (2, 5)", "output='scores'"),
        (lambda f, x: None, "", "returns a NoneType", "output='logits'"),
        (lambda f, x: {"scores": x}, "logits", "a dictionary with scores (2, 5), where there is no 'logits'", "scores"),
        (lambda f, x: (x,), 3, "a tuple with 0 (2, 5), where there is no 3", "output=0"),
        (lambda f, x: x, "logits", "a tensor (2, 5), where there is no 'logits'", "without `output`"),
        (lambda f, x: {"logits": [x]}, "logits", "At 'logits' the module returns a list with 0 (2, 5)", "Wrap it"),
        (lambda f, x: x[:, :, None], "", "a tensor (2, 5, 1) for 2 images", "Wrap it"),
        (lambda f, x: x.mean(1), "", "a tensor (2,) for 2 images", "Wrap it"),
        (lambda f, x: x[:1], "", "a tensor (1, 5) for 2 images", "Wrap it"),
        (lambda f, x: x.argmax(1, keepdim=True), "", "a tensor (2, 1) for 2 images", "Wrap it"),
    ],
)
def test_an_output_without_logits_is_described(
    give: Callable[..., Any], output: str | int, wrong: str, next_step: str
) -> None:
    with pytest.raises(BadSpec) as caught:
        card_of(Net(give), facts(output=output))
    assert wrong in caught.value.wrong
    assert next_step in caught.value.next_step
    assert caught.value.allowed


def quantised() -> nn.Module:
    from torch.ao.nn import quantized

    return Other(means, stage=quantized.ReLU6())


def meta() -> nn.Module:
    with torch.device("meta"):
        return Other(means)


REFUSED = {
    "a class": (lambda: Net, "the class Net, not a module"),
    "a function": (lambda: means, "a function, not a module"),
    "TorchScript": (lambda: torch.jit.trace(Net(), torch.rand(1, 1, 20, 24)), "compiled TorchScript"),
    "lazy": (lambda: Other(means, late=nn.LazyLinear(3)), "The shape of 'late.weight' is not known yet"),
    "meta": (meta, "'conv.weight' is on the device meta"),
    "quantised": (quantised, "Layer 'stage' is quantised"),
    "no copy": (Locked, "cannot be copied"),
    "two inputs": (lambda: Two(means), "Its forward takes images, mask"),
    "another size": (
        lambda: Other(lambda net, x: net.head(net.conv(x).flatten(1)), head=nn.Linear(9, 2)),
        "does not accept images of 1 x 20 x 24 (RuntimeError",
    ),
    "no maps": (Tokens, "No layer of this module returns a stack of maps"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_taken_is_explained(kind: str) -> None:
    make, wrong = REFUSED[kind]
    with pytest.raises(SparsightError) as caught:
        card_of(make(), facts(target_layer="embed" if kind == "no maps" else "conv"))  # type: ignore[no-untyped-call]
    assert wrong in caught.value.wrong
    assert caught.value.allowed
    assert caught.value.next_step


def test_a_layer_without_maps_names_those_with_some() -> None:
    with pytest.raises(BadSpec, match="not a stack of maps") as caught:
        card_of(Net(), facts(target_layer="head"))
    assert caught.value.next_step == "Choose one of features, features.1, features.0."


def test_what_cannot_be_pruned_is_listed_with_the_reason() -> None:
    net = Other(
        lambda net, x: net.fc(net.up(net.grouped(net.conv(x))).flatten(2).mean(2)),
        grouped=nn.Conv2d(3, 6, 3, groups=3),
        up=nn.ConvTranspose2d(6, 4, 2),
        fc=parametrizations.weight_norm(nn.Linear(4, 2)),
        line=nn.Conv1d(2, 2, 3),
        space=nn.Conv3d(2, 2, 3),
        words=nn.Embedding(7, 2),
        norm=nn.BatchNorm2d(2),
    )
    net.scale = nn.Parameter(torch.ones(2, 3))
    card = card_of(net, facts(target_layer="conv"))
    assert card.prunable == ("conv.weight", "grouped.weight")
    assert card.unprunable == {
        "scale": "a parameter of Other",
        "up.weight": "a transposed convolution",
        "fc.parametrizations.weight.original0": "its layer computes its weight from this one",
        "fc.parametrizations.weight.original1": "its layer computes its weight from this one",
        "line.weight": "a convolution along one axis",
        "space.weight": "a convolution along three axes",
        "words.weight": "an embedding",
    }
    sizes = {name: values.numel() for name, values in net.named_parameters()}
    share = sum(sizes[name] for name in card.unprunable) / sum(sizes.values())
    (note,) = card.notes
    assert note.startswith(f"{100 * share:.1f} % of its parameters are weights that Sparsight cannot prune")
    assert "up.weight (a transposed convolution)" in note


def test_weights_that_cannot_be_pruned_stay_whole(engine: Engine) -> None:
    net = Other(lambda net, x: net.up(net.conv(x)).mean((2, 3)), up=nn.ConvTranspose2d(3, 4, 2))
    model = engine.add_module(net, facts(target_layer="conv"))
    assert list(engine.card(model).unprunable) == ["up.weight"]
    with engine.store.borrow(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.9))) as pruned:
        state = pruned.state_dict()
        assert torch.equal(state["up.weight"].cpu(), net.up.weight)
        assert int(state["conv.weight"].count_nonzero()) < 27


def test_included_networks_have_no_weight_that_cannot_be_pruned(engine: Engine) -> None:
    for name in ("thesis-cnn", "efficientnet-lite0", "resnet18"):
        assert engine.catalogue.named(name).unprunable == {}


def test_probabilities_in_place_of_logits_are_remarked(engine: Engine) -> None:
    facts = ModuleFacts(target_layer="features.2", input=GREY)
    assert not any("probabilities" in note for note in engine.card(engine.add_module(Net(), facts)).notes)
    network = Net(lambda features, logits: logits.softmax(1))
    notes = engine.card(engine.add_module(network, facts)).notes
    assert any("look like probabilities" in note for note in notes)
