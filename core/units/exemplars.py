"""The images that excite each unit most and least, found in one pass over a data set.

The activation of a unit is the spatial mean of its map. Memory does not grow with the data set:
only the most extreme images of each unit are kept. Equal activations are ordered by a seeded
shuffle of the images, and images that were cut off at a tie are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.base.brief import brief
from core.base.draws import torch_generator
from core.base.progress import Progress, tell
from core.data.batches import Batch
from core.measures import top1
from core.saliency.capture import evaluating, find_layer
from core.units.layers import UnitLayer

DEAD_RANGE = 1e-8  # a unit whose activations differ by less is dead
MERGED = 1024  # images between two merges with the kept ones


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Exemplars:
    """The extreme images of the K units of one layer.

    strongest, weakest: (K, depth) images, as places among those that were seen, from the most
    extreme one on. strongest_values, weakest_values: (K, depth) their activations. low, high: (K,)
    the range of activations. strongest_ties, weakest_ties: (K,) images that were left out although
    they equal the last one that is kept.
    """

    strongest: Tensor
    weakest: Tensor
    strongest_values: Tensor
    weakest_values: Tensor
    low: Tensor
    high: Tensor
    strongest_ties: Tensor
    weakest_ties: Tensor

    @property
    def dead(self) -> Tensor:
        """(K,) bool: the activations do not differ, or some are not finite."""
        spread = self.high - self.low
        return ~(torch.isfinite(spread) & (spread >= DEAD_RANGE))


@dataclass(frozen=True, kw_only=True)
class Search:
    """What exemplars are looked for.

    images: how many there are at most. depth: images to keep a side. seed: of the order of equal
    activations. after_relu: read activations after a ReLU.
    """

    images: int
    depth: int
    seed: int = 0
    after_relu: bool = False


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """The result of a search: exemplars by the layer's name; the rows of the images that places
    count, (n,); and how many of these images the network classifies correctly.
    """

    exemplars: dict[str, Exemplars]
    rows: Tensor
    right: int


class _Extremes:
    """The largest values of each of K units so far, and the images they belong to.

    Args:
        order: (N,) position of each image in the shuffle that decides between equal values.
    """

    def __init__(self, depth: int, order: Tensor) -> None:
        self._depth, self._order = depth, order
        self._values: list[Tensor] = []  # of images since the last merge, (n, K) each
        self._images: list[Tensor] = []
        self.values = torch.empty(0)
        self.images = torch.empty(0, dtype=torch.int64)
        self.ties = torch.empty(0, dtype=torch.int64)

    def add(self, values: Tensor, images: Tensor) -> None:
        self._values.append(values)
        self._images.append(images)
        if sum(map(len, self._images)) >= MERGED:
            self.merge()

    def merge(self) -> None:
        """Take in the images since the last merge."""
        if not self._values:
            return
        new, images = torch.cat(self._values).T, torch.cat(self._images)
        self._values, self._images = [], []
        values, places = new, images.expand(len(new), -1)
        if len(self.values):
            values, places = torch.cat((self.values, values), 1), torch.cat((self.images, places), 1)
        by_shuffle = self._order[places].argsort(dim=1)
        shuffled = values.gather(1, by_shuffle)
        by_value = shuffled.argsort(dim=1, descending=True, stable=True)
        ordered, cut = shuffled.gather(1, by_value), min(self._depth, values.shape[1]) - 1
        last = ordered[:, cut]
        lost = (ordered[:, cut + 1 :] == last[:, None]).sum(1)
        before = self.values[:, -1] if len(self.values) else last + 1
        self.ties = lost + torch.where(before == last, self.ties, 0) if len(self.ties) else lost
        self.values = ordered[:, : cut + 1].contiguous()
        self.images = places.gather(1, by_shuffle).gather(1, by_value)[:, : cut + 1].contiguous()


def find_exemplars(
    network: nn.Module,
    batches: Iterable[Batch],
    layers: Sequence[UnitLayer],
    search: Search,
    progress: Progress = tell,
) -> Found:
    """Find the exemplars of all units of these layers in one pass.

    Args:
        network: in evaluation mode. batches: of the data set.
    """
    images, depth = search.images, search.depth
    order = torch.randperm(images, generator=torch_generator("exemplars", search.seed))
    extremes = {layer.name: (_Extremes(depth, order), _Extremes(depth, order)) for layer in layers}
    ranges: dict[str, tuple[Tensor, Tensor]] = {}
    rows: list[Tensor] = []
    seen = right = 0
    for batch, logits, means in activations(network, batches, layers, search.after_relu):
        places = torch.arange(seen, seen + len(batch.rows))
        for name, values in means.items():
            extremes[name][0].add(values, places)
            extremes[name][1].add(-values, places)
            low, high = values.amin(0), values.amax(0)
            if name in ranges:
                low, high = torch.minimum(low, ranges[name][0]), torch.maximum(high, ranges[name][1])
            ranges[name] = low, high
        rows.append(batch.rows)
        seen += len(batch.rows)
        right += int((top1(logits) == batch.labels).sum())
        progress(seen, images)
    return Found(
        exemplars={name: _exemplars(*extremes[name], *ranges[name]) for name in ranges},
        rows=torch.cat(rows) if rows else torch.empty(0, dtype=torch.int64),
        right=right,
    )


def _exemplars(strong: _Extremes, weak: _Extremes, low: Tensor, high: Tensor) -> Exemplars:
    strong.merge()
    weak.merge()
    return Exemplars(
        strongest=strong.images,
        weakest=weak.images,
        strongest_values=strong.values,
        weakest_values=-weak.values,
        low=low,
        high=high,
        strongest_ties=strong.ties,
        weakest_ties=weak.ties,
    )


def activations(
    network: nn.Module, batches: Iterable[Batch], layers: Sequence[UnitLayer], after_relu: bool = False
) -> Iterator[tuple[Batch, Tensor, dict[str, Tensor]]]:
    """Yield each batch with the logits, and the activations of the units of every layer, (n, K) on
    the CPU.
    """
    dtype = next(network.parameters()).dtype
    means: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object, maps: Tensor) -> None:
            means[name] = (maps.relu() if after_relu else maps).mean(dim=(2, 3)).float().cpu()

        return hook

    with evaluating(network), hooked(network, {layer.read: keep(layer.name) for layer in layers}), torch.no_grad():
        for batch in batches:
            yield batch, network(in_channels_last(batch.images.to(dtype))), dict(means)


def in_channels_last(images: Tensor) -> Tensor:
    """Return images (n, c, h, w) with the channels of a pixel side by side in memory: convolutions
    on a CPU take half the time or less.
    """
    return images.contiguous(memory_format=torch.channels_last)


@contextmanager
def hooked(network: nn.Module, hooks: dict[str, Callable[..., object]]) -> Iterator[None]:
    """Hook modules by name, and remove the hooks afterwards."""
    handles = [find_layer(network, name).register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
