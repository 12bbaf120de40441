"""How much memory the store may keep, in bytes: asked for, from the environment, or a share of what
is free.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import torch

from core.base.device import free_ram_bytes
from core.base.errors import BadSpec, OutOfMemory
from core.base.text import GIGABYTE, KILOBYTE, MEGABYTE, size

UNITS = {"": 1, "KB": KILOBYTE, "MB": MEGABYTE, "GB": GIGABYTE}
LEAST_BYTES = 64 * MEGABYTE  # usual budgets are never smaller
CPU_SHARE, GPU_SHARE, RAM_SHARE = 0.2, 0.6, 0.2  # of what is free; on a CPU both tiers lie in the same RAM


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Memory that the store may keep: networks on the device; dense weights, pruning indexes and
    counts in RAM.
    """

    device_bytes: int = 512 * MEGABYTE
    ram_bytes: int = 1024 * MEGABYTE
    disk_bytes: int = 4 << 30

    @classmethod
    def usual(cls, device: torch.device) -> Budgets:
        """SPARSIGHT_DEVICE_BYTES and SPARSIGHT_RAM_BYTES ("2GB", "512MB", bytes), else shares of
        the memory that is free now.

        Of the disk SPARSIGHT_DISK_BYTES, else 4 GB for variants that a person keeps. Raises
        BadSpec.
        """
        free = free_ram_bytes()
        on_device = GPU_SHARE * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else CPU_SHARE * free
        return cls(
            device_bytes=_asked("SPARSIGHT_DEVICE_BYTES", on_device),
            ram_bytes=_asked("SPARSIGHT_RAM_BYTES", RAM_SHARE * free),
            disk_bytes=_asked("SPARSIGHT_DISK_BYTES", cls.disk_bytes),
        )

    def not_enough(self, device: torch.device) -> OutOfMemory:
        """What to say when memory ran out even so."""
        where = "the GPU" if device.type == "cuda" else "this machine"
        return OutOfMemory(
            f"The memory of {where} is not enough for this question, even after everything that was kept has been"
            " let go.",
            f"Sparsight may keep {size(self.device_bytes)} on the device and {size(self.ram_bytes)} in RAM; "
            "networks and their activations need memory beyond that.",
            "Close other programs, lower SPARSIGHT_DEVICE_BYTES or SPARSIGHT_RAM_BYTES, or choose a smaller network.",
        )


def parse_bytes(text: str, noun: str) -> int:
    """Bytes from "2GB", "512 MB" or "1000000". Raises BadSpec."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]B)?", text.strip(), re.IGNORECASE)
    if not found:
        raise BadSpec(
            f"{noun} cannot be '{text}'.",
            "It is a number of bytes, or a number with KB, MB or GB.",
            "Write 2GB, for example.",
        )
    return int(float(found[1]) * UNITS[(found[2] or "").upper()])


def _asked(variable: str, usual: float) -> int:
    text = os.environ.get(variable)
    return parse_bytes(text, variable) if text else max(LEAST_BYTES, int(usual))
