"""Memory use of training: keeps freed buffers between steps, and images on the device if they
fit.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import torch

from core.data.decode import TrainingImages

MOST = 0.5  # of a device's free memory that images may take


@cache
def keep_memory_between_steps() -> None:
    """Tells glibc to keep freed memory. Otherwise each step returns its large buffers to the kernel
    and allocates new pages, which takes a quarter of the training time on the CPU."""
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL("libc.so.6")
        m_trim_threshold, m_mmap_threshold = -1, -3
        libc.mallopt(m_trim_threshold, 1 << 30)
        libc.mallopt(m_mmap_threshold, 1 << 30)
    except (OSError, AttributeError):
        pass  # another C library: only slower


def resident(data: TrainingImages, device: torch.device) -> TrainingImages:
    """Moves the images to the device if they fit; otherwise they are sent batch by batch."""
    if device.type != "cuda":
        return data
    free, _ = torch.cuda.mem_get_info(device)
    return data.to(device) if data.images.nbytes <= MOST * free else data
