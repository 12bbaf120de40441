"""A network and the reference that it is compared with: which class, layer and place of one is
which of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from core.base.errors import BadSpec
from core.base.numbers import percent
from core.data.classes import is_imagenet, paired_classes
from core.data.frames import resampled, seen_by_one
from core.data.homonyms import another_meaning
from core.data.photos import Box, Placement
from core.engine.reference_name import reference_name
from core.models.cards import Card
from core.models.catalogue import Catalogue
from core.results import Array, Heatmap, Mapped, Picture, frozen_array
from core.specs import NO_SUCH_CLASS, CamSpec, VariantSpec

PEAK = 1e-12  # a map whose largest value is below this is empty


@dataclass(frozen=True, eq=False, kw_only=True)
class Pair:
    """A network and its reference. mapping: names of classes, the reference's and the network's,
    that go before equal names. name: what people read for the reference.
    """

    variant: VariantSpec
    reference: VariantSpec
    card: Card
    reference_card: Card
    mapping: Mapped
    name: str

    @classmethod
    def of(cls, catalogue: Catalogue, variant: VariantSpec, reference: VariantSpec | None, mapping: Mapped) -> Pair:
        """Return the pair; without a reference, that of the network and its own dense one.

        Raises UnknownName for a network that does not exist.
        """
        reference = reference or variant.dense
        return cls(
            variant=variant,
            reference=reference,
            card=catalogue.card(variant.model),
            reference_card=catalogue.card(reference.model),
            mapping=() if reference == variant.dense else tuple(sorted(set(mapping))),
            name=reference_name(catalogue, variant, reference),
        )

    @property
    def is_usual(self) -> bool:
        """Whether the reference is the network's own dense one."""
        return self.reference == self.variant.dense

    @property
    def same_card(self) -> bool:
        """Whether both are of one network: the same classes, layers and input."""
        return self.reference.model.name == self.variant.model.name

    @property
    def key(self) -> str:
        """The part of the key of a comparison that names the reference; "" for the usual one."""
        return "" if self.is_usual else f"/{self.reference.key}/{self.mapping!r}"

    @cached_property
    def classes(self) -> tuple[int | None, ...]:
        """The network's class for each class of the reference; None for those it lacks.

        Raises UnknownName, BadSpec: the mapping names no class, or one class twice.
        """
        return paired_classes(self.reference_card.classes, self.card.classes, self.mapping)

    def own_class(self, index: int | None) -> int | None:
        """Return the network's class for a class of the reference; None for no class."""
        return index if index is None or self.is_usual else self.classes[index]

    def needed(self, index: int) -> int:
        """Return the network's class for a class of the reference. Raises BadSpec without one."""
        found = self.classes[index]
        if found is None:
            raise _no_class(self.reference_card.classes[index], "the reference", "this network", last=False)
        return found

    def own_classes(self, predicted: Tensor, needed: bool) -> Tensor:
        """Return the network's classes for classes of the reference, (n,); negative values, which
        stand for no class, stay.

        Args:
            needed: raise BadSpec if the network lacks one of them.
        """
        if self.is_usual or self.reference_card.classes == self.card.classes:
            return predicted
        asked = predicted.unique().tolist()
        pairs = {index: self.needed(index) if needed else self.classes[index] for index in asked if index >= 0}
        own = [pairs.get(index, index) for index in predicted.tolist()]
        return torch.tensor([NO_SUCH_CLASS if each is None else each for each in own])

    def frames(self, sources: Sequence[tuple[int, int]]) -> tuple[tuple[Box, Box], ...]:
        """Return which part of each photograph the reference sees, and the network; empty if they
        see the same. sources: (width, height) of each photograph.
        """
        if self.same_card:
            return ()
        rules = self.reference_card.input, self.card.input
        found = [(Placement.of(each, rules[0]).in_source, Placement.of(each, rules[1]).in_source) for each in sources]
        return tuple(found) if any(theirs != own for theirs, own in found) else ()

    def asked_of_reference(self, cam: CamSpec, label: int | None) -> CamSpec:
        """Return the heatmap that the reference makes.

        Args:
            cam: of the network. label: of the image, as a class of the network.
        Raises:
            BadSpec: the reference lacks the target class.
        """
        layer = self._layer(cam.layer)
        wanted = label if cam.target == "label" else cam.target
        if wanted is None or isinstance(wanted, str):
            return replace(cam, layer=layer, target="label" if wanted is None else "own")
        if wanted < len(self.card.classes) and wanted not in self.classes:
            raise _no_class(self.card.classes[wanted], "this network", "the reference", last=True)
        return replace(cam, layer=layer, target=self.classes.index(wanted) if wanted in self.classes else wanted)

    def _layer(self, layer: str) -> str:
        """Return the reference's layer for one of the network: the same one, or the usual one of
        another architecture.
        """
        usual = self.reference_card.target_layer
        if layer in ("", self.card.target_layer) and self.card.target_layer != usual:
            return usual
        return layer if self.same_card or layer in [each.name for each in self.reference_card.layers] else usual

    def aligned(self, reference: Heatmap, pruned: Heatmap, pictures: tuple[Picture, Picture]) -> Aligned:
        """Return both heatmaps in the frame of the network.

        Args:
            pictures: the image as the reference and as the network receives it.
        """
        own, frame = pictures[0].frame, pictures[1].frame
        if own is None or frame is None or (own == frame and reference.map.shape == pruned.map.shape):
            own = frame = (0.0, 0.0, 1.0, 1.0)
        else:
            values = resampled(reference.map, own, frame, pruned.map.shape)
            reference = _scaled(replace(reference, map=values))
        same = reference.saliency.shape == pruned.saliency.shape
        grid = tuple(map(min, reference.saliency.shape, pruned.saliency.shape))
        cells = [_at_cells(side, box, frame, grid) for side, box in ((reference, own), (pruned, frame))]
        return Aligned(reference=cells[0], pruned=pruned, pruned_cells=cells[1], same_cells=same)

    def notes(self, aligned: Aligned, pictures: tuple[Picture, Picture]) -> tuple[str, ...]:
        """Return remarks on the networks, and on how the two are compared, in sentences."""
        if self.same_card:
            return self.card.notes
        notes, (theirs, own) = self._class_notes(aligned.reference.target_class), pictures
        if theirs.frame != own.frame and theirs.frame and own.frame and own.source_px:
            share = percent(seen_by_one(theirs.frame, own.frame, own.source_px))
            notes.append(
                "The two networks see different parts of the photograph: compared in the frame of the original, where"
                f" {share} of what they see is seen by one only and counts as no evidence of the other."
            )
        shape = aligned.reference.saliency.shape
        if not aligned.same_cells:
            notes.append(
                "The target layers of the two networks have different cells: similarity is taken at"
                f" {shape[0]} × {shape[1]} cells, each the mean of the map over its area."
            )
        if aligned.reference.cam.layer != aligned.pruned.cam.layer:
            notes.append(
                f"The reference's heatmap is made at its layer {aligned.reference.cam.layer}, this network's at"
                f" {aligned.pruned.cam.layer}."
            )
        return tuple(dict.fromkeys((*self.card.notes, *self.reference_card.notes, *notes)))

    def _class_notes(self, target: int | None) -> list[str]:
        """Return a remark on a class whose name may mean something else to one of the networks.

        Args:
            target: the class of the heatmaps, as one of the reference.
        """
        lists = self.reference_card.classes, self.card.classes
        if target is None or lists[0] == lists[1] or all(map(is_imagenet, lists)):
            return []
        name = lists[0][target]
        return [f"{text}." for classes in lists if (text := another_meaning(name, classes))]


