"""Ways in which a study's tables can be unsound, and what must be said of each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas

from core.base.checks import checked

DAMAGES = {
    "another version": "version 99",
    "half written": "half written",
    "no json": "half written",
    "no facts": "incomplete",
    "changed": "checksums",
    "changed facts": "study.json that does not match",
    "no collapsed column": "lack the columns collapsed",
    "a level missing in one seed": r"lack levels \[4\] of series iterative-reset, seed 334",
}


def damage(folder: Path, how: str) -> None:
    """Damages the tables in a folder in one of DAMAGES' ways."""
    about = json.loads((folder / "study.json").read_text())
    if how == "another version":
        about["format"] = 99
    elif how == "half written":
        (folder / "mean.csv").unlink()
    elif how == "no json":
        (folder / "study.json").write_text("{")
        return
    elif how == "no facts":
        del about["facts"]["prunable"]
    elif how == "changed facts":
        about["facts"]["train_images"] += 1
        (folder / "study.json").write_text(json.dumps(about))
        return
    elif how == "changed":
        (folder / "levels.csv").write_text((folder / "levels.csv").read_text().replace("334", "335", 1))
    else:
        frame = pandas.read_csv(folder / "levels.csv")
        frame = frame.drop(columns="collapsed") if how == "no collapsed column" else frame.drop(index=30)
        text = frame.to_csv(index=False)
        (folder / "levels.csv").write_text(text)
        about["sha256"]["levels.csv"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "study.json").write_text(json.dumps(checked(about)))
