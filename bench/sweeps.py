"""Benches of sweeps in one process: compared with a plain script and with bare forward passes."""

from __future__ import annotations

import copy
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils import prune

from bench.heatmap import library_cam
from bench.measure import BENCHES, alternate, line
from core.data.folders import PREFIX, read_folder
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.specs import ModelSpec, PruningSpec, VariantSpec
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping

MODEL, BATCH = "efficientnet-lite0", 16
SPARSITIES = tuple(round(0.05 * step, 2) for step in range(1, 9))
SIMILARITIES = ("pearson", "spearman", "ssim")
MEASURES = ("right", "agrees", *SIMILARITIES)
SCRIPT = "torch.nn.utils.prune, pytorch-grad-cam {}, SciPy and scikit-image; photographs decoded once, batches of {}"


@contextmanager
def photographs(count: int) -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of at least so many photographs: of SPARSIGHT_DATA's
    imagenette-224-unseen.zip (500), else those of the gallery, repeated.
    """
    archive = Path(os.environ.get("SPARSIGHT_DATA", "")) / "imagenette-224-unseen.zip"
    if archive.is_file():
        yield archive.stem, archive
        return
    photos = list(GALLERY.values())
    with tempfile.TemporaryDirectory() as folder:
        for row in range(count):
            photo = photos[row % len(photos)].value
            target = Path(folder) / (photo.subject or "other") / f"{row}{photo.path.suffix}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(photo.path, target)
        yield "gallery, repeated", Path(folder)


def asked(place: Path, images: int, sparsities: Sequence[float], model: str = MODEL) -> dict[str, Any]:
    """Return the sweep of these benches, as a file holds it."""
    return {
        "models": [model],
        "prunings": [{}, *({"sparsity": each} for each in sparsities)],
        "data": f"{PREFIX}{place}",
        "images": images,
        "heatmaps": ["grad-cam"],
        "measures": list(MEASURES),
    }


@BENCHES.register(
    "sweep",
    "Sweep",
    "EfficientNet-lite0 and eight prunings of it over 200 photographs: answers, Grad-CAM, similarity to the dense map.",
)
def sweep(
    engine: Engine, n: int | None, images: int = 200, sparsities: Sequence[float] = SPARSITIES, model: str = MODEL
) -> dict[str, Any]:
    """Against a script as a person would write it, on the same photographs, in turn, n times
    (default 1) after a warm-up on a few of them. Both decode, prune, make maps and measure; ours
    also reads the weights' checksum and writes its tables. `largest_difference`: of any similarity;
    `differing`: answers that only one of the two counts as right, or as the dense network's;
    `undefined`: similarities without a value in ours.
    """
    with photographs(images) as (source, place):
        few = from_mapping(asked(place, min(2, images), sparsities[:1], model))
        whole = from_mapping(asked(place, images, sparsities, model))
        found: dict[str, pandas.DataFrame] = {}

        def ours(i: int) -> None:
            found["ours"] = swept(engine, whole if i else few)

        def peer(i: int) -> None:
            found["peer"] = script(engine, whole if i else few)

        times = alternate(ours, peer, n or 1, engine.device)
    text = SCRIPT.format(version("grad-cam"), BATCH)
    row = line("sweep", engine.device, times[0], (text, times[1]), model=model, source=source, images=images)
    return row | {"networks": whole.networks} | differences(found["ours"], found["peer"])


def swept(engine: Engine, spec: SweepSpec) -> pandas.DataFrame:
    """Run a sweep in a folder of its own with an engine of its own; nothing is there before."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Sweep(Engine(str(engine.device), folder), spec)
        for _ in fresh.run():
            pass
        return frame(fresh).reset_index(drop=True)


def script(engine: Engine, spec: SweepSpec) -> pandas.DataFrame:
    """Return the same rows, computed without Sparsight's pruning, maps and measures."""
    images, labels, dense, layer = _for_script(engine, spec)
    parts: list[pandas.DataFrame] = []
    classes: np.ndarray = np.empty(0)
    maps: np.ndarray = np.empty(0)
    for pruning in spec.prunings:
        network = pruned(engine, spec.models[0], dense, pruning.sparsity or 0.0)
        predicted, found = _explained(network, layer, images, classes)
        if not len(classes):  # the dense network comes first
            classes, maps = predicted, found
        facts = {"right": predicted == labels, "agrees": predicted == classes}
        rows = [_similar(one, other) for one, other in zip(found, maps, strict=True)]
        parts.append(pandas.DataFrame(facts | pandas.DataFrame(rows, columns=list(SIMILARITIES)).to_dict("series")))
    return pandas.concat(parts, ignore_index=True)


