"""A cache folder that is full, read-only, deleted, of another time, shared or damaged. Whatever is
asked of it then is answered as by a whole one, or explained.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from random import Random

from bench.faults.cached import asked
from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from bench.faults.whole import made

ROOT = Path(__file__).parents[2]
# What is computed again if it is missing; all else has no other copy, or an included one.
AGAIN = ("digits.npz", "variants", "own-*", "sweeps")
ASK = "import json, pathlib, sys, bench.faults.cached as c; print(json.dumps(c.asked(pathlib.Path(sys.argv[1]))))"
TIMES = (0, 1, 315_532_800, 2**31, 2**33)  # seconds since 1970
MEGABYTE = 1 << 20
Answers = dict[str, str]
Found = tuple[Answers, Answers]  # while it is harmed, and afterwards


def full(cache: Path, draw: Random) -> Found:
    """No room left at a random moment."""
    _forget(cache)
    size = _bytes(cache)
    with _mounted(cache, size + draw.randrange(draw.choice((1, MEGABYTE // 16, MEGABYTE, 4 * MEGABYTE)))) as mount:
        during = asked(cache)
        mount(f"size={size + 64 * MEGABYTE}")
        return during, asked(cache)


def read_only(cache: Path, draw: Random) -> Found:
    """A medium that cannot be written, whoever asks."""
    if draw.random() < 0.7:
        _forget(cache)
    with _mounted(cache, _bytes(cache) + 64 * MEGABYTE) as mount:
        mount("ro")
        during = asked(cache)
        mount("rw")
        return during, asked(cache)


def deleted(cache: Path, draw: Random) -> Found:
    """Somebody deletes the folder, or some of its files, while it is in use."""
    delays = [draw.uniform(0, 2) for _ in range(3)]
    whole = draw.random() < 0.5

    def work() -> None:
        for delay in delays:
            time.sleep(delay)
            if whole:
                shutil.rmtree(cache, ignore_errors=True)
                continue
            with suppress(OSError):  # what is being written may be gone already
                for path in draw.sample(files := files_of(cache), len(files) // 3):
                    path.unlink(missing_ok=True)

    thread = threading.Thread(target=work)
    thread.start()
    during = asked(cache)
    thread.join()
    return during, asked(cache)


def of_another_time(cache: Path, draw: Random) -> Found:
    """Files of the past and of the future, as after a jump of the clock."""
    for path in [*files_of(cache), *(each for each in cache.rglob("*") if each.is_dir())]:
        seconds = time.time() + draw.choice((0.0, 3600.0, -3600.0, 1e9)) if draw.random() < 0.5 else draw.choice(TIMES)
        os.utime(path, (seconds, seconds))
    return asked(cache), asked(cache)


def shared(cache: Path, draw: Random) -> Found:
    """Two other processes ask at once."""
    _forget(cache)
    command = [sys.executable, "-c", ASK, str(cache)]
    others = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(other.communicate()[0].splitlines()[-1]) for other in others]
    differing = {name: answer for name, answer in answers[1].items() if answer != answers[0][name]}
    return answers[0] | differing, asked(cache)


def damaged(cache: Path, draw: Random) -> Found:
    """One bit of one file is another one: of any kind of file, as often."""
    kinds = defaultdict(list)
    for path in files_of(cache):
        if path.stat().st_size:
            kinds[kind_of(path.relative_to(cache))].append(path)
    path = draw.choice(kinds[draw.choice(sorted(kinds))])
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    during = asked(cache)
    return {f"{name}, {kind_of(path.relative_to(cache))}": answer for name, answer in during.items()}, asked(cache)


TURNS: tuple[Callable[[Path, Random], Found], ...] = (
    *(full, damaged, damaged, read_only, damaged, deleted, shared, damaged, full, of_another_time),
    *(damaged, deleted, damaged, full, damaged, read_only, damaged, deleted, full, damaged),
)


def trial(number: int, folder: Path) -> Trial:
    """Harm a copy of a whole cache folder, ask, and ask again."""
    harm, (whole, right) = TURNS[number % len(TURNS)], _whole()
    cache = folder / "cache"
    shutil.copytree(whole, cache)
    during, after = harm(cache, Random(f"disk {number}"))
    faults = [*faults_of(during, right, "while"), *faults_of(after, right, "after")]
    if harm in (full, read_only, of_another_time, shared):
        faults += [f"after: {name}: {text}" for name, text in after.items() if text.startswith("ERROR")]
    faults += [f"{path.name} is left behind" for path in cache.rglob("*.part")]
    explained = sum(text.startswith("ERROR") for text in during.values())
    return Trial(harm.__name__.replace("_", " "), tuple(faults), {"answers": len(during), "explained": explained})


def faults_of(found: Answers, right: Answers, when: str) -> Iterator[str]:
    """Yield what is neither right nor explained."""
    for name, answer in found.items():
        if answer.startswith("FAULT"):
            yield f"{when}: {name}: {answer[:600]}"
        elif not answer.startswith("ERROR") and answer != right[name.partition(",")[0]]:
            yield f"{when}: {name}: another answer"


@cache
def _whole() -> tuple[Path, Answers]:
    """Return a whole cache folder, and what it answers. It is made once in a process."""
    home = Path(tempfile.mkdtemp(prefix="disk-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    made(home / "first")
    made(home / "whole")
    right = asked(home / "first")
    if wrong := {name: text for name, text in right.items() if text.startswith(("ERROR", "FAULT"))}:
        raise RuntimeError(f"a whole cache does not answer: {wrong}")
    return home / "whole", right


def _forget(cache: Path) -> None:
    """Delete what is computed again."""
    for path in [path for name in AGAIN for path in cache.glob(name)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def files_of(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def kind_of(path: Path) -> str:
    """Return what a file is: its folder and its ending."""
    return f"{path.parts[0] if len(path.parts) > 1 else path.stem} {path.suffix or path.name}"


def _bytes(cache: Path) -> int:
    """Return what a copy of a folder takes in memory, in whole pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 + 4096 for path in cache.rglob("*"))


@contextmanager
def _mounted(cache: Path, size: int) -> Iterator[Callable[[str], None]]:
    """Put the folder on a file system of this size, in memory, and yield a function that changes
    its options. It takes a user who may mount.
    """
    aside = cache.with_name("aside")
    cache.rename(aside)
    cache.mkdir()

    def mount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(cache)], check=True)

    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size + MEGABYTE}", "tmpfs", str(cache)], check=True)
    try:
        shutil.copytree(aside, cache, dirs_exist_ok=True)
        mount(f"size={max(size, 4096)}")
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(cache)], check=True)


CAMPAIGNS.register("disk", "Disk", "A cache folder that is full, read-only, deleted, damaged or shared.")(
    Campaign(n=100, trial=trial)
)
