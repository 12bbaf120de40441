"""Which networks an engine knows: built-in ones, a person's own, modules of a notebook, and
retrained ones, those included that a job adds while the program runs.
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
from core.models.cards import Card, Series
from core.models.description import FILE, Description, look, paths
from core.models.own import About, ModuleFacts
from core.models.zoo import MODELS
from core.specs import ModelSpec

_log = logging.getLogger(__name__)
NUMBERS = dict(enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2))


class Catalogue(Entries[Card]):
    """The networks of one engine by name. Safe for threads.

    Each question about a network looks whether its card has changed on disk; looking again costs
    little while nothing has.

    Args:
        files: the folders in which own and retrained networks lie.
    """

    def __init__(self, files: Files) -> None:
        super().__init__("model", MODELS)  # its entries are replaced as a whole, never changed
        self.files = files
        self.roots = (files.write_root, *files.read_roots)
        self._looking = threading.RLock()
        self._seen: dict[str, Stamp] = {}  # of the files that hold a card, by the network's name
        self.damaged: tuple[BadFile, ...] = ()  # cards that cannot be used, as found last
        self.refresh()

    def card(self, model: ModelSpec) -> Card:
        """The card of a model. Raises as `named`."""
        return self.named(model.name)

    def named(self, name: str) -> Card:
        """The card of a model of this catalogue, or of any other CNN of torchvision by its name
        there.

        Raises:
            UnknownName: a model that is nowhere. BadSpec: a vision transformer.
        """
        entry = self._entries.get(name)
        card = entry.value if entry else torchvision_cnns.named(name)
        if card is None:
            raise UnknownName("model", name, [*dict.fromkeys((*self, *torchvision_cnns.names()))])
        return card

    def series_of(self, model: ModelSpec) -> Series | None:
        """The trained series of these weights; None where there is none. Raises as `named`."""
        return self.card(model).series_of(model.weights)

    def default_model(self, name: str) -> ModelSpec:
        """A model's first weights and seed. Raises as `named`."""
        return self.named(name).first_model(name)

    def title(self, model: ModelSpec) -> str:
        """What people call it; the name of a network that is not listed."""
        return self[model.name].title if model.name in self else model.name

    def add(self, weights: Path | bytes, about: About) -> ModelSpec:
        """Takes in weights of a person's own, for good. Raises as `own.take_in`."""
        entry = own.take_in(self.files, weights, about, self.named)
        with self._looking:
            self._seen[entry.name] = self._stamp(entry.name)
            self._put(entry)
        return entry.value.first_model(entry.name)

    def add_module(self, module: nn.Module, facts: ModuleFacts) -> ModelSpec:
        """Any network of a notebook, for as long as the notebook runs. Raises as
        `own.from_module`.
        """
        entry = own.from_module(module, facts)
        with self._looking:
            if entry.name not in self:
                self._put(entry)
        return entry.value.first_model(entry.name)

    def refresh(self) -> tuple[str, ...]:
        """Finds networks that are new or have changed on disk, and forgets those that are gone;
        their names.
        """
        with self._looking:
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
        """The stamp of the files that hold a network's card; "" for one whose card is no file.

        A card that has changed is read at once.
        """
        if "@" not in name and not own.is_file(name):
            return ""
        stamp = self._stamp(name)
        if self._seen.get(name) != stamp:
            self.refresh()
        return stamp

    def _put(self, entry: Entry[Card]) -> None:
        self._entries = {**self._entries, entry.name: entry}

    def _own(
        self, names: list[str], retrained: Mapping[str, Entry[Card]], damaged: list[BadFile]
    ) -> dict[str, Entry[Card]]:
        """The own networks among these; what is wrong with the others is added to `damaged`."""

        def named(name: str) -> Card:
            return retrained[name].value if name in retrained else self.named(name)

        found = {}
        for name in filter(own.is_file, names):
            try:
                found[name] = self._same_or_new(own.read_kept(self.files, name, named))
            except SparsightError as error:
                damaged.append(BadFile(error.wrong, error.allowed, error.next_step))
        return found

    def _same_or_new(self, entry: Entry[Card]) -> Entry[Card]:
        """The known entry where it says the same: its card has counted its layers already."""
        known = self._entries.get(entry.name)
        # the function that builds a network is made anew each time
        alike = known is not None and replace(known.value, build=entry.value.build) == entry.value
        return known if known is not None and alike and known.title == entry.title else entry

    def _stamp(self, name: str) -> Stamp:
        if "@" in name:
            return stamp_of(*(folder / name / FILE for folder in self.roots))
        return self.files.stamp(own.file_key(name))


def title_of(architecture: str) -> str:
    """What people call an architecture; its name where it is not listed."""
    return MODELS[architecture].title if architecture in MODELS else architecture


def _retrained(found: Description) -> Entry[Card]:
    summary = (
        f"{found.architecture} retrained on {found.data}: {len(found.classes)} classes, {len(found.runs)} trained"
        " series."
    )
    data = re.sub(r"-\d+$", "", found.data)  # without the size of its images
    count = NUMBERS.get(len(found.classes), f"{len(found.classes):,}")
    title = f"{title_of(found.architecture)}, {count} {data[:1].upper()}{data[1:]} classes"
    return Entry(found.name, found.card(), title, summary, "weights trained by this project", {"retrained": "yes"})
