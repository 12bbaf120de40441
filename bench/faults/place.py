"""Where a hostile input is tried: a cache folder, and a tree beside it that nothing may touch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SECRET = "what nobody may read"


@dataclass(frozen=True)
class Place:
    """home: a folder of this trial. Names that lead two to five folders up from the cache or from
    the inputs end in `home` or around it.
    """

    home: Path

    @property
    def cache(self) -> Path:
        """The folder that Sparsight may write to."""
        return self.home / "in" / "the" / "cache"

    @property
    def inputs(self) -> Path:
        """Where hostile files lie, and where commands are run."""
        return self.home / "in" / "the" / "work"

    @property
    def marker(self) -> Path:
        """The file that code in a file would create."""
        return self.home / "outside" / "ran"

    def prepare(self) -> None:
        for folder in (self.cache, self.inputs, self.marker.parent, self.home / "in" / "outside"):
            folder.mkdir(parents=True)
        for folder in (self.home / "outside", self.home / "in" / "outside"):
            (folder / "secret.txt").write_text(SECRET)

    def outside(self) -> dict[str, bytes]:
        """Return what lies outside of the two folders, by path."""
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else b""
            for path in sorted(self.home.rglob("*"))
            if not path.is_relative_to(self.cache) and not path.is_relative_to(self.inputs)
        }

    def faults(self, before: dict[str, bytes]) -> list[str]:
        """Say which files outside were written, changed or deleted."""
        after = self.outside()
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        ran = ["code of the input was run"] if self.marker.exists() else []
        return ran + [f"{name} outside of the cache folder was written or deleted" for name in changed]
