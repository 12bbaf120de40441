"""Choose where a network runs: on the device if it fits there, else on the CPU in RAM, else read
again from disk.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.base.numbers import size
from core.models.cards import Card
from core.specs import VariantSpec
from core.store.memory import MemoryCache
from core.store.sources import Sources
from core.store.weights import network_bytes


@dataclass(frozen=True, eq=False)
class Place:
    """A device, the cache that counts its memory, and the source of its weights.

    in_place: RAM holds only one network, so a pruned one overwrites dense weights that are read for
    it.
    """

    cache: MemoryCache
    device: torch.device
    sources: Sources
    dtype: torch.dtype
    in_place: bool = False

    def shares(self, variant: VariantSpec) -> bool:
        """Return whether the network uses the stored weights themselves."""
        return not variant.pruning.is_one_shot and self.dtype == torch.float32 and self.sources.device == self.device

    def bytes(self, card: Card) -> int:
        """Return the memory of a separate network."""
        return network_bytes(card, torch.float32 if self.in_place else self.dtype)


class Places:
    """Chooses by known sizes, and notes what does not fit.

    Args:
        near: the device. far: weights in RAM; on a CPU, the same as those of `near`.
    """

    def __init__(self, near: Place, far: Sources) -> None:
        self.near, self.far = near, far
        # Model, pruned or not -> tier that is too small, note.
        self._notes: dict[tuple[str, bool], tuple[str, str]] = {}

    def of(self, variant: VariantSpec, card: Card) -> Place:
        """Return the place of this variant."""
        pruned = variant.pruning.is_one_shot or self.near.dtype != torch.float32
        full, own = network_bytes(card), network_bytes(card, self.near.dtype)
        place, note = self._pruned(variant, full, own) if pruned else self._dense(full)
        key = (variant.model.name, pruned)
        if note is None:
            self._notes.pop(key, None)
        else:
            self._notes[key] = note[0], f"{variant.model.name}: {note[1]}"
        return place

    def notes_of(self, tier: str) -> tuple[str, ...]:
        """Return notes on what does not fit in this tier and what is done instead."""
        return tuple(note for name, note in list(self._notes.values()) if name == tier)

    def _dense(self, full: int) -> tuple[Place, tuple[str, str] | None]:
        device, ram = self.near.cache.budget_bytes, self.far.cache.budget_bytes
        here = Place(self.far.cache, self.far.device, self.far, torch.float32)
        if self.near.sources is not self.far and full <= device:
            return self.near, None
        if full > ram:
            return here, (
                "RAM",
                (
                    f"its weights take {size(full)}, more than the RAM budget ({size(ram)}): they are read from disk "
                    "each time."
                ),
            )
        if self.near.sources is not self.far:
            return here, (
                "device",
                f"it takes {size(full)}, more than the device budget ({size(device)}): it runs on the CPU.",
            )
        return here, None

    def _pruned(self, variant: VariantSpec, full: int, own: int) -> tuple[Place, tuple[str, str] | None]:
        near, device, ram = self.near, self.near.cache.budget_bytes, self.far.cache.budget_bytes
        gpu = near.sources is not self.far
        if gpu and full + own <= device:
            return near, None
        if own <= device and full <= ram:
            place = Place(near.cache, near.device, self.far, near.dtype)
            return place, (
                (
                    "device",
                    f"its dense weights stay in RAM, since {size(full + own)} exceed the device budget.",
                )
                if gpu
                else None
            )
        short = f"a pruned network of {size(own)} and its dense weights of {size(full)} are more than"
        if full + own <= ram:
            where = "it runs on the CPU" if gpu else "both are kept in RAM"
            return Place(self.far.cache, self.far.device, self.far, near.dtype), (
                "device",
                f"{short} fits ({size(device)}): {where}.",
            )
        alone = Place(self.far.cache, self.far.device, self.far, near.dtype, in_place=variant.pruning.is_one_shot)
        return alone, (
            "RAM",
            f"{short} RAM may keep ({size(ram)}): weights are read from disk for each sparsity, which takes longer.",
        )
