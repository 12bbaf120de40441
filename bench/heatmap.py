"""Bench of single heatmaps, compared with a bare forward pass, which every heatmap needs, and with
pytorch-grad-cam.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from bench.measure import BENCHES, line
from core.base.timing import seconds
from core.data.gallery import GALLERY
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.models.dense import is_there
from core.models.zoo import default_model
from core.saliency import own_class, saliency_maps
from core.specs import ImageRef, ModelSpec, VariantSpec

# The first one's times at one image are the bench's own.
NETWORKS = ("efficientnet-lite0", "resnet18", "resnet50", "vgg16")
PEERS = {"grad-cam++": "GradCAMPlusPlus", "grad-cam": "GradCAM"}  # the same here
BATCHES = (1, 16)


@contextmanager
def library_cam(class_name: str, network: nn.Module, layer_name: str) -> Iterator[Any]:
    """A class of pytorch-grad-cam for one layer; `cam(images, None)` gives maps (N, H, W) for the
    class that is predicted.

    What follows the layer gets a copy of its answer: the library keeps the answer itself, and where
    an activation or a sum works in place on it (DenseNet's last ReLU, ResNet's shortcuts) it would
    make the map of what became of it.
    """
    import pytorch_grad_cam

    layer = network.get_submodule(layer_name)
    with getattr(pytorch_grad_cam, class_name)(network, [layer]) as cam:
        handle = layer.register_forward_hook(lambda module, inputs, output: output.clone())
        try:
            yield cam
        finally:
            handle.remove()


@BENCHES.register(
    "heatmap",
    "Heatmap",
    "Grad-CAM and Grad-CAM++ of photographs on four networks, against the bare forward pass and pytorch-grad-cam.",
)
def heatmap(
    engine: Engine, n: int | None, networks: tuple[str, ...] = NETWORKS, batches: tuple[int, ...] = BATCHES
) -> dict[str, Any]:
    """Everything alternates in one run, after a warm-up. `rows`: network, weights, method, images,
    medians of seconds, and the medians of ours / forward pass and of peer / ours, round by round
    (`n`; half as many for batches). Weights that are not on this machine are random, which costs
    the same."""
    rows, first = [], None
    for name in networks:
        model = _model(engine, name)
        for images in batches:
            rounds = n or 7
            # A batch takes many times as long.
            times = _times(engine, model, images, rounds if images == 1 else max(1, rounds // 2))
            first = first or times
            rows += [_row(model, images, method, times) for method in PEERS]
    assert first is not None
    method = next(iter(PEERS))
    peer = (f"pytorch-grad-cam {version('grad-cam')}", first[f"peer {method}"])
    row = line("heatmap", engine.device, first[method], peer, model=networks[0], method=method, images=batches[0])
    return row | {"forward_s": round(statistics.median(first["forward"]), 6), "rows": rows}


def _model(engine: Engine, name: str) -> ModelSpec:
    """With its own weights where they are on this machine."""
    model = default_model(name)
    return (
        model
        if is_there(engine.card(model), model, engine.store.downloads)
        else ModelSpec(name=name, weights=RANDOM, seed=0)
    )


def _times(engine: Engine, model: ModelSpec, count: int, n: int) -> dict[str, list[float]]:
    """Seconds of the forward pass, of each method, and of the library's."""
    found = engine.card(model)
    images = photographs(engine, model, count)
    with ExitStack() as stack:
        ours = stack.enter_context(engine.store.borrow(VariantSpec(model=model)))
        theirs = found.build().eval()  # its parameters ask for gradients, as a person has them
        theirs.load_state_dict(ours.state_dict())
        theirs.to(engine.device)
        calls: dict[str, Callable[[], object]] = {}
        for method, class_name in PEERS.items():
            cam = stack.enter_context(library_cam(class_name, theirs, found.target_layer))
            calls[f"peer {method}"] = lambda cam=cam: cam(images, None)  # type: ignore[misc]
        # What comes after the library finds the memory's state as it left it: a pass that is not
        # counted, for the three that follow.
        calls |= {"settle": lambda: _forward(ours, images), "forward": lambda: _forward(ours, images)}
        for method in PEERS:
            calls[method] = lambda method=method: saliency_maps(ours, images, method, found.target_layer, own_class)  # type: ignore[misc]
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(n + 1):  # the first round warms up
            for name, call in calls.items():
                times[name].append(seconds(call, engine.device))
    return {name: values[1:] for name, values in times.items()}


@torch.no_grad()
def _forward(network: nn.Module, images: Tensor) -> Tensor:
    return network(images)


def photographs(engine: Engine, model: ModelSpec, count: int) -> Tensor:
    """Input of this many photographs that come along, again from the first where there are fewer.

    On the device.
    """
    found, names = engine.card(model), list(GALLERY)
    seen = [
        torch.from_numpy(engine.picture(ImageRef(source="gallery", name=names[i % len(names)]), model).seen.copy())
        for i in range(count)
    ]
    return found.input(torch.stack(seen).permute(0, 3, 1, 2).contiguous().to(engine.device))


def _row(model: ModelSpec, images: int, method: str, times: dict[str, list[float]]) -> dict[str, Any]:
    ours, forward, peer = times[method], times["forward"], times[f"peer {method}"]
    over = statistics.median(a / b for a, b in zip(ours, forward, strict=True))
    ratio = statistics.median(a / b for a, b in zip(peer, ours, strict=True))
    return {
        "model": model.name,
        "weights": model.weights,
        "method": method,
        "images": images,
        "n": len(ours),
        "ours_s": round(statistics.median(ours), 6),
        "forward_s": round(statistics.median(forward), 6),
        "peer_s": round(statistics.median(peer), 6),
        "ours_over_forward": round(over, 3),
        "ratio": round(ratio, 3),
    }