@dataclass(frozen=True, eq=False, kw_only=True)
class Aligned:
    """Two heatmaps in the frame of one network. reference, pruned: their `map` has equal pixels.
    pruned_cells: the network's heatmap with the cells of the reference's `saliency`. same_cells:
    whether the target layers of both have as many cells.
    """

    reference: Heatmap
    pruned: Heatmap
    pruned_cells: Heatmap
    same_cells: bool


def against(variant: VariantSpec, reference: VariantSpec | None) -> tuple[VariantSpec, ...]:
    """Return a reference as an argument of `Engine.stamp`; the usual one has no further files."""
    return () if reference in (None, variant.dense) else (reference,)


def _at_cells(side: Heatmap, own: tuple[float, ...], frame: tuple[float, ...], grid: tuple[int, ...]) -> Heatmap:
    """Return a heatmap whose raw maps have these cells of a frame."""
    if own == frame and side.saliency.shape == grid:
        return side

    def again(values: Array) -> Array:
        return resampled(values, own, frame, grid)  # type: ignore[arg-type]

    return replace(
        side, saliency=again(side.saliency), others={name: again(each) for name, each in side.others.items()}
    )


def _scaled(side: Heatmap) -> Heatmap:
    """Return a heatmap whose largest value is 1 again, after a part of it was cut off."""
    peak = float(side.map.max())
    if not side.usable or not np.isfinite(peak):
        return side
    if peak < PEAK:
        return replace(side, map=frozen_array(np.zeros_like(side.map)), state="empty")
    return replace(side, map=frozen_array(side.map / np.float32(peak)))


def _no_class(name: str, has: str, lacks: str, last: bool) -> BadSpec:
    pair = f"('…', '{name}')" if last else f"('{name}', '…')"
    return BadSpec(
        f"'{name}' of {has} is no class of {lacks}.",
        "Both heatmaps are for one class, which is found by its name, and a name must fit one class only.",
        f"State which class it is (mapping=({pair},), or --map on the command line), or choose another target class.",
    )
