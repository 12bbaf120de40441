"""Free memory: of the machine, of the container or service (a control group), of the process."""

from __future__ import annotations

import errno
import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.base.errors import OutOfMemory
from core.base.numbers import size

ROOT = Path("/")
# By version of control groups: where they lie, and the files of their limit and of what they use.
GROUPS = {
    "": ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_ram_bytes() -> int:
    """Return the memory that this process can still take: MemAvailable on Linux, elsewhere half of
    the machine's; less where the container, the service or the process is limited to less.
    """
    return max(0, min([_of_machine(), *_of_groups(), *_of_process()]))


def shortage(error: BaseException) -> OutOfMemory | None:
    """Return what people read if memory ran out, where nothing else explains it; None for any other
    error.
    """
    short = isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM
    if "torch" in sys.modules:  # otherwise the error is not one of its own
        from core.base.device import is_out_of_memory

        short = short or is_out_of_memory(error)
    if not short:
        return None
    return OutOfMemory(
        "The memory of this machine is not enough for this.",
        f"{size(free_ram_bytes())} are free for this process.",
        "Close other programs, or choose a smaller network, fewer images, or a smaller SPARSIGHT_RAM_BYTES.",
    )


def _of_machine() -> int:
    with suppress(OSError):
        if match := re.search(r"MemAvailable:\s+(\d+) kB", (ROOT / "proc/meminfo").read_text()):
            return int(match[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _of_groups() -> Iterator[int]:
    """Yield what each control group leaves that this process is in. Cached files can be dropped, so
    they do not count as used.
    """
    with suppress(OSError):
        for line in (ROOT / "proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            for name in names.split(","):
                if name in GROUPS:
                    home, limit, usage, cached = GROUPS[name]
                    own = ROOT / home / path.strip("/")
                    for folder in (own, *own.parents):
                        if folder.is_relative_to(ROOT / home):
                            yield from _left(folder / limit, folder / usage, cached)


def _left(limit: Path, usage: Path, cached: str) -> Iterator[int]:
    with suppress(OSError, ValueError):  # without a limit it says "max"
        most, used = int(limit.read_text()), int(usage.read_text())
        match = re.search(rf"^{cached} (\d+)$", limit.with_name("memory.stat").read_text(), re.MULTILINE)
        yield most - used + (int(match[1]) if match else 0)


def _of_process() -> Iterator[int]:
    with suppress(OSError):
        said = dict(re.findall(r"^(VmData|VmSize):\s+(\d+) kB$", (ROOT / "proc/self/status").read_text(), re.MULTILINE))
        for kind, name in ((resource.RLIMIT_DATA, "VmData"), (resource.RLIMIT_AS, "VmSize")):
            most, _ = resource.getrlimit(kind)
            if most != resource.RLIM_INFINITY and name in said:
                yield most - int(said[name]) * 1024
