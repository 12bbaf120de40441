"""The methods of pytorch-grad-cam: none is missing without a reason, and our way of asking gives
its maps.
"""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.saliency import CAMS, LEFT_OUT, fixed_classes, normalise, own_class, saliency_maps
from core.saliency.external import CELLS_SQUARED, MANY_PASSES, NATIVE, NOT_BY_CLASS, TEXTS, exported_names
from tests.saliency.networks import digits, thesis_cnn


def registered() -> set[str]:
    names = {entry.name for entry in CAMS.values() if entry.facts["made_by"] == "pytorch-grad-cam"}
    return {
        class_name for class_name in exported_names() if class_name in TEXTS and TEXTS[class_name][0].lower() in names
    }


def test_every_exported_thing_is_served_native_or_left_out() -> None:
    assert registered() | set(NATIVE) | set(LEFT_OUT) == set(exported_names())


def test_no_table_holds_a_name_the_library_does_not_have() -> None:
    for table in (NATIVE, LEFT_OUT, TEXTS, MANY_PASSES, NOT_BY_CLASS, CELLS_SQUARED):
        assert set(table) <= set(exported_names())
    assert not set(NATIVE) & set(LEFT_OUT)
    assert not registered() & (set(NATIVE) | set(LEFT_OUT))
    assert all(name in CAMS for name in NATIVE.values())


def test_reading_the_source_finds_what_importing_finds() -> None:
    import pytorch_grad_cam
    from pytorch_grad_cam.base_cam import BaseCAM

    found = {
        name for name, value in vars(pytorch_grad_cam).items() if inspect.isclass(value) and issubclass(value, BaseCAM)
    }
    assert found <= set(exported_names())
    assert found <= registered() | set(NATIVE) | set(LEFT_OUT)
    assert all(hasattr(pytorch_grad_cam, name) for name in exported_names())
    assert all(issubclass(getattr(pytorch_grad_cam, name), BaseCAM) for name in registered())


def test_listing_does_not_import_the_library() -> None:
    code = "import sys, core.saliency; print([m for m in ('pytorch_grad_cam', 'cv2', 'sklearn') if m in sys.modules])"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert printed.strip() == "[]"


@pytest.mark.parametrize("class_name", sorted(TEXTS))
@pytest.mark.parametrize("kept", [1.0, 0.3])
def test_gives_the_maps_of_the_library(class_name: str, kept: float) -> None:
    import pytorch_grad_cam

    model, images = thesis_cnn(1, kept), digits()[::6]
    theirs_of = getattr(pytorch_grad_cam, class_name)
    theirs_model = copy.deepcopy(model)
    with theirs_of(theirs_model, [theirs_model.relu2]) as cam:
        theirs = cam(images, targets=None)
    batch = saliency_maps(model, images, TEXTS[class_name][0].lower(), "relu2", own_class)
    heatmaps, states = normalise(batch.maps, (28, 28))
    for ours, expected, state in zip(heatmaps.numpy(), theirs, states, strict=True):
        if state == "ok":
            np.testing.assert_allclose(ours, expected, atol=2e-3)
        else:
            assert not ours.any()


@pytest.mark.parametrize("name", ["score-cam", "ablation-cam"])
def test_no_progress_bars(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    saliency_maps(thesis_cnn(), digits()[:2], name, "conv2", own_class)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_models_do_not_share_an_ablation_layer() -> None:
    """A map made between two uses of another model stays what it was."""
    first, second = thesis_cnn(0), thesis_cnn(1)
    alone = saliency_maps(first, digits()[:3], "ablation-cam", "conv2", own_class).maps
    saliency_maps(second, digits()[3:6], "ablation-cam", "conv2", own_class)
    assert torch.equal(saliency_maps(first, digits()[:3], "ablation-cam", "conv2", own_class).maps, alone)


class Channels(nn.Module):
    """Class 0 is the sum of the left half of the image, class 1 of the right half, each in a
    channel of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))  # the library wants a model to have a parameter
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        left, right = images.clone(), images.clone()
        left[..., 14:], right[..., :14] = 0, 0
        return self.relu(self.gain * torch.cat([left, right], dim=1)).sum(dim=(2, 3))


@pytest.mark.parametrize(
    "name", [n for n, entry in CAMS.items() if entry.facts["by_class"] == "yes" and n != "eigen-grad-cam"]
)
def test_points_at_the_half_that_makes_the_class(name: str) -> None:
    images = digits()[:4] + 0.05 * torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for chosen, half in ((0, slice(0, 14)), (1, slice(14, 28))):
        maps = saliency_maps(Channels(), images, name, "relu", fixed_classes(torch.full((4,), chosen))).maps
        inside, whole = maps[..., half].sum(dim=(1, 2)), maps.sum(dim=(1, 2))
        assert (inside > 0.5 * whole).all()
