"""What each column of an export means."""

from __future__ import annotations

from collections.abc import Mapping

import pandas

from core.evaluation.columns import COLUMNS
from core.study.spec import KINDS

Row = tuple[str, str, str]  # meaning, unit, values
TASKS = ", ".join(KINDS)
# of all files; a column of one file alone is in OF_FILE
MEANINGS: dict[str, Row] = {
    "participant": ("who took part", "", "a number, or a pseudonym"),
    "excluded": ("why the answers of this participant enter no result; empty: they do", "", "text"),
    "trial": ("number of the trial in the design", "", "from 0 on"),
    "slot": ("place of a participant in the design; a freed one is given to somebody else", "", "from 0 on"),
    "position": ("place of the trial in the order of the slot", "", "from 0 on"),
    "block": ("block of trials between two breaks", "", "from 0 on"),
    "item": ("number of the item: an image with what it is shown with", "", "from 0 on"),
    "round": ("how often the practice was begun before", "", "from 0 on"),
    "left": ("what stood on the left", "", "less, more: the variant that is less, or more, pruned"),
    "kind": ("kind of item", "", "item; catch, practice: with a known answer"),
    "task": ("kind of question", "", TASKS),
    "image": ("row of the image in the data set", "", "from 0 on"),
    "label": ("class of the image", "", "classes.csv has the names"),
    "less": ("less pruned variant of the pair; the variant shown, where it is one", "", "a name in study.yaml"),
    "more": ("more pruned variant of the pair; empty for one variant", "", "a name in study.yaml"),
    "picture": ("file of the picture in the middle", "", "empty: none"),
    "less_picture": ("file of the less pruned variant's picture", "", "empty: none"),
    "more_picture": ("file of the more pruned variant's picture", "", "empty: none"),
    "side": ("what was pressed", "", "left, right, equal; a class, or unknown"),
    "answer": ("what the answer means", "", "less, more, equal; a class, or unknown"),
    "right": (
        "whether the answer to a catch trial, or the name of an object, is correct",
        "",
        "True, False; empty: none is",
    ),
    "shown": ("when the server sent the trial's page", "s", "since 1970, UTC"),
    "answered": ("when the answer was on disk", "s", "since 1970, UTC"),
    "reaction_ms": ("from painted pictures to the answer, measured in the browser", "ms", "empty: not measured"),
    "server_ms": ("from the page's request to the answer's arrival, network included", "ms", "empty: not measured"),
    "focus_losses": ("how often another window was in front during the trial", "", "empty: not measured"),
    "state": ("where the participant stands", "", "running, done, withdrawn"),
    "recruited": ("id by which a second visit is recognised", "", "empty: anonymous"),
    "ids": ("ids of the recruitment service", "", "JSON"),
    "consent": ("version of the texts that were agreed to", "", "name and digest"),
    "begun": ("when consent was given", "s", "since 1970, UTC"),
    "seen": ("last request", "s", "since 1970, UTC"),
    "finished": ("last answer", "s", "since 1970, UTC; empty: not finished"),
    "code": ("completion code", "", "empty: not finished"),
    "blocks": ("blocks begun", "", "from 0 on"),
    "screen": ("size of the browser's window", "px", "width x height"),
    "name": ("name of the class", "", "text"),
    "variant": ("variant of the network", "", "a name in study.yaml"),
    "seed": ("training seed of the network", "", "empty: none"),
    "level": ("level of the trained series", "", "empty: none"),
    "sparsity": ("removed share of the prunable weights, counted", "", "0 to 1"),
    "file": ("file of this export", "", "without .csv"),
    "column": ("its column", "", "text"),
    "meaning": ("what it holds", "", "text"),
    "unit": ("unit of its numbers", "", "empty: none"),
    "values": ("which values it has", "", "text"),
}
OF_FILE: dict[tuple[str, str], Row] = {
    ("practice", "right"): ("whether the practice answer is correct", "", "True, False"),
    ("measures", "right"): ("whether the variant classifies the image correctly", "", "True, False"),
}
RELATIVE = "since this participant began"


def codebook(tables: Mapping[str, pandas.DataFrame], pseudonymised: bool) -> pandas.DataFrame:
    """Return a row for every column of every table, itself included: file, column, meaning, unit,
    values.
    """
    columns = ["file", "column", "meaning", "unit", "values"]
    named = [(name, str(column)) for name, frame in tables.items() for column in frame]
    named += [("codebook", column) for column in columns]
    rows = [(file, column, *_row(file, column, pseudonymised)) for file, column in named]
    return pandas.DataFrame(rows, columns=columns)


def _row(file: str, column: str, pseudonymised: bool) -> Row:
    meaning, unit, values = OF_FILE.get((file, column)) or MEANINGS.get(column) or _measure(column)
    return meaning, unit, values.replace("since 1970, UTC", RELATIVE) if pseudonymised else values


def _measure(column: str) -> Row:
    entry = COLUMNS[column]
    return f"{entry.title}: {entry.summary}", "", f"{entry.source}; empty: undefined".removeprefix("; ")
