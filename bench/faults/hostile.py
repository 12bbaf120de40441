"""Hostile inputs of every kind: valid ones that were changed a little. Each is taken, or refused
with an explained error, within seconds; none runs code, and none is written outside the cache.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from bench.faults.hostile_files import hostile_table, hostile_weights, hostile_yaml
from bench.faults.hostile_pictures import hostile_archive, hostile_image
from bench.faults.hostile_words import hostile_address, hostile_command
from bench.faults.place import SECRET, Place
from core.base.errors import SparsightError

MOST_S, LAST_S = 10.0, 400.0  # of the processor; of the clock, on a machine that does other things too
LONGEST = 1500  # letters of a message

Make = Callable[[Random, Place], Callable[[], object]]
KINDS: tuple[tuple[str, Make, int], ...] = (
    ("image", hostile_image, 4),
    ("archive", hostile_archive, 3),
    ("checkpoint", hostile_weights, 3),
    ("table", hostile_table, 3),
    ("YAML", hostile_yaml, 3),
    ("address", hostile_address, 2),
    ("command line", hostile_command, 2),
)
TURNS = tuple((name, make) for name, make, share in KINDS for _ in range(share))


class Hangs(BaseException):
    """An input that takes too long. It is no Exception, so that nothing explains it away."""


def trial(number: int, folder: Path) -> Trial:
    """One input of the kind whose turn it is."""
    name, make = TURNS[number % len(TURNS)]
    place = Place(folder)
    place.prepare()
    call = make(Random(f"hostile {number}"), place)
    before = place.outside()
    began = time.process_time()
    faults, refused = _tried(call)
    took = time.process_time() - began
    if took > MOST_S:
        faults.append(f"it takes {took:.0f} s of the processor")
    faults += place.faults(before)
    return Trial(name, tuple(faults), {"refused": int(refused), "processor, s": round(took, 2)})


def _tried(call: Callable[[], object]) -> tuple[list[str], bool]:
    """Return faults, and whether the input was refused."""
    try:
        with _alarm():
            call()
    except SparsightError as error:
        return list(_unclear(error)), True
    except Hangs:
        return [f"it does not end within {LAST_S:.0f} s"], False
    except (Exception, SystemExit) as error:
        return [f"{type(error).__name__}: {str(error)[:600]}{_where(error)}"], False
    return [], False


def _unclear(error: SparsightError) -> Iterator[str]:
    """Yield what is wrong with a message."""
    text = str(error)
    if len(text) > LONGEST:
        yield f"a message of {len(text):,} letters: {text[:100]!r}"
    if not error.wrong or not (error.allowed or error.next_step):
        yield f"a message that does not help: {text!r}"
    try:
        text.encode()
    except UnicodeEncodeError:
        yield f"a message that no terminal can print: {text[:100]!r}"
    if SECRET in text:
        yield "a message quotes a file of others"


def _where(error: BaseException) -> str:
    """Return the last line of our code that the error went through."""
    place, trace = "", error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if f"{os.sep}core{os.sep}" in file or f"{os.sep}pages{os.sep}" in file:
            place = f" ({file.rpartition(os.sep)[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(signal: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LAST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


CAMPAIGNS.register(
    "hostile", "Hostile inputs", "Changed images, archives, weights, tables, YAML, addresses, commands."
)(Campaign(n=2000, trial=trial))