def _for_script(engine: Engine, spec: SweepSpec) -> tuple[Tensor, np.ndarray, nn.Module, str]:
    """Images (N, 3, H, W) as torchvision prepares them, labels, the dense network, its layer."""
    from torchvision import transforms

    model = spec.models[0]
    card, whole = engine.card(model), Sweep(engine, spec)
    rows = whole.rows(model)
    rule = card.input
    steps = [
        transforms.Resize(
            rule.size_px if rule.resize_px is None else rule.resize_px,
            transforms.InterpolationMode(rule.interpolation),
        ),
        transforms.CenterCrop(rule.size_px),
        transforms.ToTensor(),
        transforms.Normalize(rule.mean, rule.std),
    ]
    prepare = transforms.Compose(steps)
    files = read_folder(Path(spec.data.name.removeprefix(PREFIX))).photos
    images = [prepare(Image.open(io.BytesIO(files[row].content())).convert("RGB")) for row in rows.tolist()]
    dense = card.build().eval()
    with engine.store.borrow(VariantSpec(model=model)) as lent:
        dense.load_state_dict(lent.state_dict())
    labels = whole.inputs(model).labels.cpu()[rows].numpy()
    return torch.stack(images).to(engine.device), labels, dense.to(engine.device), card.target_layer


def pruned(engine: Engine, model: ModelSpec, dense: nn.Module, sparsity: float) -> nn.Module:
    """A copy of a network, pruned by PyTorch."""
    network = copy.deepcopy(dense)
    names = engine.card(model).prunable
    parts = [(network.get_submodule(name.removesuffix(".weight")), "weight") for name in names]
    if sparsity:
        scope = PruningSpec.one_shot(sparsity).scope
        assert scope == "global"
        prune.global_unstructured(parts, prune.L1Unstructured, amount=sparsity)
        for module, name in parts:
            prune.remove(module, name)
    return network


def _explained(network: nn.Module, layer: str, images: Tensor, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes (N,) and maps (N, h, w) of these classes, by default of the predicted
    ones.
    """
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    predicted, maps = [], []
    with library_cam("GradCAM", network, layer) as cam:
        cam.get_target_width_height = lambda images: None  # maps are compared at the layer's own cells
        for start in range(0, len(images), BATCH):
            targets = [ClassifierOutputTarget(int(name)) for name in classes[start : start + BATCH]] or None
            maps.append(cam(images[start : start + BATCH], targets))
            predicted.append(cam.outputs.argmax(1).cpu().numpy())
    return np.concatenate(predicted), np.concatenate(maps)


def _similar(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    from scipy.stats import spearmanr
    from skimage.metrics import structural_similarity

    if one.min() == one.max() or other.min() == other.max():
        return (np.nan,) * 3
    pearson = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    return pearson, spearmanr(one.ravel(), other.ravel()).statistic, structural_similarity(one, other, data_range=1.0)


def differences(ours: pandas.DataFrame, peer: pandas.DataFrame) -> dict[str, Any]:
    """Return how far the numbers of both sides lie apart; rows are in the same order."""
    values = ours[list(SIMILARITIES)].to_numpy(float)
    apart = np.abs(values - peer[list(SIMILARITIES)].to_numpy(float))
    return {
        "rows": len(ours),
        "largest_difference": float(f"{np.nanmax(apart):.3g}"),
        "differing": int(sum((ours[name] != peer[name]).sum() for name in ("right", "agrees"))),
        "undefined": int(np.isnan(values).sum()),
        "undefined_differing": int((np.isnan(apart) & ~np.isnan(values)).sum()),
    }


@BENCHES.register(
    "sweep-overhead",
    "Overhead of a sweep",
    "The same sweep over 100 photographs, against the bare forward passes of its networks over the same batches.",
)
def sweep_overhead(
    engine: Engine, n: int | None, images: int = 100, sparsities: Sequence[float] = SPARSITIES, model: str = MODEL
) -> dict[str, Any]:
    """In turn, n times (default 1) after a warm-up on a few images. `ours_s` is everything: reading
    and checking files, pruning, the dense network's maps, measures, tables. `peer_s`: one pass of
    each network over each image; images are in memory. `over_forward`: ours_s / peer_s.
    """
    with photographs(images) as (source, place):
        few = from_mapping(asked(place, min(2, images), sparsities[:1], model))
        whole = from_mapping(asked(place, images, sparsities, model))
        subject, reader = whole.models[0], Sweep(engine, whole)
        batches = list(reader.batches(subject).batches(rows=reader.rows(subject)))

        def forward(i: int) -> None:
            with engine.store.borrow(VariantSpec(model=subject)) as network, torch.no_grad():
                for _ in range(whole.networks if i else 1):
                    for batch in batches if i else batches[:1]:
                        network(batch.images)

        times = alternate(lambda i: swept(engine, whole if i else few), forward, n or 1, engine.device)
    peer = ("bare forward passes of the same batches", times[1])
    row = line("sweep-overhead", engine.device, times[0], peer, model=model, source=source, images=images)
    return row | {"networks": whole.networks, "over_forward": round(row["ours_s"] / row["peer_s"], 3)}
