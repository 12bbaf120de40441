"""Choosing a device and the type of its numbers; the memory it has."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import suppress
from pathlib import Path

import torch

from core.base.errors import BadSpec
from core.base.suggestions import explain_unknown

DEVICES = ("cpu", "cuda", "cuda:0")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def precision_named(name: str) -> torch.dtype:
    """The type of numbers that networks compute in. Raises BadSpec."""
    if name not in PRECISIONS:
        raise BadSpec(*explain_unknown("precision", name, PRECISIONS))
    return PRECISIONS[name]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: on a GPU, in Python, or in torch's allocator for the CPU, which
    raises a plain RuntimeError.
    """
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("not enough memory" in said or "can't allocate memory" in said)
    )


def give_memory_back() -> None:
    """Freed memory goes back to the system, which glibc else may keep for the process; elsewhere
    nothing happens.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def free_ram_bytes() -> int:
    """Memory that programs can still have: MemAvailable on Linux, elsewhere half of all."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def choose_device(name: str | None = None) -> torch.device:
    """The named device, else the GPU if there is one, else the CPU.

    Raises BadSpec for a device that is not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadSpec(*explain_unknown("device", name, DEVICES)) from error
    if device.type not in DEVICES:
        raise BadSpec(
            f"Sparsight does not run on {device.type}.",
            f"It runs on {' and '.join(DEVICES[:2])}.",
            "Leave the device out to have one chosen.",
        )
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise BadSpec(
            f"There is no device '{name}' on this machine.",
            "cpu always works.",
            "Leave the device out to have one chosen.",
        )
    return device


def describe(device: torch.device) -> str:
    """What the device is, for pages and benches: "NVIDIA H200" or "CPU, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    count = torch.get_num_threads()
    return f"CPU, {count} thread{'' if count == 1 else 's'}"
