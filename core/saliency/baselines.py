"""Heatmaps that owe nothing, or less and less, to what a network has learned.

They take the place of a CAM method in a sweep, so that every measure of a heatmap has their values
beside it. A score that the centre of the picture also gets says nothing about a network.

BASELINES lists them by name. Those that are drawn need only the image. Those of randomised weights
are Grad-CAM maps of a copy of the network in which the values of the last layers are shuffled, as
in the cascade of Adebayo et al. 2018.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from core.base.draws import numpy_generator, torch_generator
from core.base.errors import UnknownName
from core.base.registry import Registry
from core.saliency.cams import CAMS
from core.specs import CamSpec

CELLS = 7  # a side of the random map, as of most target layers at 224 pixels
BLOB = 1 / 4  # standard deviation of the blob, in sides of the picture
EDGE = 2 / 224  # standard deviation of the smoothing before edges are sought, in sides of the picture
MAPPED_BY = "grad-cam"  # the method that a baseline stands beside
Draw = Callable[[Tensor, Tensor], Tensor]  # images (N, channels, H, W), rows (N,) -> maps (N, h, w)


@dataclass(frozen=True, eq=False)
class Baseline:
    """Either drawn from the images and their rows in the data set, or the Grad-CAM map of a network
    with this share of its layers randomised, the last ones (0: only the last layer).
    """

    draw: Draw | None = None
    randomised: float = 0.0


BASELINES: Registry[Baseline] = Registry("baseline")


def is_baseline(cam: CamSpec | None) -> bool:
    return cam is not None and cam.method in BASELINES


def mapped_by(cam: CamSpec) -> CamSpec:
    """Return the heatmap that a reference network is asked for: a baseline is compared with its
    Grad-CAM.
    """
    return replace(cam, method=MAPPED_BY) if is_baseline(cam) else cam


def heatmap_title(method: str) -> str:
    """Return what people read for a CAM method or a baseline. Raises UnknownName."""
    if method in BASELINES:
        return BASELINES[method].title
    if method not in CAMS:
        raise UnknownName("heatmap", method, [*CAMS, *BASELINES])
    return CAMS[method].title


def network_of_maps(network: nn.Module, cam: CamSpec | None) -> nn.Module:
    """Return the network whose maps are made: a randomised copy for a baseline of one."""
    if cam is None or cam.method not in BASELINES or BASELINES[cam.method].value.draw:
        return network
    return randomised(network, BASELINES[cam.method].value.randomised)


def randomised(network: nn.Module, share: float) -> nn.Module:
    """Return a copy of the network whose last layers have their values in random places.

    Within each convolution, linear layer and norm, and within its bias, the values that are not
    zero are shuffled, so their distribution and the pruned weights stay. The order is drawn from a
    generator keyed by the parameter's name.

    Args:
        share: of the layers with weights, counted from the output; at least the last one.
    Source: Adebayo et al. 2018, cascading randomisation.
    Differs from the paper: shuffled values instead of new ones from the initial distribution, which
    would fill in what was pruned.
    """
    changed = copy.deepcopy(network)
    layers = [(name, layer) for name, layer in changed.named_modules() if list(layer.parameters(recurse=False))]
    with torch.no_grad():
        for name, layer in layers[-max(1, math.ceil(share * len(layers))) :]:
            for part, values in layer.named_parameters(recurse=False):
                _shuffle(values, f"{name}.{part}")
    return changed


def _shuffle(values: Tensor, name: str) -> None:
    flat = values.detach().flatten().cpu()
    kept = flat.nonzero()[:, 0]
    order = torch.randperm(len(kept), generator=torch_generator("randomised-weights", name))
    flat[kept] = flat[kept[order]]
    values.copy_(flat.view(values.shape))


def _register(name: str, title: str, summary: str, source: str = "") -> Callable[[Draw], Draw]:
    def add(draw: Draw) -> Draw:
        BASELINES.register(name, title, summary, source)(Baseline(draw))
        return draw

    return add


@_register("random-map", "Random map", "A random value in each of 7 x 7 cells, drawn anew for every image.")
def random_map(images: Tensor, rows: Tensor) -> Tensor:
    drawn = [numpy_generator("random-map", row).random((CELLS, CELLS), dtype=np.float32) for row in rows.tolist()]
    return torch.from_numpy(np.stack(drawn)).to(images.device)


@_register("centre-blob", "Centre blob", "A round spot in the middle of the picture, the same for every image.")
def centre_blob(images: Tensor, rows: Tensor) -> Tensor:
    """A Gaussian whose standard deviation is a quarter of the picture's side."""
    height, width = images.shape[-2:]
    down, across = ((torch.arange(side) - (side - 1) / 2) / (BLOB * side) for side in (height, width))
    blob = torch.exp(-(down[:, None] ** 2 + across**2) / 2)
    return blob.to(images.device).expand(len(rows), height, width)


@_register("edges", "Edges", "Where the brightness of the picture changes; it needs no network.")
def edges(images: Tensor, rows: Tensor) -> Tensor:
    """The gradient's magnitude of the slightly smoothed grey picture."""
    grey = images.float().mean(dim=1).cpu().numpy()
    sigma = max(0.5, EDGE * max(grey.shape[-2:]))
    found = [ndimage.gaussian_gradient_magnitude(one, sigma, mode="nearest") for one in grey]
    return torch.from_numpy(np.stack(found)).to(images.device)


ADEBAYO = "Adebayo et al. 2018, cascading randomisation"
for _name, _which, _share in (
    ("randomised-output", "the last layer", 0.0),
    ("randomised-half", "the last half of the layers", 0.5),
    ("randomised-all", "all layers", 1.0),
):
    BASELINES.register(
        _name,
        f"Randomised: {_which}",
        f"Grad-CAM of the same network with the values of {_which} shuffled.",
        ADEBAYO,
    )(Baseline(randomised=_share))
