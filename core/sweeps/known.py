"""Sweeps that are known by name: the included ones, and those that were run here.

Each is a YAML file beside the tables that it asks for, <folder>/sweeps/<name>.yaml. Its first line
is its title.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from core.base.atomic import replacing
from core.base.errors import CacheNotWritable, SparsightError, UnknownName
from core.base.stamps import Stamp, stamp_of
from core.data.folders import PREFIX, name_of
from core.sweeps.spec import SweepSpec
from core.sweeps.tables import FOLDER
from core.sweeps.written import read_sweep, to_yaml

DIGITS = 8  # of a checksum in the name of a sweep
LETTERS = 40  # of its title there


@dataclass(frozen=True, kw_only=True)
class Known:
    """A sweep by its name. is_own: it was run here, and is not an included one."""

    name: str
    title: str
    path: Path
    is_own: bool

    def read(self) -> SweepSpec:
        """Return what it asks; its photographs are those of SPARSIGHT_PHOTOS if that names a copy
        of them. Raises BadFile, BadSpec, UnknownName.
        """
        return with_own_photographs(_read(self.path, stamp_of(self.path)))


@lru_cache(maxsize=64)
def _read(path: Path, stamp: Stamp) -> SweepSpec:
    return read_sweep(path)


def with_own_photographs(spec: SweepSpec) -> SweepSpec:
    """Return a sweep with a person's own copy of its photographs, if SPARSIGHT_PHOTOS names one."""
    own = os.environ.get("SPARSIGHT_PHOTOS", "")
    if own and spec.data.name.startswith(PREFIX) and name_of(PREFIX + own) == name_of(spec.data.name):
        return replace(spec, data=replace(spec.data, name=PREFIX + own))
    return spec


def known_sweeps(roots: Sequence[Path], folder: str = FOLDER) -> dict[str, Known]:
    """Return the sweeps in these folders by name, the included ones first.

    Args:
        roots: the writable folder, then those that are only read. folder: below each root.
    """
    found: dict[str, Known] = {}
    for place, root in reversed([*enumerate(roots)]):
        for path in sorted((Path(root) / folder).glob("*.yaml")):
            found.setdefault(path.stem, Known(name=path.stem, title=title_of(path), path=path, is_own=place == 0))
    return found


def find_sweep(text: str, roots: Sequence[Path], folder: str = FOLDER) -> Path:
    """Return the YAML file that is meant by its path, or by the name of a known sweep.

    Raises:
        UnknownName: there is neither such a file nor such a sweep.
    """
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or os.path.isfile(path):
        return path  # that it cannot be read, whoever reads it says
    known = known_sweeps(roots, folder)
    if text not in known:
        raise UnknownName("sweep", text, list(known))
    return known[text].path


def keep(roots: Sequence[Path], spec: SweepSpec, title: str) -> str:
    """Make a sweep known, unless it is, and return its name.

    Args:
        roots: the writable folder, then those that are only read.
    Raises:
        CacheNotWritable.
    """
    for one in known_sweeps(roots).values():
        if _asks(one) == spec:
            return one.name
    text = to_yaml(spec, title)
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:LETTERS].strip("-")
    name = "-".join(filter(None, (words, hashlib.sha256(text.encode()).hexdigest()[:DIGITS])))
    path = Path(roots[0]) / FOLDER / f"{name}.yaml"
    try:
        with replacing(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CacheNotWritable(
            f"{path} could not be written ({error.strerror or error}).",
            "The folder must be writable and have free space.",
            "Free some space or choose another folder with --folder.",
        ) from error
    return name


def _asks(one: Known) -> SweepSpec | None:
    try:
        return one.read()
    except SparsightError:  # whoever chooses it is told why
        return None


def title_of(path: Path) -> str:
    """Return the first line of a file without its "#"; the name of a file that has no such line."""
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline().strip()
    except (OSError, UnicodeDecodeError):
        return path.stem
    return line.lstrip("# ").rstrip(".") if line.startswith("#") and line.lstrip("# ") else path.stem
