"""The guide's plugin as it is printed, and an edited plugin: no answer of its old code is found
again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import core
from core.base.plugins import load_plugins
from core.base.settings import REPOSITORY, Settings
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from tests.plugins_of_a_test import forget

GUIDE = (REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8")
PLUGIN, NOTEBOOK = re.findall(
    "```python\n(.+?)```", GUIDE[GUIDE.index("## Networks that are in no zoo") : GUIDE.index("## Sweeps")], re.DOTALL
)
METHODS = """
from core.measures.base import MEASURES
from core.pruning.scores import CRITERIA
from core.saliency.cams import native

@MEASURES.register("my-measure", "Mine", "Twice the mean.", group="map", range="0 to 2")
def my_measure(maps):
    return 2 * maps.flatten(1).mean(1)

@CRITERIA.register("my-criterion", "Mine", "Small weights go first.", needs="weights")
def my_criterion(evidence):
    return {name: evidence.mean(name, values.abs()) for name, values in evidence.weights.items()}

@native("my-cam", "Mine", "The sum of the channels.", "ours")
def my_cam(activations, gradients):
    return activations.sum(1)
"""
NETWORK = """
import torch
from core.models.cards import InputRule
from core.models.modules import ModuleFacts, card_of
from core.models.zoo import MODELS

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(4, 10)

    def forward(self, images):
        return self.head(self.conv(images).relu().mean((2, 3)))

