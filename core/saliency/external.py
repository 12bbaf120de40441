"""All other CAM methods, provided by pytorch-grad-cam.

The methods are listed by reading the `__init__.py` of the installed package as text: importing it
takes seconds (it loads OpenCV, scikit-learn and matplotlib) and is deferred until one of its
methods is used.

Sparsight captures activations and gradients at the cut graph; the library only turns them into a
map, at the layer's own cells. Its changes to a model (mode, hooks, a replaced layer) are undone,
even after an error.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.saliency.cams import CAMS, CamMethod, Pass
from core.saliency.capture import Captured, evaluating, find_layer

LIBRARY = "pytorch_grad_cam"
NATIVE = {
    "GradCAM": "grad-cam",
    "GradCAMPlusPlus": "grad-cam++",
    "GradCAMElementWise": "grad-cam-elementwise",
    "HiResCAM": "hires-cam",
    "LayerCAM": "layer-cam",
    "ShapleyCAM": "shapley-cam",
    "RandomCAM": "random-cam",
}
LEFT_OUT = {
    "FinerCAM": "answers a different question: one class against its most similar ones, on top of a base method",
    "FullGrad": "has no target layer: it sums the biases of all layers at the size of the image",
    "RefineCAM": "multiplies the maps of several layers; a map here belongs to one layer",
    "SESS": "wraps another method around hundreds of image crops; its map belongs to the image, not to a layer",
    "DeepFeatureFactorization": "returns concepts, not one map for a class",
    "run_dff_on_image": "draws the concepts of DeepFeatureFactorization",
    "GuidedBackpropReLUModel": "not a CAM method: a gradient at the input",
    "AblationLayer": "a part of Ablation-CAM",
    "AblationLayerVit": "a part of Ablation-CAM",
    "AblationLayerFasterRCNN": "a part of Ablation-CAM",
    "ActivationsAndGradients": "the library's hooks",
}
MANY_PASSES = {"AblationCAM", "ScoreCAM"}
NOT_BY_CLASS = {"EigenCAM", "FEM", "KPCA_CAM"}
# What fails at a layer with negative values; a method that is not listed works at any layer.
NEGATIVE = {
    "AblationCAM": (
        "a channel is switched off by a value far below zero, which only a ReLU directly after the layer turns into "
        "zero"
    ),
    "FEM": "its weights are never negative, so negative values can only darken the map",
    "ScoreCAM": "its weights are never negative, so negative values can only darken the map",
    "XGradCAM": "it divides by the sum of each channel, which can vanish or change its sign",
}
# Build a matrix of cells x cells for each image.
CELLS_SQUARED = {"EigenCAM", "EigenGradCAM", "KPCA_CAM", "SegEigenCAM"}
MOST_CELLS = 64 * 64

# class name -> (title, summary, source); the name is the title in lower case
TEXTS: dict[str, tuple[str, str, str]] = {
    "AblationCAM": (
        "Ablation-CAM",
        "Switches each channel off in turn and weights it by the drop of the class score.",
        "Desai and Ramaswamy 2020, Eq. 3 (WACV)",
    ),
    "EigenCAM": (
        "Eigen-CAM",
        "Shows the strongest common pattern of all channels, whatever the class.",
        "Muhammad and Yeasin 2020 (arXiv:2008.00299)",
    ),
    "EigenGradCAM": (
        "Eigen-Grad-CAM",
        "Shows the strongest common pattern of the channels times their gradients for the class.",
        "pytorch-grad-cam, after Muhammad and Yeasin 2020 (arXiv:2008.00299)",
    ),
    "FEM": (
        "FEM",
        "Sums the channels, each weighted by how often it is unusually active, whatever the class.",
        "Fuad et al. 2020 (IPTA)",
    ),
    "KPCA_CAM": (
        "KPCA-CAM",
        "Like Eigen-CAM, but also finds patterns that are not a weighted sum of the channels.",
        "Karmani et al. 2024 (arXiv:2410.00267)",
    ),
    "ScoreCAM": (
        "Score-CAM",
        "Masks the image with each channel in turn and weights the channel by the resulting class score.",
        "Wang et al. 2020 (arXiv:1910.01279)",
    ),
    "SegEigenCAM": (
        "Seg-Eigen-CAM",
        "Like Eigen-Grad-CAM with the absolute value of the gradients, and a sign that makes the strongest region "
        "positive.",
        "Chung and Ying 2025 (Applied Sciences 15, 7562)",
    ),
    "XGradCAM": (
        "XGrad-CAM",
        "Like Grad-CAM, but a gradient counts more where the channel is more active.",
        "Fu et al. 2020 (arXiv:2008.02312)",
    ),
}


def exported_names() -> tuple[str, ...]:
    """Return the names that `pytorch_grad_cam` exports, read from its source without importing it;
    empty if it is not installed.
    """
    spec = importlib.util.find_spec(LIBRARY)
    if spec is None or spec.origin is None:
        return ()
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return tuple(alias.asname or alias.name for node in imports for alias in node.names)


def external_method(class_name: str) -> CamMethod:
    """Return a CAM method that passes our captured pass to a class of the library."""

    def maps(seen: Pass) -> Tensor:
        _check_cells(class_name, seen.captured.activations)
        with _library_cam(class_name, seen.model, find_layer(seen.model, seen.layer_name)) as cam:
            return _maps(cam, seen.images, seen.captured)

    return CamMethod(maps)


def _check_cells(class_name: str, activations: Tensor) -> None:
    cells = activations.shape[2] * activations.shape[3]
    if class_name in CELLS_SQUARED and cells > MOST_CELLS:
        raise BadSpec(
            f"{TEXTS[class_name][0]} at a layer of {cells} cells would need {cells**2 * 4 / 1e9:.1f} GB per image.",
            f"The limit is {MOST_CELLS} cells.",
            "Choose a later layer or another method.",
        )


@contextmanager
def _library_cam(class_name: str, model: nn.Module, layer: nn.Module) -> Iterator[Any]:
    """Create an instance of a library class for one layer; restore the model afterwards."""
    library = importlib.import_module(LIBRARY)
    cls = getattr(library, class_name)
    _silence(cls)
    # The library's default is one ablation layer shared by all models, which is not thread-safe.
    options = {"ablation_layer": library.AblationLayer()} if class_name == "AblationCAM" else {}
    with evaluating(model), _put_back(model, layer):
        cam = cls(model, [layer], **options)
        cam.activations_and_grads.release()  # its hooks are not needed and would keep a copy of every pass
        yield cam


@contextmanager
def _put_back(model: nn.Module, layer: nn.Module) -> Iterator[None]:
    """Undo the changes of a method that failed half-way: a replaced layer, a hook on the layer."""
    children = [(module, name, child) for module in model.modules() for name, child in module.named_children()]
    hooks = set(layer._forward_hooks)
    try:
        yield
    finally:
        for module, name, child in children:
            setattr(module, name, child)
        for hook in set(layer._forward_hooks) - hooks:
            del layer._forward_hooks[hook]


def _silence(cls: type) -> None:
    """Replace the tqdm of Score-CAM and Ablation-CAM, which print a progress bar for every image,
    by a silent one.
    """
    module = importlib.import_module(cls.__module__)
    if hasattr(module, "tqdm"):
        setattr(module, "tqdm", SimpleNamespace(tqdm=lambda steps: steps))  # noqa: B010 - no static attribute


def _maps(cam: Any, images: Tensor, captured: Captured) -> Tensor:
    """Compute maps (N, h, w) image by image: the same for any batch size, with the memory of one
    image.

    NaN where undefined.
    """
    maps = torch.full_like(captured.activations[:, 0], torch.nan)
    finite = torch.isfinite(captured.activations).all(dim=1) & torch.isfinite(captured.gradients).all(dim=1)
    finite &= (captured.targets >= 0)[:, None, None]
    for index in finite.flatten(1).all(dim=1).nonzero()[:, 0].tolist():
        maps[index] = torch.from_numpy(_one_map(cam, images, captured, index)).to(maps)
    return maps


def _one_map(cam: Any, images: Tensor, captured: Captured, index: int) -> np.ndarray:
    targets = importlib.import_module(f"{LIBRARY}.utils.model_targets")
    one = slice(index, index + 1)
    if type(cam).__name__ == "KPCA_CAM" and _same_in_all_cells(captured.activations[index]):
        return np.zeros(captured.activations.shape[2:], dtype=np.float32)  # the library would return rounding errors
    target = targets.ClassifierOutputTarget(int(captured.targets[index]))
    activations, gradients = (
        values[one].detach().cpu().numpy() for values in (captured.activations, captured.gradients)
    )
    with torch.no_grad(), np.errstate(all="ignore"):  # values that are not finite are flagged as "invalid", not printed
        cams = cam.get_cam_image(images[one], cam.target_layers[0], [target], activations, gradients, False)
    return np.asarray(cams[0], dtype=np.float32)


def _same_in_all_cells(activations: Tensor) -> bool:
    """Return whether every channel of activations (K, h, w) has only one value."""
    flat = activations.flatten(1)
    return bool((flat.amin(dim=1) == flat.amax(dim=1)).all())


def _register_all() -> None:
    for class_name in exported_names():
        if class_name in NATIVE or class_name in LEFT_OUT:
            continue
        plain = re.sub(r"[^a-zA-Z0-9]+", "-", class_name)  # for a class without texts
        title, summary, source = TEXTS.get(class_name, (plain, "A method of pytorch-grad-cam.", "pytorch-grad-cam"))
        cost = "many passes" if class_name in MANY_PASSES else "one pass"
        by_class = "no" if class_name in NOT_BY_CLASS else "yes"
        negative = NEGATIVE.get(class_name, "")
        facts = {"cost": cost, "by_class": by_class, "made_by": "pytorch-grad-cam", "negative": negative}
        CAMS.register(title.lower(), title, summary, source, **facts)(external_method(class_name))


_register_all()
