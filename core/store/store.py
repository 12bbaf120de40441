"""ModelStore: provides pruned networks on the device, from the cheapest available source."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from core.base.device import give_memory_back, is_out_of_memory, precision_named
from core.base.stamps import Stamp
from core.jobs.control import can_be_stopped, check, works_apart
from core.models.catalogue import Catalogue, plugin_of
from core.models.dense import is_there
from core.pruning.mask import Mask, full_mask
from core.pruning.repair import reestimate
from core.pruning.scores import ranked_by
from core.results import CachePart, MaskReport
from core.specs import ModelSpec, VariantSpec
from core.store.budgets import Budgets
from core.store.collapse import Collapses
from core.store.counts import Counter
from core.store.kept_variants import KeptVariants
from core.store.memory import MemoryCache
from core.store.places import Place, Places
from core.store.shells import around, empty, takes_and_gives
from core.store.sources import SMALL, Images, Origin, Sources, amount_of, index_key, is_of, weights_key
from core.store.stamps import Stamps
from core.store.weights import stored_key

T = TypeVar("T")
CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Lent:
    """A network lent to one borrower, and the report of its pruning."""

    network: nn.Module
    count: Callable[[], MaskReport]

    @property
    def report(self) -> MaskReport:
        """The report of the pruning, counted on first access."""
        return self.count()


class ModelStore:
    """Networks by VariantSpec, least recently used evicted first. Thread-safe: each network has a
    lock, held while it is borrowed.

    Dense networks and trained levels share the memory of their weights; pruned ones are written
    into reused memory.

    Args:
        catalogue: the networks and their files. device: where they run. budgets: bytes that caches
            may use. images: for criteria that are measured on images. precision: of the networks, a
            key of PRECISIONS.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        device: torch.device,
        budgets: Budgets | None = None,
        images: Images | None = None,
        precision: str = "float32",
    ) -> None:
        self.budgets = budgets or Budgets()
        self.catalogue, self.files = catalogue, catalogue.files
        self.device, self.precision, self._images = device, precision, images
        on_device = MemoryCache("device", self.budgets.device_bytes)
        in_ram = MemoryCache("RAM", self.budgets.ram_bytes, beside=on_device)
        self._far = Sources(Origin(catalogue, self.downloads, images), in_ram, CPU)
        self._near = self._far if device.type == "cpu" else Sources(self._far.origin, on_device, device, self._far)
        self._places = Places(Place(on_device, device, self._near, precision_named(precision)), self._far)
        self._collapses = Collapses()
        self._checksums: dict[str, tuple[Stamp, str]] = {}  # by the key of the file
        self.stamps = Stamps(catalogue, self.forget)
        self.caches = [on_device, in_ram]  # all caches of values made from these files
        self.kept = KeptVariants(self.files, self.budgets.disk_bytes, precision)

    @property
    def downloads(self) -> Path:
        """The folder of downloaded weights."""
        return self.files.write_root / "downloads"

    @contextmanager
    def borrow(self, variant: VariantSpec) -> Iterator[nn.Module]:
        """Lend the pruned network on the device, in eval mode with frozen parameters, to this
        borrower alone until the block ends.

        If it does not fit on the device, it runs on the CPU, and if RAM is short, its weights are
        read from disk again; `parts` notes this. Threads that need more than fits take turns.

        Raises:
            Stopped: before a pass of the network, if the thread's control (core/jobs/control.py)
            was stopped. MissingData, BadFile: its weights are missing or damaged. UnknownName: no
            such model or criterion. OutOfMemory.
        """
        with self.lend(variant) as lent:
            yield lent.network

    @contextmanager
    def lend(self, variant: VariantSpec) -> Iterator[Lent]:
        """Lend the network together with its report, with a single lookup for both."""
        with ExitStack() as held:
            lent = self.retrying(lambda: self._lend(variant, held))
            if can_be_stopped():
                held.callback(lent.network.register_forward_pre_hook(lambda *_: check()).remove)
            yield lent

    def use(self, variant: VariantSpec, call: Callable[[Lent], T]) -> T:
        """Return the result of a call with the network.

        If memory runs out, even in the call, it is repeated once. Raises as `borrow`.
        """

        def asked() -> T:
            with self.lend(variant) as lent:
                return call(lent)

        return self.retrying(asked)

    def mask(self, variant: VariantSpec) -> Mask:
        """Return the mask by parameter name, on the CPU. It is shared: do not modify it.

        It takes a quarter of the memory of the network.
        """
        stamp = self.stamps.of(variant)
        if not variant.pruning.is_one_shot:
            with self._far.weights(variant, stamp) as stored:
                return stored.mask or full_mask(stored.weights, self.catalogue.card(variant.model).prunable)
        with self._place_of(variant).sources.index(variant, stamp) as (_, index):
            mask = index.mask(*amount_of(variant)) | self._far.companion_masks(variant, index)
            return {name: kept.cpu() for name, kept in mask.items()}

    def report(self, variant: VariantSpec) -> MaskReport:
        """Return what is left in the tensors, what the pruning removed, and whether the network is
        collapsed.
        """
        return self._report(variant, self.stamps.of(variant), self._place_of(variant).sources)

    def keep(self, variant: VariantSpec) -> Path:
        """Write a one-shot variant to disk, as mask bits and kept values; from then on it is read
        instead of computed.

        Raises:
            BadSpec: another schedule, or larger than the budget on disk. CacheNotWritable: for
            example a full disk; nothing is lost.
        """
        stamp, report, mask = self.stamps.of(variant), self.report(variant), self.mask(variant)
        with self.borrow(variant) as network:
            return self.kept.save(report, network.state_dict(), mask, stamp)

    def parts(self) -> tuple[CachePart, ...]:
        """Return bytes, hits and misses of each tier, and notes on what does not fit."""
        device, ram = self._places.near.cache.report(), self._far.cache.report()
        return replace(device, notes=self._places.notes_of("device")), replace(ram, notes=self._places.notes_of("RAM"))

    def allow(self, budgets: Budgets) -> None:
        """Change the budgets; what no longer fits is evicted now, or when it is returned."""
        self.budgets, self.kept.budget_bytes = budgets, budgets.disk_bytes
        self._places.near.cache.resize(budgets.device_bytes)
        self._far.cache.resize(budgets.ram_bytes)

    def missing(self, model: ModelSpec) -> bool:
        """Return whether the dense weights of this model are missing on this machine."""
        card = self.catalogue.card(model)
        present = is_there(card, model, self.downloads)
        if present is None:
            present = self.files.exists(self.stored_key(VariantSpec(model=model)))
        return not present

    def stored_key(self, variant: VariantSpec) -> str:
        """Return the key in `files` of a dense network or a trained level. Raises BadSpec,
        UnknownName.
        """
        return stored_key(variant, self.catalogue.card(variant.model))

    def checksum(self, variant: VariantSpec) -> str:
        """Return the checksum of the file of a variant's weights: its own for a trained level, else
        that of the dense network; "" for weights outside the store. If a plugin builds the network
        or ranks its weights, the plugin's code counts too, and the values of weights outside the
        store. Raises BadSpec, UnknownName.
        """
        key = self.stored_key(variant if variant.pruning.is_trained else variant.dense)
        stamp = self.files.stamp(key)
        known = self._checksums.get(key)
        if known is None or known[0] != stamp:
            known = self._checksums[key] = stamp, self.files.checksum(key)
        built, ranked = plugin_of(variant.model.name), ranked_by(variant)
        if not built and not ranked:
            return known[1]
        values = self._values(variant.dense) if built and not known[1] else ""
        return hashlib.sha256(f"{known[1]} {built} {ranked} {values}".encode()).hexdigest()

    def _values(self, dense: VariantSpec) -> str:
        """Return a digest of the dense weights; "" if they are not on this machine."""
        if self.missing(dense.model):
            return ""
        stamp, name = self.stamps.of(dense), f"values/{dense.model.key}"
        known = self._checksums.get(name)
        if known is None or known[0] != stamp:
            digest = hashlib.sha256()
            with self._far.weights(dense, stamp) as stored:
                for each in sorted(stored.weights):
                    digest.update(each.encode() + stored.weights[each].contiguous().numpy().tobytes())
            known = self._checksums[name] = stamp, digest.hexdigest()
        return known[1]

    def retrying(self, call: Callable[[], T]) -> T:
        """Return the result of a call; if memory runs out, free everything that is not in use and
        repeat it once.

        Raises: OutOfMemory. Whatever the call raises.
        """
        try:
            return call()
        except Exception as error:  # its traceback holds memory, so the second try is made after this block
            if not is_out_of_memory(error):
                raise
        self.free()
        try:
            return call()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise self.budgets.not_enough(self.device) from error

    def forget(self, model: ModelSpec) -> None:
        """Drop everything made from this model's files; what is borrowed is released when it is
        returned.
        """
        self._collapses = Collapses()
        for cache in self.caches:
            cache.drop_all(lambda key: is_of(key, model))

    def free(self) -> None:
        """Free all memory that is not in use."""
        for cache in (self._places.near.cache, self._far.cache):
            cache.evict()
        gc.collect()
        give_memory_back()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _lend(self, variant: VariantSpec, held: ExitStack) -> Lent:
        """Borrow the network where it fits; it is returned when `held` ends, or at once after an
        error.
        """
        stamp, place, card = self.stamps.of(variant), self._place_of(variant), self.catalogue.card(variant.model)
        with ExitStack() as tried:
            if place.shares(variant):
                network = tried.enter_context(self._around(variant, stamp, place))
            else:
                key = _network_key(variant, stamp)
                kind = variant.model.name, self.catalogue.look_at(variant.model.name), place.device
                write = partial(self._written, variant, stamp, place)
                network = tried.enter_context(place.cache.borrow_reused(key, write, place.bytes(card), kind))
            held.enter_context(tried.pop_all())
        return Lent(network, partial(self._report, variant, stamp, place.sources))

    @contextmanager
    def _around(self, variant: VariantSpec, stamp: Stamp, place: Place) -> Iterator[nn.Module]:
        """Lend a network that uses the stored weights themselves: it has no memory of its own and
        is evicted with them.
        """
        with place.sources.weights(variant, stamp) as stored:
            card, key = self.catalogue.card(variant.model), _network_key(variant, stamp)

            def make() -> tuple[nn.Module, int]:
                return self._fitted(around(card, stored.weights), place), 0

            with place.sources.cache.borrow(key, make, under=weights_key(variant, card, stamp)) as network:
                yield network

    def _written(self, variant: VariantSpec, stamp: Stamp, place: Place, spare: nn.Module | None) -> nn.Module:
        """Return the network of a variant, written into the memory of a spare one if given."""
        card = self.catalogue.card(variant.model)
        if place.in_place:
            network = self._fitted(around(card, place.sources.pruned_in_place(variant, stamp)).to(place.dtype), place)
        else:
            network = spare or self._fitted(empty(card, place.device, place.dtype), place)
            out = network.state_dict()
            if place.sources.has_index(variant, stamp) or not self.kept.read_into(variant, stamp, out):
                place.sources.write(variant, stamp, out)
        if (
            variant.pruning.repair == "batch-norm" and self._images is not None
        ):  # the images are those for measured criteria
            reestimate(network, [self._images(variant.model)[0].to(place.device, place.dtype)])
        return network

    def _place_of(self, variant: VariantSpec) -> Place:
        return self._places.of(variant, self.catalogue.card(variant.model))

    def _fitted(self, network: nn.Module, place: Place) -> nn.Module:
        """Make a network of another precision or device convert its inputs and outputs."""
        alike = place.device == self.device and next(network.parameters(), torch.empty(0)).dtype == torch.float32
        return network if alike else takes_and_gives(network, place.device, place.dtype, self.device)

    def _report(self, variant: VariantSpec, stamp: Stamp, sources: Sources) -> MaskReport:
        def count() -> tuple[MaskReport, int]:
            return self.retrying(lambda: self._count(variant, stamp, sources)), SMALL

        with self._far.cache.borrow((f"report/{variant.key}", stamp), count, exclusive=False) as report:
            return report

    def _count(self, variant: VariantSpec, stamp: Stamp, sources: Sources) -> MaskReport:
        if not sources.has_index(variant, stamp) and (kept := self.kept.report(variant, stamp)):
            return kept
        if variant.pruning.is_one_shot:
            return self._count_pruned(variant, stamp, sources)
        with self._far.weights(variant, stamp) as stored:
            return Counter(variant, self.catalogue.card(variant.model), stored).trained()

    def _count_pruned(self, variant: VariantSpec, stamp: Stamp, sources: Sources) -> MaskReport:
        """Count a one-shot variant by its index. A mask is made only if some layer may have lost a
        whole channel.
        """
        amount = amount_of(variant)
        with sources.index(variant, stamp) as (stored, index):
            counter = Counter(variant, self.catalogue.card(variant.model), stored)
            collapsed = not index.every_row_stays(*amount) and self._collapses.ask(
                (index_key(variant, stamp), *amount[1:]),
                amount[0],
                lambda: counter.cuts_off(index.mask(*amount)),
            )
            return counter.pruned(index, self._far.companion_masks(variant, index), collapsed)


def _network_key(variant: VariantSpec, stamp: Stamp) -> tuple[str, Stamp]:
    """Return the key of a network; work that stays apart has a copy under another one."""
    return f"{'apart/' if works_apart() else ''}network/{variant.key}", stamp
