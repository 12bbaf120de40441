"""Zip files of photographs that people upload: kept in the cache folder, where jobs read them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from core.base.atomic import replacing
from core.base.errors import CacheNotWritable, SparsightError
from core.data.folders import read_folder


def keep_zip(content: bytes, name: str, folder: Path) -> Path:
    """Stores a zip file of photographs, once for the same content, and returns its path.

    Args:
        name: of the file as uploaded. folder: the cache folder.
    Raises:
        BadSpec, BadFile: it holds no photographs in folders; nothing is kept then.
        CacheNotWritable.
    """
    stem = re.sub(r"[^\w.-]+", "-", Path(name).stem).strip("-.")[:60] or "photographs"
    place = folder / "data" / "uploads" / hashlib.sha256(content).hexdigest()[:12] / f"{stem}.zip"
    if place.exists():
        return place
    try:
        with replacing(place) as part:
            part.write_bytes(content)
    except OSError as error:
        raise CacheNotWritable(
            f"The upload cannot be stored in {place.parent} ({error.strerror or error}).",
            "Training reads it from the cache folder.",
            "Free some space, or name a folder of photographs that is on this machine.",
        ) from error
    try:
        read_folder(place)
    except SparsightError as error:
        place.unlink()
        place.parent.rmdir()
        raise type(error)(error.wrong.replace(str(place), name), error.allowed, error.next_step) from error
    return place
