"""Settings of Sparsight: folder, device, precision, memory budgets and plugins.

`Settings.from_environment()` reads the environment once. Callers that need other values pass other
settings; nothing writes to the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.base.errors import BadSpec
from core.base.numbers import GIGABYTE, KILOBYTE, MEGABYTE

REPOSITORY = Path(__file__).parents[2]
UNITS = {"": 1, "KB": KILOBYTE, "MB": MEGABYTE, "GB": GIGABYTE}
BYTES = ("device_bytes", "ram_bytes", "disk_bytes")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings from environment variables or options of a command.

    folder: where networks and caches are written (SPARSIGHT_CACHE). device, precision: of
    computation (SPARSIGHT_DEVICE, SPARSIGHT_PRECISION); None: the GPU if there is one, float32.
    device_bytes, ram_bytes, disk_bytes: budgets (SPARSIGHT_DEVICE_BYTES, SPARSIGHT_RAM_BYTES,
    SPARSIGHT_DISK_BYTES); None: see `core.store.budgets.Budgets`. plugins: Python files that
    register networks and methods (SPARSIGHT_PLUGINS, separated as in PATH); core/base/plugins.py.
    """

    folder: Path
    device: str | None = None
    precision: str | None = None
    device_bytes: int | None = None
    ram_bytes: int | None = None
    disk_bytes: int | None = None
    plugins: tuple[Path, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings. An empty variable counts as not set. Raises BadSpec, which names the
        variable.
        """
        values = {name: environment.get(_variable(name)) for name in ("device", "precision", "plugins", *BYTES)}
        folder = Path(environment.get("SPARSIGHT_CACHE") or REPOSITORY / "models_cache")
        return cls(folder=folder).override(values, _variable)

    def override(self, values: Mapping[str, Any], name_of: Callable[[str], str]) -> Settings:
        """Return settings with the given values replaced; bytes may be written as "2GB",
        plugins as in PATH.

        Args:
            values: by field; None and "" mean no value.
            name_of: the name of a field in messages.
        Raises:
            BadSpec: an invalid number of bytes.
        """
        given = {name: value for name, value in values.items() if value not in (None, "")}
        sizes = {name: parse_bytes(str(given[name]), name_of(name)) for name in BYTES if name in given}
        if isinstance(files := given.get("plugins"), str):
            given["plugins"] = paths_of(files)
        return replace(self, **(given | sizes))


def paths_of(text: str) -> tuple[Path, ...]:
    """Return the files named in a text, separated as in PATH."""
    return tuple(Path(part).expanduser().absolute() for part in text.split(os.pathsep) if part.strip())


def _variable(name: str) -> str:
    return f"SPARSIGHT_{name.upper()}"


def parse_bytes(text: str, noun: str) -> int:
    """Parse bytes from "2GB", "512 MB" or "1000000". Raises BadSpec."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMG]B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise BadSpec(
            f"{noun} cannot be '{text[:40]}'.",
            "It must be a number of bytes, or a number with KB, MB or GB.",
            "Write 2GB, for example.",
        )
    return int(float(match[1]) * UNITS[(match[2] or "").upper()])


def shipped_folder() -> Path:
    """Return the folder of networks and tables that are part of the repository."""
    return REPOSITORY / "models_cache" / "shipped"
