"""What a network gives for a batch: answers and heatmaps, each computed on first access.

Heatmaps that were looked at before, at the same layer of the same network, are not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.data.batches import Batch
from core.data.frames import resampled
from core.data.photos import Box
from core.measures import top1
from core.measures.fitting import Ranked, rank
from core.results import Array
from core.saliency.baselines import BASELINES, MAPPED_BY, is_baseline
from core.saliency.cams import SaliencyBatch, saliency_maps
from core.saliency.capture import fixed_classes, own_class, this_class
from core.saliency.normalise import normalise, to_measure, usable_and_empty
from core.specs import CamSpec

Predict = Callable[[Tensor], Tensor]  # network inputs (n, channels, H, W) -> logits (n, C)


@dataclass(frozen=True, eq=False)
class Reference:
    """What the reference network gives for the images of a batch.

    predicted: (n,) classes, NO_ANSWER where its logits are not finite. maps: (n, h, w) its raw
    saliency maps, if heatmaps are compared. frames: the part of each photograph that the reference
    sees, and that the network sees; empty if they see the same.
    """

    predicted: Tensor
    maps: Tensor | None = None
    frames: tuple[tuple[Box, Box], ...] = ()


WHOLE = (0.0, 0.0, 1.0, 1.0)  # a frame of all that both networks see


@dataclass(frozen=True, eq=False)
class Seen:
    """A batch and the results of a network; each part is computed on first access.

    predict: runs the network, for columns that need further passes. own_classes: (m,) classes of
    the data set. network, cam: used to make heatmaps; for a baseline, the network of
    `network_of_maps`. reference: what the columns of a comparison compare with. before: the same
    batch and network, looked at before: its answers and maps need no other pass. others: CAM
    methods that will be asked for the same layer and target class after this one.
    """

    batch: Batch
    predict: Predict
    own_classes: Tensor | None = None
    network: nn.Module | None = None
    cam: CamSpec | None = None
    reference: Reference | None = None
    before: Seen | None = None
    others: tuple[str, ...] = ()

    @cached_property
    def logits(self) -> Tensor:
        """(n, C)"""
        if self.before is not None:
            return self.before.logits
        if self.cam is not None and not is_baseline(self.cam):
            return self.saliency.logits
        with torch.no_grad():
            return self.predict(self.batch.images)

    @cached_property
    def predicted(self) -> Tensor:
        """(n,); NO_ANSWER where the logits are not finite."""
        return top1(self.logits)

    @cached_property
    def saliency(self) -> SaliencyBatch:
        """One pass with raw maps, (n, h, w)."""
        assert self.network is not None
        assert self.cam is not None
        assert self.cam.layer
        images, cam = self.batch.images, self.cam
        return saliency_maps(self.network, images, cam.method, cam.layer, self.choose, self.others)

    @cached_property
    def classes(self) -> Tensor:
        """The classes of the maps, (n,)."""
        return self.choose(self.logits)

    @cached_property
    def raw_maps(self) -> Tensor:
        """(n, h, w), not scaled."""
        assert self.cam is not None
        if is_baseline(self.cam):
            return self._baseline
        for seen in self._same_layer():
            assert seen.cam is not None
            if seen.cam.method == self.cam.method:
                return self._for_other_classes(seen)
            if seen.cam.target == self.cam.target and self.cam.method in seen.saliency.others:
                return seen.saliency.others[self.cam.method]
        return self.saliency.maps

    def _same_layer(self) -> Iterator[Seen]:
        """Yield what was looked at before, at the same layer of the same network; those by the same
        method first.
        """
        assert self.cam is not None
        found, seen = [], self.before
        while seen is not None:
            if seen.cam is not None and seen.cam.layer == self.cam.layer and not is_baseline(seen.cam):
                found.append(seen)
            seen = seen.before
        method = self.cam.method
        yield from sorted(found, key=lambda seen: seen.cam is None or seen.cam.method != method)

    def _for_other_classes(self, seen: Seen) -> Tensor:
        """Return the maps of this method for these classes: only images of another class need a
        pass.
        """
        assert self.network is not None
        assert self.cam is not None
        other = (self.classes != seen.classes) & (self.classes >= 0)
        if not other.any():
            return seen.raw_maps
        choose = fixed_classes(self.classes[other])
        again = saliency_maps(self.network, self.batch.images[other], self.cam.method, self.cam.layer, choose)
        maps = seen.raw_maps.clone()
        maps[other] = again.maps
        return maps

    @property
    def _baseline(self) -> Tensor:
        assert self.cam is not None
        baseline = BASELINES[self.cam.method].value
        if baseline.draw is not None:
            return baseline.draw(self.batch.images, self.batch.rows)
        assert self.network is not None
        shown = fixed_classes(self.classes.clamp(min=0))
        maps = saliency_maps(self.network, self.batch.images, MAPPED_BY, self.cam.layer, shown).maps
        return maps.masked_fill((self.classes < 0)[:, None, None], torch.nan)

    def choose(self, logits: Tensor) -> Tensor:
        """Return the classes of the maps, (n,); the network's own where the wanted class is not
        known.
        """
        assert self.cam is not None
        own = own_class(logits)
        if self.cam.target == "own" or (self.cam.target == "dense" and self.reference is None):
            return own
        if isinstance(self.cam.target, int):
            return this_class(self.cam.target, logits.shape[1])(logits)
        known = self.batch.labels if self.cam.target == "label" else self._other.predicted
        wanted = known.to(logits.device)
        return torch.where(wanted >= 0, wanted, own)

    @property
    def _other(self) -> Reference:
        assert self.reference is not None
        return self.reference

    @cached_property
    def raw_cells(self) -> tuple[Tensor, Tensor]:
        """The raw maps at the target layer's own cells, this network's and the reference's, (n, h,
        w) each; in the network's frame, at the coarser of both grids, if the two have different
        ones.
        """
        assert self._other.maps is not None
        assert self.cam is not None
        own, other = self.raw_maps, self._other.maps.to(self.raw_maps.device)
        if self._other.frames or (own.shape != other.shape and not is_baseline(self.cam)):
            return self._at_common_cells(own, other)
        if own.shape != other.shape:  # a baseline that is drawn in pixels
            own = functional.adaptive_avg_pool2d(own[:, None], (other.shape[1], other.shape[2]))[:, 0]
        return own, other

    def _at_common_cells(self, own: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Return both in the network's frame, at the coarser of both grids."""
        grid = min(own.shape[1], other.shape[1]), min(own.shape[2], other.shape[2])
        frames = self._other.frames or ((WHOLE, WHOLE),) * len(own)
        both = [
            (resampled(mine, frame, frame, grid), resampled(theirs, box, frame, grid))
            for mine, theirs, (box, frame) in zip(_arrays(own), _arrays(other), frames, strict=True)
        ]
        found = [torch.tensor(np.stack(maps), device=own.device) for maps in zip(*both, strict=True)]
        return found[0], found[1]

    @cached_property
    def cells(self) -> tuple[Tensor, Tensor]:
        """`raw_cells`, each map scaled to [0, 1]."""
        own, other = self.raw_cells
        return normalise(own, own.shape[1:])[0], normalise(other, other.shape[1:])[0]

    @cached_property
    def _normalised(self) -> tuple[Tensor, list[str]]:
        return normalise(self.raw_maps, self.batch.images.shape[-2:])

    @cached_property
    def maps(self) -> Tensor:
        """Heatmaps (n, H, W) in [0, 1], NaN where invalid."""
        return to_measure(*self._normalised)

    @cached_property
    def maps_from_zero(self) -> Tensor:
        """Heatmaps (N, H, W) in [0, 1] that are only divided by their maximum, NaN where
        invalid.
        """
        return to_measure(*normalise(self.raw_maps, self.batch.images.shape[-2:], from_zero=True))

    @cached_property
    def usable_and_empty(self) -> tuple[Tensor, Tensor]:
        """(n,) each, bool."""
        return usable_and_empty(self._normalised[1])

    @property
    def truth(self) -> Tensor:
        """(n, H, W)"""
        assert self.batch.truth is not None
        return self.batch.truth

    @cached_property
    def ranked(self) -> Ranked:
        """The pixels of each heatmap in order, with the ink at them."""
        return rank(self.maps, self.truth)


def _arrays(maps: Tensor) -> list[Array]:
    return list(maps.float().cpu().numpy())
