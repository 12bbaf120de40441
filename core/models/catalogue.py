"""The retrained networks of this machine among the models, those that a job adds while the program
runs too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace

from core.base.errors import BadFile
from core.base.registry import Entry
from core.base.stamps import Stamp, stamp_of
from core.disk.files import Files
from core.disk.lock import locked
from core.models.cards import Card
from core.models.description import FILE, Description, drop_seed, lock_path, look, paths
from core.models.zoo import MODELS, series_of
from core.results import TrainedLevel
from core.specs import ModelSpec, VariantSpec

_log = logging.getLogger(__name__)


class Retrained:
    """The retrained networks of a store's folders, kept among the models.

    Looking again costs little while nothing has changed.
    """

    def __init__(self, files: Files) -> None:
        self._files, self._folders = files, (files.write_root, *files.read_roots)
        self._looking = threading.Lock()
        self._names: set[str] = set()  # of networks that were there at the last look
        self._seen: dict[str, Stamp] = {}  # of the cards, by the network's name
        self.damaged: tuple[BadFile, ...] = ()  # cards that cannot be used, as found last

    def refresh(self) -> tuple[str, ...]:
        """Registers what is new or has changed, and forgets what has gone; their names."""
        with self._looking:
            return self._refresh()

    def _refresh(self) -> tuple[str, ...]:
        seen = {path.parent.name: self._stamp(path.parent.name) for path in paths(self._folders)}
        if seen == self._seen:
            return ()
        descriptions, damaged = look(self._folders)
        for error in damaged:
            _log.warning("%s", error)
        self._seen, self.damaged = seen, tuple(damaged)
        gone = self._names - {found.name for found in descriptions}
        for name in gone:
            MODELS.drop(name)
        self._names = {found.name for found in descriptions}
        return (*register(descriptions), *sorted(gone))

    def look_at(self, name: str) -> Stamp:
        """The stamp of one network's cards; "" for a network that has none.

        One that has changed is read at once.
        """
        if "@" not in name:
            return ""
        stamp = self._stamp(name)
        if self._seen.get(name) != stamp:
            self.refresh()
        return stamp

    def last(self, model: ModelSpec) -> int | None:
        """The last level of a series that is trained; None where none is. Raises UnknownName."""
        series = series_of(model)
        there = (
            (p.level for p, _ in series.levels if self._files.exists(VariantSpec(model=model, pruning=p).key))
            if series
            else ()
        )
        return max((level for level in there if level is not None), default=None)

    def levels(self, model: ModelSpec) -> tuple[TrainedLevel, ...]:
        """The levels of a series that are trained, from 0 on, as their files say.

        Raises BadFile, UnknownName.
        """
        series = series_of(model)
        found = []
        for pruning, target in series.levels if series else ():
            variant = VariantSpec(model=model, pruning=pruning)
            if self._files.exists(variant.key):
                found.append(self._level(variant, target))
        return tuple(found)

    def forget(self, model: ModelSpec) -> None:
        """Deletes a trained series from disk; one that came along stays.

        Raises CacheNotWritable, Busy while it is being trained.
        """
        with locked(lock_path(self._files.write_root, model), model.key):
            for key in self._files.keys(f"{model.key}/"):  # also what unfinished levels have left
                self._files.delete(key)
            if (self._files.write_root / model.name / FILE).is_file():
                drop_seed(self._files.write_root, model.name, model.weights, model.seed)
        self.refresh()

    def _stamp(self, name: str) -> Stamp:
        return stamp_of(*(folder / name / FILE for folder in self._folders))

    def _level(self, variant: VariantSpec, target: float) -> TrainedLevel:
        outcome = self._files.facts(variant.key).get("outcome") or {}
        epochs = outcome.get("history") or [{}]
        own = (self._files.write_root / f"{variant.key}.safetensors").is_file()
        return TrainedLevel(
            variant=variant,
            target=target,
            bytes=self._files.bytes(variant.key),
            own=own,
            epoch=outcome.get("best_epoch"),
            correct=outcome.get("best_correct"),
            total=epochs[0].get("total"),
        )


def register(descriptions: Iterable[Description]) -> tuple[str, ...]:
    """Puts them among the models, in place of what they were before; the names of those that are
    new or other than before.
    """
    changed = []
    for found in descriptions:
        card = found.card()
        if found.name in MODELS and _alike(MODELS[found.name].value, card):
            continue
        summary = (
            f"{found.architecture} retrained on {found.data}: {len(found.classes)} classes, {len(found.runs)} trained"
            " series."
        )
        title = f"{found.architecture}, {found.data}"
        MODELS.put(Entry(found.name, card, title, summary, "weights trained by this project", {"retrained": "yes"}))
        changed.append(found.name)
    return tuple(changed)


def _alike(one: Card, other: Card) -> bool:
    """Equal but for the function that builds them, which is made anew each time."""
    return replace(one, build=other.build) == other
