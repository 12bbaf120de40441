"""The cut graph: right values, nothing left behind, clear errors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.base.errors import BadSpec, UnknownName
from core.saliency import capture, find_layer, fixed_classes, own_class
from tests.saliency.networks import Fails, digits, state_of, thesis_cnn


def whole_graph(model: nn.Module, layer: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Activations and gradients without any cut: the definition."""
    kept = []
    handle = layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    logits = model(images)
    handle.remove()
    (gradients,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept)
    return kept[0].detach(), gradients


@pytest.mark.parametrize("layer_name", ["conv1", "pool1", "conv2", "relu2"])
def test_equals_the_whole_graph(layer_name: str) -> None:
    model, targets = thesis_cnn(), torch.arange(30) % 10
    captured = capture(model, layer_name, digits(), fixed_classes(targets))
    activations, gradients = whole_graph(model, find_layer(model, layer_name), digits(), targets)
    torch.testing.assert_close(captured.activations, activations)
    torch.testing.assert_close(captured.gradients, gradients)
    torch.testing.assert_close(captured.logits, model(digits()).detach())
    assert torch.equal(captured.targets, targets)


def test_own_class_is_the_prediction() -> None:
    captured = capture(thesis_cnn(), "conv2", digits(), own_class)
    assert torch.equal(captured.targets, captured.logits.argmax(1))
    assert not captured.logits.requires_grad
    assert not captured.activations.requires_grad


def test_an_in_place_relu_cannot_change_the_activations() -> None:
    plain = capture(thesis_cnn(), "conv2", digits(), own_class)
    inplace = capture(thesis_cnn(inplace=True), "conv2", digits(), own_class)
    assert (inplace.activations < 0).any()
    assert torch.equal(plain.activations, inplace.activations)
    assert torch.equal(plain.gradients, inplace.gradients)


def test_before_the_layer_there_is_no_graph() -> None:
    model, seen = thesis_cnn(), []
    for layer in (model.pool1, model.pool2):
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output.requires_grad))
    capture(model, "conv2", digits(), own_class)
    assert seen == [False, True]


@pytest.mark.parametrize("training", [True, False])
def test_leaves_the_model_as_it_was(training: bool) -> None:
    model = thesis_cnn().train(training)
    model.relu1.train(not training)
    model.conv1.weight.requires_grad_(False)
    before = state_of(model)
    capture(model, "conv2", digits(), own_class)
    assert state_of(model) == before


@pytest.mark.parametrize("where", ["conv1", "pool2"])
def test_leaves_the_model_as_it_was_after_an_error(where: str) -> None:
    model = thesis_cnn().train()
    setattr(model, where, Fails(from_pass=1))
    before = state_of(model)
    with pytest.raises(RuntimeError, match="meant to fail"):
        capture(model, "conv2", digits(), own_class)
    assert state_of(model) == before


def test_runs_in_evaluation_mode() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(10))
    model(digits())
    mean = model[1].running_mean.clone()
    first, again = (capture(model.train(), "0", digits(), own_class) for _ in range(2))
    assert torch.equal(first.gradients, again.gradients)
    assert torch.equal(model[1].running_mean, mean)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_works_whatever_the_grad_mode(context: type) -> None:
    expected = capture(thesis_cnn(), "conv2", digits(), own_class).gradients
    model, images = thesis_cnn().requires_grad_(False), digits()
    with context():
        before = torch.is_grad_enabled()
        assert torch.equal(capture(model, "conv2", images, own_class).gradients, expected)
        assert torch.is_grad_enabled() == before


class Ignores(nn.Module):
    """A network whose logits do not depend on `side`; with `detached`, on nothing that has a
    graph.
    """

    def __init__(self, detached: bool) -> None:
        super().__init__()
        self.side, self.detached = nn.Conv2d(1, 2, 3), detached
        self.fc = nn.Linear(28 * 28, 10)

    def forward(self, images: Tensor) -> Tensor:
        self.side(images)
        logits = self.fc(images.flatten(1))
        return logits.detach() if self.detached else logits


@pytest.mark.parametrize("detached", [True, False])
def test_gradients_are_zero_where_nothing_depends_on_the_layer(detached: bool) -> None:
    captured = capture(Ignores(detached), "side", digits(), own_class)
    assert captured.gradients.shape == (30, 2, 26, 26)
    assert not captured.gradients.any()


def test_half_precision_is_captured_in_float32() -> None:
    captured = capture(thesis_cnn().bfloat16(), "conv2", digits().bfloat16(), own_class)
    assert captured.activations.dtype == captured.gradients.dtype == torch.float32


def test_an_unknown_layer_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'conv2'"):
        capture(thesis_cnn(), "conv_2", digits(), own_class)
    with pytest.raises(UnknownName):
        find_layer(thesis_cnn(), "")


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.unused = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(self.conv(images)).flatten(1)


@pytest.mark.parametrize(
    ("model", "layer_name", "message"),
    [
        (thesis_cnn(), "fc", "not a stack of maps"),
        (Twice(), "conv", "more than once"),
        (Twice(), "unused", "does not run"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), "0", "needs logits"),
    ],
)
def test_says_what_is_no_target_layer(model: nn.Module, layer_name: str, message: str) -> None:
    before = state_of(model)
    with pytest.raises(BadSpec, match=message):
        capture(model, layer_name, digits(), own_class)
    assert state_of(model) == before


@pytest.mark.parametrize("classes", [torch.full((30,), 10), torch.full((30,), -1), torch.zeros(29), torch.zeros(30, 1)])
def test_says_which_classes_cannot_be_asked_for(classes: Tensor) -> None:
    with pytest.raises(BadSpec):
        capture(thesis_cnn(), "conv2", digits(), fixed_classes(classes))
