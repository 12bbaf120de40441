"""Free memory is that of the smallest limit: machine, control groups, process."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.base import ram
from core.base.numbers import GIGABYTE, MEGABYTE
from core.base.settings import REPOSITORY

MACHINE = "MemTotal:       16000000 kB\nMemAvailable:   12000000 kB\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a machine with 12 GB free, and a process in no control group."""
    monkeypatch.setattr(ram, "ROOT", tmp_path)
    write(tmp_path, {"proc/meminfo": MACHINE, "proc/self/cgroup": "", "proc/self/status": "VmData:\t1000 kB\n"})
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_without_limits_it_is_what_the_machine_has(root: Path) -> None:
    assert ram.free_ram_bytes() == 12_000_000 * 1024
    (root / "proc/meminfo").unlink()
    assert ram.free_ram_bytes() > 0  # of this machine


@pytest.mark.parametrize(
    ("line", "home", "names"),
    [
        ("0::/app", "sys/fs/cgroup/", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:cpu,memory:/app",
            "sys/fs/cgroup/memory/",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)
def test_a_container_has_what_its_groups_leave(root: Path, line: str, home: str, names: tuple[str, str, str]) -> None:
    limit, usage, cached = names
    write(root, {"proc/self/cgroup": f"9:name=systemd:/x\n{line}\n"})
    stat = f"anon 5\n{cached} {100 * MEGABYTE}\n"
    write(root, {f"{home}app/{limit}": f"{2 * GIGABYTE}\n", f"{home}app/{usage}": f"{GIGABYTE}\n"})
    write(root, {f"{home}app/memory.stat": stat})
    assert ram.free_ram_bytes() == GIGABYTE + 100 * MEGABYTE
    write(root, {f"{home}{limit}": f"{GIGABYTE}\n", f"{home}{usage}": f"{GIGABYTE}\n", f"{home}memory.stat": ""})
    assert ram.free_ram_bytes() == 0  # the group around it is full
    write(root, {f"{home}{limit}": "max\n", f"{home}app/{limit}": "max\n"})
    assert ram.free_ram_bytes() == 12_000_000 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say what a process has taken")
@pytest.mark.parametrize("kind", ["RLIMIT_DATA", "RLIMIT_AS"])
def test_a_limited_process_knows_its_limit(kind: str) -> None:
    script = "from core.base.ram import free_ram_bytes; print(free_ram_bytes())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(getattr(resource, kind), (GIGABYTE, GIGABYTE)),
    )
    assert 0 < int(done.stdout) < GIGABYTE
