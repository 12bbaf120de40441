"""Tensors on disk under models_cache: one safetensors file per key, with its facts and checksum.

One file, not a pair with a JSON beside it: two processes that write the same key at once could
leave the data of one beside the JSON of the other, and no order of renames prevents that. One
`os.replace` of one file is atomic. Files are never unpickled.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from core.base.atomic import replacing
from core.base.checks import CHECK
from core.base.errors import BadFile, BadSpec, CacheNotWritable, MissingData
from core.base.stamps import Stamp, stamp_from, stamp_of
from core.disk.coding import Damage, Facts, Tensors, decode, encode, read_head

SUFFIX = ".safetensors"
DAMAGED = ".damaged"
AGAIN = "run the step that creates it again"
LONGEST_PART = 200  # bytes of one part of a key; file systems allow 255 with the suffixes
_log = logging.getLogger(__name__)


class Files:
    """Entries by key. Reading searches `write_root` first, then each of `read_roots`, which are
    never changed.

    A key such as "thesis-cnn/mnist/seed-1/level-03" is the file
    <root>/thesis-cnn/mnist/seed-1/level-03.safetensors.
    A read root may lie inside the write root (models_cache/shipped): keys of the write root cannot
    reach into it.

    Args:
        write_root: folder for new entries; created when needed.
        read_roots: folders that are only read.
    """

    def __init__(self, write_root: Path, read_roots: Sequence[Path] = ()) -> None:
        self.write_root = Path(write_root).absolute()
        self.read_roots = tuple(
            root for root in (Path(folder).absolute() for folder in read_roots) if root != self.write_root
        )
        self._places = lru_cache(maxsize=5000)(self._all_paths)
        self._facts = lru_cache(maxsize=5000)(self._read_facts)

    def save(self, key: str, tensors: Tensors, facts: Facts) -> Path:
        """Write an entry, replacing one of the same key; readers see the old or the new one, never
        a mixture.

        Args:
            key: name of the entry, with slashes for folders.
            tensors: by name, on any device; stored bit for bit.
            facts: metadata; anything that JSON can hold.
        Returns:
            the file written.
        Raises:
            BadSpec: the key would leave the folder. CacheNotWritable: read-only or full disk; no
            partial file is left.
        """
        path = self._path(self.write_root, key)
        content = encode(tensors, facts)
        try:
            with replacing(path) as part, open(part, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # otherwise a power cut could leave the new name with old or no content
        except OSError as error:
            raise _not_writable(path.parent, error) from error
        return path

    def load(self, key: str, repair: str = "") -> tuple[Tensors, Facts]:
        """Read an entry and verify its checksum.

        A damaged file in the write root is renamed *.damaged, and a valid copy in a read root is
        returned instead.

        Args:
            repair: what the caller does about a damaged file, in a sentence; "" if people have to
                do something.
        Returns:
            tensors by name on the CPU, and the facts saved with them.
        Raises:
            MissingData: there is no such entry. BadFile: the entry is damaged or of another
            version.
        """
        problem: BadFile | None = None
        for root in (self.write_root, *self.read_roots):
            path = self._path(root, key)
            try:
                return _read(path, set_aside=root == self.write_root, repair=repair)
            except FileNotFoundError:
                continue
            except BadFile as error:
                _log.warning("%s", error)
                problem = problem or error
        raise problem or self._missing(key)

    def facts(self, key: str) -> Facts:
        """Read only the facts of an entry, from the header of its file, and verify them. Of files
        of older versions, this takes reading the tensors too. Raises as `load`.
        """
        path = self.find(key)
        return dict(self._facts(key, path, stamp_of(path)))

    def _read_facts(self, key: str, path: Path, stamp: Stamp) -> Facts:
        try:
            with open(path, "rb") as file:
                record = read_head(file)
            if CHECK in record:
                return dict(record["facts"])
        except (Damage, OSError):
            pass  # `load` raises the error, or finds the valid copy
        return self.load(key)[1]

    def checksum(self, key: str) -> str:
        """Return the checksum in the header of an entry's file; "" if it is missing or damaged."""
        try:
            with open(self.find(key), "rb") as file:
                return str(read_head(file)["sha256"])
        except (Damage, OSError, MissingData):
            return ""

    def exists(self, key: str) -> bool:
        """Return whether the entry exists; only `load` verifies its content."""
        return any(self._path(root, key).is_file() for root in (self.write_root, *self.read_roots))

    def stamp(self, key: str) -> Stamp:
        """Return the stamp of the files that `load` would read, in every root. Raises BadSpec."""
        return stamp_of(*self._places(key))

    def delete(self, key: str) -> None:
        """Remove the entry from the write root; a copy in a read root stays and is read from then
        on. Raises CacheNotWritable.
        """
        path = self._path(self.write_root, key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _not_writable(path.parent, error) from error

    def keys(self, prefix: str = "") -> list[str]:
        """Return all keys that start with `prefix`, sorted."""
        found: set[str] = set()
        for root in (self.write_root, *self.read_roots):
            folder, begins = self._path(root, prefix + "x").parent, prefix.rpartition("/")[2]
            for path in _files_below(folder, begins):
                key = path.relative_to(root).as_posix().removesuffix(SUFFIX)
                if key.startswith(prefix) and not self._in_nested_root(root, path):
                    found.add(key)
        return sorted(found)

    def bytes(self, key: str) -> int:
        """Return the size of the entry on disk, in bytes. Raises MissingData."""
        return self.find(key).stat().st_size

    def _all_paths(self, key: str) -> tuple[str, ...]:
        return tuple(str(self._path(root, key)) for root in (self.write_root, *self.read_roots))

    def find(self, key: str) -> Path:
        """Return the file of an entry. Raises MissingData, BadSpec."""
        for root in (self.write_root, *self.read_roots):
            if (path := self._path(root, key)).is_file():
                return path
        raise self._missing(key)

    def _missing(self, key: str) -> MissingData:
        folders = ", ".join(str(root) for root in (self.write_root, *self.read_roots))
        return MissingData(
            f"'{key}' is not on this machine.", f"Looked in: {folders}.", "Compute it first, or copy it there."
        )

    def _path(self, root: Path, key: str) -> Path:
        parts = key.split("/")
        if not all(_is_plain(part) for part in parts):
            raise BadSpec(
                f"'{key[:80]}' is not a valid key of the cache.",
                f"A key consists of printable parts of at most {LONGEST_PART} bytes joined by '/', without '.', '..', "
                "':' and '\\'.",
                "Use the key of a spec.",
            )
        path = root.joinpath(*parts[:-1], parts[-1] + SUFFIX)
        if self._in_nested_root(root, path):
            raise BadSpec(
                f"'{key}' reaches into a read-only folder of the cache.",
                "Its entries have keys relative to that folder.",
            )
        return path

    def _in_nested_root(self, root: Path, path: Path) -> bool:
        return any(
            other != root and other.is_relative_to(root) and path.is_relative_to(other) for other in self.read_roots
        )


def _files_below(folder: Path, begins: str) -> Iterator[Path]:
    """Yield the files of entries in a folder's own files and subfolders whose names begin so.
    Whatever is deleted meanwhile is passed over.
    """
    for home, within, names in os.walk(folder):
        if Path(home) == folder:
            within[:] = [name for name in within if name.startswith(begins)]
            names = [name for name in names if name.startswith(begins)]
        yield from (Path(home, name) for name in names if name.endswith(SUFFIX))


def _is_plain(part: str) -> bool:
    """Return whether a part of a key stays inside its folder on every system: ':' and the backslash
    would lead out on Windows.
    """
    return (
        part not in ("", ".", "..")
        and part.isprintable()
        and not set(part) & {":", "\\"}
        and len(part.encode()) <= LONGEST_PART
    )


def _read(path: Path, set_aside: bool, repair: str, tries: int = 3) -> tuple[Tensors, Facts]:
    """Read tensors and facts of one file.

    Raises FileNotFoundError, and BadFile after renaming a damaged file.
    """
    try:
        with open(path, "rb") as file:
            state = stamp_from(os.fstat(file.fileno()))
            content = file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        return decode(content)
    except Damage as damage:
        with contextlib.suppress(FileNotFoundError):
            if tries > 1 and stamp_from(path.stat()) != state:  # another process has just replaced it: read the new one
                return _read(path, set_aside, repair, tries - 1)
        raise _bad_file(path, damage, set_aside, repair) from damage


def _bad_file(path: Path, damage: Damage, set_aside: bool, repair: str) -> BadFile:
    """Return the error for a damaged file, after renaming it if that is allowed and possible."""
    wrong = f"The file {path} cannot be used: {damage}."
    allowed = "Entries of the cache must have a valid checksum and format."
    if set_aside:
        aside = path.with_name(path.name + DAMAGED)
        with contextlib.suppress(OSError):
            os.replace(path, aside)
            renamed = f"It was renamed to {aside.name}"
            return BadFile(wrong, allowed, f"{renamed}. {repair}" if repair else f"{renamed}; {AGAIN}.")
        return BadFile(wrong, allowed, repair or f"Delete it, then {AGAIN}.")
    return BadFile(wrong, allowed, f"Restore it; for a file included with Sparsight: git checkout -- '{path}'.")


def _unreadable(path: Path, error: OSError) -> BadFile:
    return BadFile(
        f"The file {path} cannot be read: {error.strerror or error}.",
        "Entries of the cache must be readable files.",
        "Check the permissions of the file and its folder.",
    )


def _not_writable(folder: Path, error: OSError) -> CacheNotWritable:
    return CacheNotWritable(
        f"The cache folder {folder} cannot be written: {error.strerror or error}.",
        "New results are stored there; existing ones can still be read.",
        "Free some space or make the folder writable, then try again.",
    )
