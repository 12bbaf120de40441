"""A campaign: numbered trials, each in an empty folder of its own, one JSON line each."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.base.registry import Registry

MOST_NAMED = 20  # faults that the summary spells out


@dataclass(frozen=True)
class Trial:
    """What one trial found.

    case: what was done, in words that repeat: trials are counted by it. faults: what went wrong,
    each a sentence; empty if all was as it should be. facts: further numbers of this trial.
    """

    case: str
    faults: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Campaign:
    """Trials of one kind.

    n: how many are worth a statement. trial: does the trial of this number in an empty folder; the
    number decides everything that is random. An exception is a fault, too.
    """

    n: int
    trial: Callable[[int, Path], Trial]


CAMPAIGNS: Registry[Campaign] = Registry("campaign")


def work(name: str, n: int, out: Path) -> Iterator[dict[str, Any]]:
    """Do the trials that out/NAME.jsonl lacks and yield their lines, each written before."""
    campaign, path = CAMPAIGNS[name].value, out / f"{name}.jsonl"
    out.mkdir(parents=True, exist_ok=True)
    done = {row["number"] for row in read(path)}
    for number in range(n):
        if number in done:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            found = _tried(campaign, number, Path(folder))
        row = {"number": number, "took_s": round(time.monotonic() - began, 3)} | asdict(found)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        yield row


def _tried(campaign: Campaign, number: int, folder: Path) -> Trial:
    try:
        return campaign.trial(number, folder)
    except Exception as error:
        return Trial("raised an exception", (f"{type(error).__name__}: {error}",))


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a campaign; a line that a kill cut off counts as not done."""
    rows = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(text))
        except ValueError:
            continue
    return rows


def summed_up(name: str, out: Path) -> dict[str, Any]:
    """Return how many trials there are, by case, and the faults."""
    rows = read(out / f"{name}.jsonl")
    faults = [f"{row['number']}: {fault}" for row in rows for fault in row["faults"]]
    numbers: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        for fact, value in row["facts"].items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers[fact].append(value)
    return {
        "campaign": name,
        "n": len(rows),
        "with_faults": sum(bool(row["faults"]) for row in rows),
        "cases": dict(Counter(row["case"] for row in rows)),
        "faults": faults[:MOST_NAMED],
        "facts": {fact: {"sum": round(sum(values), 3), "most": max(values)} for fact, values in numbers.items()},
        "seconds": round(sum(row["took_s"] for row in rows), 1),
    }
