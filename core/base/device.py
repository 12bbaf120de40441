"""Choice of device and precision."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import torch

from core.base.errors import BadSpec
from core.base.suggestions import explain_unknown

DEVICES = ("cpu", "cuda", "cuda:0")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def precision_named(name: str) -> torch.dtype:
    """Return the type in which networks compute. Raises BadSpec."""
    if name not in PRECISIONS:
        raise BadSpec(*explain_unknown("precision", name, PRECISIONS))
    return PRECISIONS[name]


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out: on a GPU, in Python, or in torch's CPU allocator, which raises
    a plain RuntimeError.
    """
    message = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("not enough memory" in message or "can't allocate memory" in message)
    )


def give_memory_back() -> None:
    """Return freed memory to the system, which glibc may otherwise keep; do nothing on other
    systems.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def choose_device(name: str | None = None) -> torch.device:
    """Return the named device, else the GPU if there is one, else the CPU.

    Raises BadSpec if the device is not available.
    """
    if name is None:
        return _gpu(0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadSpec(*explain_unknown("device", name, DEVICES)) from error
    if device.type not in DEVICES:
        raise BadSpec(
            f"Sparsight does not run on {device.type}.",
            f"It runs on {' and '.join(DEVICES[:2])}.",
            "Omit the device to choose one automatically.",
        )
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise BadSpec(
            f"There is no device '{name}' on this machine.",
            "'cpu' is always available.",
            "Omit the device to choose one automatically.",
        )
    return _gpu(device.index or 0) if device.type == "cuda" else device


def _gpu(index: int) -> torch.device:
    """Return a GPU, whose convolutions of float32 values compute in float32 from now on: cuDNN's
    default, TF32, keeps 10 of the 23 bits, and would give other heatmaps than a CPU.
    """
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda", index)


def describe(device: torch.device) -> str:
    """Describe the device, for pages and benches: "NVIDIA H200" or "CPU, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    count = torch.get_num_threads()
    return f"CPU, {count} thread{'' if count == 1 else 's'}"