torch.manual_seed(0)
facts = ModuleFacts(target_layer="conv", input=InputRule(size_px=(28, 28), mean=(0.0,), std=(1.0,)), images="digits")
MODELS.register("my-net", "Mine", "Of a test.")(card_of(Net(), facts))
"""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    forget()


def started(folder: Path, text: str) -> Engine:
    """An engine as a new process makes it, with a plugin of this text."""
    forget()
    path = folder / "mine.py"
    path.write_text(text)
    engine = Engine("cpu", settings=Settings(folder=folder / "cache", plugins=(path,)))
    load_plugins(path)  # raises what is wrong with it
    return engine


def test_the_guides_example_is_explained_beside_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_networks.py").write_text(PLUGIN)
    assert len([line for line in PLUGIN.splitlines() if line.strip()]) <= 22
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARSIGHT_CACHE", str(tmp_path / "cache"))
    names = {name: getattr(core, name) for name in ("CamSpec", "Engine", "ImageRef", "VariantSpec", "load_plugins")}
    exec(NOTEBOOK, names)
    engine, answer = names["engine"], names["answer"]
    parent, small = answer.reference, answer.pruned
    assert (parent.variant.model.name, small.variant.model.name) == ("pets", "pets-half")
    assert engine.card(small.variant.model).parameters < 0.3 * engine.card(parent.variant.model).parameters
    assert engine.card(small.variant.model).shapes["conv1.weight"] == (32, 3, 7, 7)
    assert parent.saliency.shape == small.saliency.shape == (3, 3)
    assert small.target_class == parent.prediction.top
    assert answer.agreement.value is not None
    with engine.store.borrow(small.variant) as network:
        seen = engine.card(small.variant.model).input(
            torch.from_numpy(engine.picture(answer.picture.image, small.variant.model).seen.copy()).permute(2, 0, 1)[
                None
            ]
        )
        expected = network(seen.to(engine.device)).softmax(1)[0].cpu().numpy()
    assert small.prediction.probabilities == pytest.approx(expected, abs=1e-5)
    half = VariantSpec(model=small.variant.model, pruning=PruningSpec.one_shot(0.5))
    assert engine.report(half).sparsity == pytest.approx(0.5, abs=1e-3)


def test_an_edited_measure_or_method_is_computed_again_and_nothing_else(tmp_path: Path) -> None:
    def rows(text: str) -> tuple[dict[str, np.ndarray], list[tuple[str, ...]]]:
        """The columns of each heatmap, and what had to be computed."""
        engine = started(tmp_path, text)
        spec = SweepSpec(
            models=(ModelSpec(),),
            prunings=(PruningSpec.one_shot(0.5),),
            data=DataSpec(),
            images=20,
            cams=(CamSpec(method="grad-cam"), CamSpec(method="my-cam")),
            measures=("right", "map-mean", "map-my-measure"),
        )
        sweep = Sweep(engine, spec)
        missing = [columns for variant in sweep.variants for columns in sweep.missing(variant).values()]
        assert len(list(sweep.run())) == 1
        found = frame(sweep)
        parts = {name: found[found.heatmap == name] for name in ("grad-cam", "my-cam")}
        return {
            f"{name} {column}": part[column].to_numpy(float)
            for name, part in parts.items()
            for column in ("map-mean", "map-my-measure")
        }, missing

    first, missing = rows(METHODS)
    assert len(missing) == 3
    for name in ("grad-cam", "my-cam"):
        np.testing.assert_allclose(first[f"{name} map-my-measure"], 2 * first[f"{name} map-mean"], rtol=1e-5)
    again, missing = rows(METHODS)
    assert missing == []
    assert {name: values.tolist() for name, values in again.items()} == {k: v.tolist() for k, v in first.items()}
    edited, missing = rows(METHODS.replace("2 * maps", "3 * maps"))
    assert missing == [("map-my-measure",), ("map-mean", "map-my-measure")]  # a heatmap of the plugin, too
    np.testing.assert_allclose(edited["grad-cam map-my-measure"], 1.5 * first["grad-cam map-my-measure"], rtol=1e-5)
    assert edited["grad-cam map-mean"].tolist() == first["grad-cam map-mean"].tolist()
    changed, _ = rows(METHODS.replace("activations.sum(1)", "activations.square().sum(1)"))
    assert not np.allclose(changed["my-cam map-mean"], first["my-cam map-mean"])


def test_an_edited_criterion_removes_other_weights(tmp_path: Path) -> None:
    """From the disk, too, where the pruned network was kept."""
    variant = VariantSpec(pruning=PruningSpec.one_shot(0.5, criterion="my-criterion"))

    def weights(text: str) -> tuple[torch.Tensor, str]:
        engine = started(tmp_path, text)
        with engine.store.borrow(variant) as network:
            found = network.state_dict()["fc.weight"].clone()
        engine.keep(variant)
        return found, engine.store.checksum(variant)

    first, checksum = weights(METHODS)
    again, same = weights(METHODS)
    assert torch.equal(again, first)
    assert same == checksum
    edited, other = weights(METHODS.replace("values.abs())", "1 / (1 + values.abs()))"))
    assert other != checksum
    kept = (first != 0) & (edited != 0)
    assert kept.float().mean() < 0.1  # the larger half before, the smaller half now
    plain = Engine("cpu", tmp_path / "cache").store
    assert plain.checksum(VariantSpec()) == plain.checksum(VariantSpec(pruning=PruningSpec.one_shot(0.5)))


def test_an_edited_network_is_another(tmp_path: Path) -> None:
    def answer(text: str) -> tuple[np.ndarray, str, str]:
        engine = started(tmp_path, text)
        variant = VariantSpec(model=engine.catalogue.default_model("my-net"))
        found = engine.heatmap(variant, ImageRef(name="7"), CamSpec(target="own"))
        return found.prediction.probabilities, engine.stamp(variant), engine.store.checksum(variant)

    first = answer(NETWORK)
    again = answer(NETWORK)
    assert again[1:] == first[1:]
    assert again[0].tolist() == first[0].tolist()
    # other weights, another forward, and a comment: any code may matter
    for old, new in (
        ("seed(0)", "seed(1)"),
        (".relu()", ".tanh()"),
        ("torch.manual_seed", "# mine\ntorch.manual_seed"),
    ):
        other = answer(NETWORK.replace(old, new))
        assert other[1] != first[1]
        assert other[2] != first[2]
        assert np.allclose(other[0], first[0]) == (old == "torch.manual_seed")


def test_weights_of_a_plugin_that_change_beside_it_are_noticed(tmp_path: Path) -> None:
    """The plugin's text stays the same; the file that it loads is another."""
    text = NETWORK.replace("Net(), facts", "net, facts").replace(
        "facts = ", f"net = Net()\nnet.load_state_dict(torch.load({str(tmp_path / 'net.pt')!r}))\nfacts = "
    )

    def checksum(seed: int) -> str:
        torch.manual_seed(seed)
        state = {"conv.weight": torch.rand(4, 1, 3, 3), "conv.bias": torch.rand(4)}
        torch.save(state | {"head.weight": torch.rand(10, 4), "head.bias": torch.rand(10)}, tmp_path / "net.pt")
        engine = started(tmp_path, text)
        return engine.store.checksum(VariantSpec(model=engine.catalogue.default_model("my-net")))

    assert checksum(0) == checksum(0) != checksum(1)
