"""What a file of weights is found to hold, before it is taken in."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save

from core.base.errors import BadFile, BadSpec, UnknownName
from core.models.building import untrained
from core.models.found import look_into
from core.models.zoo import named
from tests.models.test_checkpoints import torch_file


@pytest.mark.parametrize("name", ["thesis-cnn", "efficientnet-lite0", "mobilenet_v3_large", "squeezenet1_0"])
def test_a_network_of_the_zoo_or_a_relative_is_recognised(name: str) -> None:
    found = look_into(save(untrained(named(name).build, 0)), named)
    assert (found.architecture, found.problem) == (name, "")
    assert found.classes == len(named(name).classes)
    assert found.parameters == named(name).parameters


def test_a_network_without_a_relative_in_the_zoo_is_recognised() -> None:
    assert look_into(save(untrained(named("inception_v3").build, 0)), named).architecture == "inception_v3"


def test_another_number_of_classes_and_of_channels_is_recognised_too() -> None:
    state = untrained(named("squeezenet1_1").build, 0)
    state["features.0.weight"] = state["features.0.weight"][:, :1].clone()
    state |= {name: values[:7].clone() for name, values in state.items() if name.startswith("classifier.1")}
    found = look_into(save(state), named)
    assert (found.architecture, found.classes, found.problem) == ("squeezenet1_1", 7, "")


def test_sets_zeros_and_wrappers_are_stated() -> None:
    state = untrained(named("thesis-cnn").build, 0)
    zero = {name: values * (torch.arange(values.numel()).reshape(values.shape) % 2) for name, values in state.items()}
    content = torch_file({"model": state, "model_ema": zero, "optimizer": {"lr": 0.1}})
    found = look_into(content, named, "last.ckpt")
    assert found.sets == ("model", "model_ema")
    assert not any("sparse" in note for note in found.notes)
    found = look_into(content, named, "last.ckpt", "thesis-cnn", "model_ema")
    assert found.sets == ("model_ema", "model")
    assert "Already 50.0 % sparse: 1,162 of its 2,324 prunable weights are exactly zero." in found.notes


def test_what_does_not_fit_is_stated_with_what_would() -> None:
    found = look_into(save(untrained(named("squeezenet1_1").build, 0)), named, architecture="vgg16")
    assert "Missing: " in found.problem
    assert found.problem.endswith("This looks like a squeezenet1_1: choose that architecture.")


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(BadSpec, match=r"architecture of net.pt was not recognised.*No known architecture is similar"):
        look_into(save({"a.weight": torch.zeros(3, 3), "b.weight": torch.ones(2, 2, 3, 3)}), named, "net.pt")


def test_faults_are_named() -> None:
    with pytest.raises(BadFile):
        look_into(b"nothing", named)
    with pytest.raises(UnknownName):
        look_into(save(untrained(named("thesis-cnn").build, 0)), named, architecture="thesis-cn")
    with pytest.raises(BadSpec, match="no set of weights 'ema'"):
        look_into(save(untrained(named("thesis-cnn").build, 0)), named, architecture="thesis-cnn", weight_set="ema")
