"""Memory budgets of the store in bytes, from the settings or as a share of the free memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.base.errors import OutOfMemory
from core.base.numbers import MEGABYTE, size
from core.base.ram import free_ram_bytes
from core.base.settings import Settings

LEAST_BYTES = 64 * MEGABYTE  # default budgets are never smaller
CPU_SHARE, GPU_SHARE, RAM_SHARE = 0.2, 0.6, 0.2  # of the free memory; on a CPU both tiers share the RAM


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Memory that the store may use: on the device for networks; in RAM for dense weights, pruning
    indexes and counts.
    """

    device_bytes: int = 512 * MEGABYTE
    ram_bytes: int = 1024 * MEGABYTE
    disk_bytes: int = 4 << 30

    @classmethod
    def usual(cls, device: torch.device, settings: Settings | None = None) -> Budgets:
        """Return the budgets of the settings (by default those of the environment), else shares of
        the memory that is free now, and 4 GB of disk space for kept variants. Raises BadSpec.
        """
        settings = settings or Settings.from_environment()
        free = free_ram_bytes()
        on_device = GPU_SHARE * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else CPU_SHARE * free
        return cls(
            device_bytes=_at_least(settings.device_bytes, on_device),
            ram_bytes=_at_least(settings.ram_bytes, RAM_SHARE * free),
            disk_bytes=_at_least(settings.disk_bytes, cls.disk_bytes),
        )

    def not_enough(self, device: torch.device) -> OutOfMemory:
        """Return the error to raise if memory runs out nevertheless."""
        where = "the GPU" if device.type == "cuda" else "this machine"
        return OutOfMemory(
            f"The memory of {where} is not enough for this question, even after all caches were emptied.",
            f"Sparsight may keep {size(self.device_bytes)} on the device and {size(self.ram_bytes)} in RAM; "
            "networks and their activations need memory beyond that.",
            "Close other programs, lower SPARSIGHT_DEVICE_BYTES or SPARSIGHT_RAM_BYTES, or choose a smaller network.",
        )


def _at_least(bytes_: int | None, usual: float) -> int:
    return max(LEAST_BYTES, int(usual)) if bytes_ is None else bytes_
