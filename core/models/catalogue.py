"""The networks that an engine knows: built-in ones, your own weights, modules of a notebook, and
retrained networks, including those that a job adds while the program runs.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import nn

from core.base.errors import BadFile, SparsightError, UnknownName
from core.base.registry import Entries, Entry
from core.base.stamps import Stamp, stamp_of
from core.disk.files import Files
from core.models import own, torchvision_cnns
from core.models.cards import Card, Series, State
from core.models.description import FILE, Description, look, paths
from core.models.found import Found, look_into
from core.models.modules import ModuleFacts
from core.models.own import About
from core.models.smaller import Smaller
from core.models.zoo import MODELS
from core.specs import ModelSpec

_log = logging.getLogger(__name__)
NUMBERS = dict(enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2))


class Catalogue(Entries[Card]):
    """The networks of one engine by name. Thread-safe.

    Each question about a network checks whether its card has changed on disk, which is cheap if it
    has not.

    Args:
        files: the folders of own and retrained networks.
    """

    def __init__(self, files: Files) -> None:
        super().__init__("model", MODELS)  # entries are replaced as a whole, never modified
        self.files = files
        self.roots = (files.write_root, *files.read_roots)
        self._looking = threading.RLock()
        self._looks = 0  # that have begun
        self._seen: dict[str, Stamp] = {}  # stamps of the files that hold a card, by the network's name
        self.damaged: tuple[BadFile, ...] = ()  # unusable cards, as of the last check
        self.refresh()

    def card(self, model: ModelSpec) -> Card:
        """Return the card of a model. Raises as `named`."""
        return self.named(model.name)

    def named(self, name: str) -> Card:
        """Return the card of a model of this catalogue, or of any other CNN of torchvision by its
        torchvision name.

        Raises:
            UnknownName: an unknown model. BadSpec: a vision transformer.
        """
        entry = self._entries.get(name)
        card = entry.value if entry else torchvision_cnns.named(name)
        if card is None:
            raise UnknownName("model", name, [*dict.fromkeys((*self, *torchvision_cnns.names()))])
        return card

    def series_of(self, model: ModelSpec) -> Series | None:
        """Return the trained series of these weights, or None. Raises as `named`."""
        return self.card(model).series_of(model.weights)

    def default_model(self, name: str) -> ModelSpec:
        """Return a model's first weights and seed. Raises as `named`."""
        return self.named(name).first_model(name)

    def title(self, model: ModelSpec) -> str:
        """Return the title of a model; the name of a network that is not listed."""
        return self[model.name].title if model.name in self else model.name

    def add(self, weights: Path | bytes, about: About, name: str = "") -> ModelSpec:
        """Add your own weights permanently. Args, Raises: as `own.take_in`."""
        return self._added(own.take_in(self.files, weights, about, self.named, name))

    def add_smaller(self, state: State, about: About, smaller: Smaller) -> ModelSpec:
        """Add a network that was shrunk here permanently. Raises as `own.take_in_smaller`."""
        return self._added(own.take_in_smaller(self.files, state, about, smaller, self.named))

    def remove(self, name: str) -> None:
        """Delete an own network from the models folder.

        Raises UnknownName: there is none of this name. CacheNotWritable.
        """
        names = own.kept_names(self.files)
        if name not in names:
            raise UnknownName("own network", name, names)
        self.files.delete(own.file_key(name))
        self.refresh()

    def _added(self, entry: Entry[Card]) -> ModelSpec:
        with self._looking:
            self._seen[entry.name] = self._stamp(entry.name)
            self._put(entry)
        return entry.value.first_model(entry.name)

    def look_into(self, weights: Path | bytes, name: str = "", architecture: str = "", weight_set: str = "") -> Found:
        """Find out what a file of weights holds. Raises as `found.look_into`."""
        return look_into(weights, self.named, name, architecture, weight_set)

    def about(self, name: str) -> About:
        """Return the facts of an own network. Raises BadFile, MissingData."""
        return own.about_kept(self.files, name)

    def change(self, name: str, about: About) -> ModelSpec:
        """Give an own network other facts; see `own.change`. Raises as it."""
        entry = own.change(self.files, name, about, self.named)
        self.refresh()
        return entry.value.first_model(entry.name)

    def add_module(self, module: nn.Module, facts: ModuleFacts) -> ModelSpec:
        """Add a PyTorch module of a notebook, for as long as the notebook runs. Raises as
        `own.from_module`.
        """
        entry = own.from_module(module, facts)
        with self._looking:
            if entry.name not in self:
                self._put(entry)
        return entry.value.first_model(entry.name)

    def refresh(self) -> tuple[str, ...]:
        """Find networks that are new or changed on disk and forget deleted ones; return their
        names. A thread that waits for another one's look takes what that finds, if it began later
        than the question.
        """
        asked = self._looks
        with self._looking:
            if self._looks > asked:
                return ()
            self._looks += 1
            names = [*(path.parent.name for path in paths(self.roots)), *own.kept_names(self.files)]
            seen = {name: self._stamp(name) for name in names}
            if seen == self._seen:
                return ()
            descriptions, damaged = look(self.roots)
            before, found = self._entries, {each.name: self._same_or_new(_retrained(each)) for each in descriptions}
            found |= self._own(names, found, damaged)
            for error in damaged:
                _log.warning("%s", error)
            stay = {name: entry for name, entry in before.items() if name not in self._seen}
            self._entries = stay | found
            self._seen, self.damaged = seen, tuple(damaged)
            changed = [name for name, entry in found.items() if before.get(name) is not entry]
            return (*changed, *(name for name in before if name not in self._entries))

    def look_at(self, name: str) -> Stamp:
        """Return the stamp of the files that hold a network's card, and of the plugin that builds
        it; "" for a card without either.

        A card that has changed is read at once.
        """
        if "@" not in name and not own.is_file(name):
            return plugin_of(name)
        stamp = self._stamp(name)
        if self._seen.get(name) != stamp:
            self.refresh()
        return f"{stamp}{plugin_of(name)}"

    def _put(self, entry: Entry[Card]) -> None:
        self._entries = {**self._entries, entry.name: entry}

    def _own(
        self, names: list[str], retrained: Mapping[str, Entry[Card]], damaged: list[BadFile]
    ) -> dict[str, Entry[Card]]:
        """Return your own networks among these; errors of the others are added to `damaged`."""

        def named(name: str) -> Card:
            return retrained[name].value if name in retrained else self.named(name)

        entries = {}
        for name in filter(own.is_file, names):
            try:
                entries[name] = self._same_or_new(own.read_kept(self.files, name, named))
            except SparsightError as error:
                damaged.append(BadFile(error.wrong, error.allowed, error.next_step))
        return entries

    def _same_or_new(self, entry: Entry[Card]) -> Entry[Card]:
        """Return the known entry if it is equal: its card has already counted its layers."""
        known = self._entries.get(entry.name)
        # the function that builds a network is created anew each time
        alike = known is not None and replace(known.value, build=entry.value.build) == entry.value
        return known if known is not None and alike and known.title == entry.title else entry

    def _stamp(self, name: str) -> Stamp:
        if "@" in name:
            return stamp_of(*(folder / name / FILE for folder in self.roots))
        return self.files.stamp(own.file_key(name))


def plugin_of(name: str) -> str:
    """Return the digest of the plugin whose code builds a network, with weights of your own too; ""
    for Sparsight's architectures.
    """
    if name in MODELS:
        return MODELS[name].plugin
    return plugin_of(own.architecture_in(name)) if own.is_file(name) else ""


def title_of(architecture: str) -> str:
    """Return the title of an architecture; its name if it is not listed."""
    return MODELS[architecture].title if architecture in MODELS else architecture


def _retrained(description: Description) -> Entry[Card]:
    summary = (
        f"{description.architecture} retrained on {description.data}: {len(description.classes)} classes,"
        f" {len(description.runs)} trained series."
    )
    data = re.sub(r"-\d+$", "", description.data)  # without the size of its images
    count = NUMBERS.get(len(description.classes), f"{len(description.classes):,}")
    title = f"{title_of(description.architecture)}, {count} {data[:1].upper()}{data[1:]} classes"
    return Entry(
        description.name, description.card(), title, summary, "weights trained by this project", {"retrained": "yes"}
    )
