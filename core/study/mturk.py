"""Answers from Amazon Mechanical Turk: the results file of a batch becomes a table of answers.

A mapping, a YAML file, says which columns hold what; docs/studies.md shows one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas
import yaml

from core.base import yaml_text
from core.base.errors import BadFile, BadSpec
from core.base.suggestions import explain_unknown
from core.specs.shares import one_of
from core.study.answers import meant
from core.study.design import ITEM
from core.study.place import EQUAL, UNKNOWN
from core.study.spec import KINDS, PAIRS

PARTS = ("image", "label", "less", "more", "left", "answer", "reaction_ms")
WORKER, ASSIGNMENT, STATUS, SECONDS = "WorkerId", "AssignmentId", "AssignmentStatus", "WorkTimeInSeconds"
SIDES, MEANT = ("left", "right", EQUAL), ("less", "more", EQUAL)
COLUMNS = ["participant", "excluded", "trial", "slot", "position", "block", "item", "left", "kind", "task", "image"]
COLUMNS += ["label", "less", "more", "answer", "shown", "answered", "reaction_ms", "focus_losses"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Where one question of a row lies.

    task: a key of KINDS. columns: column of each part: image, less, more and answer; label (a
    class), needed for named objects; left (what stood on the left: "less", "more", or the name of
    one of the variants), needed if answers are sides; reaction_ms. fixed: parts that are the same
    in all rows. answers: what a written answer means: left, right, less, more, equal; or a class,
    or unknown. Others stand for themselves.
    """

    task: str
    columns: Mapping[str, str]
    fixed: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of(self.task, KINDS, "task")
        given = {*self.columns, *self.fixed}
        for name in given - set(PARTS):
            raise BadSpec(*explain_unknown("part of a question", name, list(PARTS)))
        for name in self.needed:
            if name not in given:
                raise BadSpec(
                    f"The mapping of '{self.task}' does not say where '{name}' is.",
                    f"It needs {', '.join(self.needed)}.",
                    f"Name its column under columns, or its value under fixed: {name}: ...",
                )

    @property
    def is_pair(self) -> bool:
        return self.task in PAIRS

    @property
    def needed(self) -> tuple[str, ...]:
        return ("image", "less", "more", "answer") if self.is_pair else ("image", "label", "less", "answer")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """How a results file is read. questions: of every row. classes: their names by index, if labels
    and answers are names and not numbers.
    """

    questions: tuple[Question, ...]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """answers: in the form of `Answers.frame`. rows: of the file, with one question each or more.
    left_out: (reason, questions) that gave no answer.
    """

    answers: pandas.DataFrame
    rows: int
    left_out: tuple[tuple[str, int], ...]


def read_mapping(path: Path) -> Batch:
    """Read a mapping. Raises BadFile, BadSpec."""
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # such as a date in a 13th month
        raise BadFile(f"{path} is no mapping ({error}).", "It is a YAML file.", "Check its name and form.") from error
    return mapping_of(content)


def mapping_of(content: Any) -> Batch:
    """Convert the content of a mapping. Raises BadSpec."""
    known = tuple(each.name for each in fields(Batch))
    _check(content, known, "part of a mapping")
    questions = content.get("questions")
    if not isinstance(questions, list) or not questions:
        raise BadSpec("The mapping has no questions.", "A list of at least one.", "Write questions: and a list.")
    found = []
    for each in questions:
        _check(each, tuple(one.name for one in fields(Question)), "part of a question")
        parts = {name: each.get(name) or {} for name in ("columns", "fixed", "answers")}
        for name, part in parts.items():
            if not isinstance(part, Mapping):
                raise BadSpec(f"'{name}' is not a mapping.", "It has lines of the form name: value.", "Correct it.")
        texts = {name: {str(key): str(value) for key, value in part.items()} for name, part in parts.items()}
        found.append(Question(task=str(each.get("task")), **texts))
    classes = content.get("classes") or []
    if not isinstance(classes, list):
        raise BadSpec("The classes are not a list.", "They are names, by index.", "Write classes: [name, name].")
    return Batch(questions=tuple(found), classes=tuple(map(str, classes)))


def read_batch(path: Path, batch: Batch) -> Imported:
    """Read the results file of a batch.

    Participants are numbered by their first row. Whoever's assignment was rejected stays in the
    table, excluded. Times are those of the assignment, so they are only kept if it has one
    question.

    Raises:
        BadFile: not a CSV. BadSpec: a column is missing.
    """
    try:
        rows = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' and Unicode's errors are ValueErrors
        raise BadFile(
            f"{path} is no CSV ({error}).", "MTurk's results are one.", "Download the batch again."
        ) from error
    _check_columns(rows, batch)
    out: Counter[str] = Counter()
    twice = rows[ASSIGNMENT].duplicated()
    out["the same assignment twice"] += int(twice.sum()) * len(batch.questions)
    kept = rows[~twice].reset_index(drop=True)
    parts = [_answers(kept, question, batch, out) for question in batch.questions]
    found = pandas.concat(parts, ignore_index=True)
    found["participant"] = found["participant"].map({who: at + 1 for at, who in enumerate(kept[WORKER].unique())})
    found = found.sort_values(["participant", "row"], kind="stable", ignore_index=True)
    found["image"] = _numbered(found["image"])
    same = found.groupby(["task", "image", "less", "more"], sort=False)
    found = found.assign(
        trial=range(len(found)),
        slot=found["participant"] - 1,
        position=found.groupby("participant").cumcount(),
        block=0,
        item=same.ngroup(),
        kind=ITEM,
        shown=float("nan"),
        answered=float("nan"),
        focus_losses=float("nan"),
    )
    answers = meant(found[COLUMNS])
    answers["answer"] = answers["answer"].mask(found["direct"].notna(), found["direct"])
    answers["server_ms"] = found["seconds"] * 1000 if len(batch.questions) == 1 else float("nan")
    return Imported(answers=answers, rows=len(rows), left_out=tuple((why, n) for why, n in out.items() if n))


