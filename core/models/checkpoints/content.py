"""The content of a checkpoint file: recognised by its first bytes whatever its name is, judged by
its header before the rest is read, and unpickled without executing anything.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_bytes
from safetensors.torch import load_file

from core.base.errors import BadFile
from core.base.numbers import size
from core.base.ram import free_ram_bytes
from core.disk.coding import LONGEST_HEAD_BYTES

ALLOWED = "Weights must be a state dict: a .safetensors file, or what torch.save(model.state_dict(), ...) writes."
SAVE_AGAIN = "If you trust it, load it yourself in Python and save its state_dict."
SHORTEST_BYTES = 16
MOST_PACKED = 100  # times that a compressed file of weights, many of them zeros, may grow
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before torch 1.6
# First bytes of files that are often chosen by mistake: what they are, and what to do.
FOREIGN = (
    (re.compile(rb"\s*<(!doctype|html|\?xml)", re.I), "a web page", "Download the file itself, not the page about it."),
    (re.compile(rb"version https://git-lfs"), "a pointer of Git LFS", "Run `git lfs pull` to get the file itself."),
    (re.compile(rb"\x89HDF"), "an HDF5 file of Keras", "Save the weights with torch.save or as safetensors."),
    (re.compile(rb"GGUF"), "a GGUF file of a language model", "Choose the weights of a CNN."),
    (re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|.{257}ustar", re.S), "a compressed or packed archive", "Unpack it first."),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|RIFF"), "an image", "Choose the file of weights."),
)


class _Ignored:
    """Stands in for an object that is not needed: whatever it is given, nothing is kept or run."""

    def __init__(self, *args: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _plain(factory: object = None) -> dict:
    """Stand in for collections.defaultdict."""
    return {}


# What training scripts store beside tensors, allowed one by one. Nothing of these packages is
# created or called: numbers, options and paths become an empty object, dictionaries plain ones.
OBJECTS = (
    "argparse.Namespace",
    *("numpy.dtype", "numpy.ndarray"),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"{module}.{name}Path" for module in ("pathlib", "pathlib._local") for name in ("Posix", "Windows", "")),
    *(f"builtins.{name}" for name in ("list", "dict", "int", "float")),
)
DICTIONARIES = tuple(
    f"{package}.AttributeDict"
    for package in (
        "pytorch_lightning.utilities.parsing",
        "lightning.pytorch.utilities.parsing",
        "lightning_fabric.utilities.data",
        "lightning.fabric.utilities.data",
    )
)
STAND_INS: list[Callable | tuple[Callable, str]] = [
    *((_Ignored, name) for name in OBJECTS),
    *((dict, name) for name in DICTIONARIES),
    (_plain, "collections.defaultdict"),
]
_loading = threading.Lock()  # torch keeps the allowed classes in one list of the process


def load(source: Path | bytes, name: str) -> Any:
    """Return what a checkpoint holds, on the CPU.

    Args:
        source: a file or its content. name: of the file, in messages.
    Raises:
        BadFile: missing, damaged, foreign or too large, or reading it would run code.
    """
    try:
        total = len(source) if isinstance(source, bytes) else source.stat().st_size
        with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
            head = file.read(512)
            _refuse_foreign(head, total, name)
            if head[8:9] == b"{":
                _judge_safetensors(file, total, name)
            elif head.startswith(ZIP):
                _judge_zip(file, total, name)
            elif not head.startswith(OLD_TORCH):
                raise _unknown(head, name)
    except OSError as error:
        raise _unreadable(name, error) from error
    if total > free_ram_bytes():
        raise BadFile(
            f"{name} has {size(total)}, more than the free memory of {size(free_ram_bytes())}.",
            "Weights are read into memory.",
            "Close other programs, or use a machine with more memory.",
        )
    try:
        if head[8:9] == b"{":
            return load_bytes(source) if isinstance(source, bytes) else load_file(source)
        with _loading, torch.serialization.safe_globals(STAND_INS):
            found = io.BytesIO(source) if isinstance(source, bytes) else source
            return torch.load(found, weights_only=True, map_location="cpu", mmap=False)
    except Exception as error:  # a damaged file makes torch raise anything, from IndexError to struct.error
        if unsafe := re.search(r"Unsupported (?:global|class)[^\n.]*(?:\.[^\n .]+)*", str(error)):
            raise _has_code(name, unsafe[0]) from error
        raise _unreadable(name, error) from error


def _refuse_foreign(head: bytes, total: int, name: str) -> None:
    if total < SHORTEST_BYTES:
        raise BadFile(
            f"{name} has only {total} byte{'s' * (total != 1)}.", ALLOWED, "Download or save it again: it is cut off."
        )
    for first, what, next_step in FOREIGN:
        if first.match(head):
            raise BadFile(f"{name} is {what}.", ALLOWED, next_step)


def _judge_safetensors(file: Any, total: int, name: str) -> None:
    """Check that the header describes a file of this length."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    try:
        if length > min(LONGEST_HEAD_BYTES, total - 8):
            raise ValueError("its header is cut off")
        header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        expected = 8 + length + max(ends, default=0)
        if expected != total:
            raise ValueError(f"it should have {expected:,} bytes, but has {total:,}")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise _cut_off(name, str(error)) from error


def _judge_zip(file: Any, packed: int, name: str) -> None:
    """Check the list of contents at the end of a zip file."""
    try:
        entries = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _cut_off(name, "the list of its contents is missing at its end") from error
    names = {entry.filename.partition("/")[2] for entry in entries}
    if "constants.pkl" in names:
        raise BadFile(
            f"{name} is a TorchScript program.",
            "It holds code beside its weights, which is not run here.",
            "Load it with torch.jit.load in Python and save its state_dict.",
        )
    if "data.pkl" not in names:
        raise BadFile(f"{name} is a zip file without weights of torch.", ALLOWED, "Choose the checkpoint inside it.")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_PACKED * packed:
        raise BadFile(
            f"{name} has {size(packed)}, but would unpack to {size(total)}.",
            f"Weights become at most {MOST_PACKED} times as large: torch.save does not compress them.",
            SAVE_AGAIN,
        )
    if total > free_ram_bytes():
        raise BadFile(
            f"{name} would unpack to {size(total)}, more than the free memory of {size(free_ram_bytes())}.",
            "Weights are read into memory.",
            "Use a machine with more memory.",
        )


def _unknown(head: bytes, name: str) -> BadFile:
    if head.startswith(PICKLE):
        return _has_code(name, "it is a plain pickle")
    return BadFile(
        f"{name} is not a weights file: it begins with {head[:16]!r}.", ALLOWED, "Choose the file of weights."
    )


def _has_code(name: str, reason: str) -> BadFile:
    return BadFile(
        f"{name} holds more than weights ({reason}), and reading it could run hidden code.", ALLOWED, SAVE_AGAIN
    )


def _cut_off(name: str, reason: str) -> BadFile:
    return BadFile(f"{name} is damaged or cut off: {reason}.", ALLOWED, "Download or save it again.")


def _unreadable(name: str, error: Exception) -> BadFile:
    damage = re.search(r"WeightsUnpickler error: ([^\n]+)", str(error))  # behind torch's advice to trust the file
    reason = getattr(error, "strerror", None) or (damage and damage[1]) or str(error) or type(error).__name__
    line = next(iter(str(reason).splitlines()), "")[:160].rstrip(". ")
    return BadFile(f"{name} cannot be read ({line}).", ALLOWED, "Check the file, or save it again.")