def _answers(rows: pandas.DataFrame, question: Question, batch: Batch, out: Counter[str]) -> pandas.DataFrame:
    """Return one question of every row that has an answer; count the others by reason."""
    part = pandas.DataFrame({name: _part(rows, question, name) for name in PARTS})
    given = part["answer"].map(lambda text: question.answers.get(text, text))
    found, wrong = _pair(part, given) if question.is_pair else _named(part, given, batch)
    wrong["no answer"] = part["answer"] == ""
    wrong["no image or variant"] = (found[["image", "less"]] == "").any(axis=1)
    problem = pandas.Series("", index=rows.index)
    for why, where in wrong.items():  # the last reason counts
        problem = problem.mask(where, why)
    out.update({f"{question.task}: {why}": int(n) for why, n in problem[problem != ""].value_counts().items()})
    rejected = rows[STATUS].str.lower() == "rejected" if STATUS in rows else pandas.Series(False, index=rows.index)
    found = found.assign(
        participant=rows[WORKER],
        row=rows.index,
        task=question.task,
        excluded=pandas.Series(None, index=rows.index, dtype=object).mask(rejected, "assignment rejected"),
        reaction_ms=pandas.to_numeric(part["reaction_ms"], errors="coerce"),
        seconds=pandas.to_numeric(rows[SECONDS], errors="coerce") if SECONDS in rows else float("nan"),
        label=_labels(part["label"], batch).astype("Int64"),
    )
    return found[problem == ""]


def _pair(part: pandas.DataFrame, given: pandas.Series) -> tuple[pandas.DataFrame, dict[str, pandas.Series]]:
    """Return answers about pairs, and what is wrong where. direct: the variant, where it was named
    and not its side.
    """
    side = part["left"].where(part["left"].isin(("less", "more")), None)
    side = side.mask(part["left"] == part["less"], "less").mask(part["left"] == part["more"], "more")
    wrong = {
        "not known what stood on the left": given.isin(("left", "right")) & side.isna(),
        "unknown answer": ~given.isin({*SIDES, *MEANT}),
        "one variant twice or none": (part["more"] == "") | (part["less"] == part["more"]),
    }
    named = given.isin(("less", "more"))
    found = part[["image", "less", "more"]].assign(
        left=side.fillna("less"), answer=given.mask(named, EQUAL), direct=given.where(named, None)
    )
    return found, wrong


def _named(
    part: pandas.DataFrame, given: pandas.Series, batch: Batch
) -> tuple[pandas.DataFrame, dict[str, pandas.Series]]:
    """Return named objects, and what is wrong where."""
    number = _labels(given, batch)
    unknown = given == UNKNOWN
    answer = number.astype("Int64").astype(str).mask(unknown, UNKNOWN)
    wrong = {"unknown label": _labels(part["label"], batch).isna(), "unknown answer": number.isna() & ~unknown}
    return part[["image", "less"]].assign(more="", left="less", answer=answer, direct=None), wrong


def _part(rows: pandas.DataFrame, question: Question, name: str) -> pandas.Series:
    """Return a part of the question of every row; "" where it has none."""
    if name in question.columns:
        return rows[question.columns[name]].str.strip()
    return pandas.Series(question.fixed.get(name, ""), index=rows.index, dtype=object)


def _labels(names: pandas.Series, batch: Batch) -> pandas.Series:
    """Return class numbers of names, or of numbers if there are no names."""
    if batch.classes:
        return names.map({name: float(at) for at, name in enumerate(batch.classes)}).astype(float)
    return pandas.to_numeric(names.where(names.str.fullmatch(r"\d{1,5}").astype(bool), None), errors="coerce")


def _numbered(images: pandas.Series) -> pandas.Series:
    """Return images as numbers: their own, or by their first appearance."""
    if images.str.fullmatch(r"\d{1,9}").all():
        return images.astype("int64")
    return pandas.Series(pandas.factorize(images)[0], index=images.index)


def _check_columns(rows: pandas.DataFrame, batch: Batch) -> None:
    needed = [WORKER, ASSIGNMENT, *(name for each in batch.questions for name in each.columns.values())]
    missing = [name for name in dict.fromkeys(needed) if name not in rows]
    if missing:
        there = ", ".join(name for name in rows if name.startswith(("Input.", "Answer."))) or "none"
        raise BadSpec(
            f"The results have no column {', '.join(missing)}.",
            f"Their inputs and answers are: {there}.",
            "Correct the mapping, or download the whole results file.",
        )


def _check(content: Any, known: tuple[str, ...], noun: str) -> None:
    if not isinstance(content, Mapping):
        raise BadSpec(
            f"{str(content)[:60]!r} is not a mapping.", f"It holds: {', '.join(known)}.", "Write name: value."
        )
    for name in content:
        if name not in known:
            raise BadSpec(*explain_unknown(noun, str(name), list(known)))
