"""Studies as YAML files: read, with the line of every mistake, and written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import yaml

from core.base import yaml_text
from core.base.errors import BadFile, BadSpec, SparsightError
from core.base.suggestions import explain_unknown
from core.data.datasets import data_name
from core.models.zoo import default_model
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec
from core.study.spec import FIELDS, Rules, StudySpec, Task
from core.study.texts import Texts

NOTES = {
    "variants": "a name for each, from the least pruned on",
    "images": "of each class, all of them classified correctly by every variant",
    "pool": "how many images are looked at to find them; null for all",
    "display": "published or readable",
    "answers": "of different participants to each item",
    "trials": "of a participant, besides catch and practice trials",
    "catch": "trials with a known answer, hidden among the others",
    "practice": "trials with a known answer and feedback, before each task",
    "block": "trials between two breaks",
    "rules": "whose answers are left out, declared before the first answer",
}
PATH = tuple[str | int, ...]


def read_study(path: Path) -> StudySpec:
    """Read a study from a YAML file. Raises BadFile, or BadSpec with the line of the mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise BadFile(f"{path} cannot be read ({reason}).", "A study is a YAML file.", "Check its name.") from error
    return from_text(text)


def from_text(text: str) -> StudySpec:
    """Read a study from the text of a YAML file. Raises BadSpec with the line of the mistake."""
    try:
        node = yaml_text.compose(text)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # such as a date in a 13th month
        mark = getattr(error, "problem_mark", None)
        line = f"Line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)[:120] or "it cannot be parsed"
        raise BadSpec(
            f"{line}this is not YAML ({problem}).", "docs/studies.md shows a study.", "Correct it."
        ) from error
    return _Reader(dict(_lines(node, ())) if node else {}).study(content)


def from_mapping(content: Any) -> StudySpec:
    """Convert a mapping of the form of the YAML file. Raises BadSpec, UnknownName."""
    return _Reader({}).study(content)


def to_mapping(spec: StudySpec) -> dict[str, Any]:
    """Convert a study to the mapping that `from_mapping` reads, of what JSON and YAML can hold."""
    return {
        "title": spec.title,
        "model": asdict(spec.model),
        "variants": {name: _pruning_facts(pruning) for name, pruning in spec.variants},
        "data": asdict(spec.data),
        "images": spec.images,
        "pool": spec.pool,
        "heatmap": asdict(spec.heatmap),
        "display": spec.display,
        "tasks": [_task_facts(task) for task in spec.tasks],
        "answers": spec.answers,
        "trials": spec.trials,
        "catch": spec.catch,
        "practice": spec.practice,
        "block": spec.block,
        "anonymous": spec.anonymous,
        "seed": spec.seed,
        "rules": asdict(spec.rules),
        "texts": asdict(spec.texts),
    }


def to_yaml(spec: StudySpec) -> str:
    """Return the text of a YAML file with comments, which `read_study` reads."""
    lines = ["# A study. Prepare it: python -m core study new NAME --file FILE, where FILE is this file."]
    for name, value in to_mapping(spec).items():
        note = f"  # {NOTES[name]}" if name in NOTES else ""
        if name == "texts":
            lines += [f"{name}:{note}", *(_text_lines(key, text) for key, text in value.items())]
        elif name == "variants":
            lines += [f"{name}:{note}", *(f"  {_flow(key)}: {_flow(facts)}" for key, facts in value.items())]
        elif name == "tasks":
            lines += [f"{name}:{note}", *(f"  - {_flow(facts)}" for facts in value)]
        else:
            lines.append(f"{name}: {_flow(value)}{note}")
    return "\n".join(lines) + "\n"


def _text_lines(key: str, text: str) -> str:
    """Return a text as a literal block where it has several lines, as a quoted word otherwise."""
    plain = text.endswith("\n") and not text.endswith("\n\n") and text[0] not in " \n" and text.isprintable() is False
    if plain and all(line.isprintable() and line == line.rstrip() for line in text.splitlines()):
        return f"  {key}: |\n" + "".join(f"    {line}".rstrip() + "\n" for line in text.split("\n")[:-1]).rstrip("\n")
    return f"  {key}: " + yaml.safe_dump(text, default_style='"', width=math.inf).strip()


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _pruning_facts(pruning: PruningSpec) -> dict[str, Any]:
    return {
        each.name: list(map(list, value))
        if each.name == "overrides"
        else list(value)
        if each.name == "excluded"
        else value
        for each in fields(pruning)
        if (value := getattr(pruning, each.name)) != each.default
    }


def _task_facts(task: Task) -> dict[str, Any]:
    compared = {"pairs": [list(pair) for pair in task.pairs]} if task.is_pair else {"variants": list(task.variants)}
    return {"kind": task.kind, **compared}


def _lines(node: yaml.Node, path: PATH) -> Iterator[tuple[PATH, int]]:
    """Yield the line of every part of a document."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, str(key.value)), key.start_mark.line + 1
            yield from (
                found for found in _lines(value, (*path, str(key.value))) if found[0] != (*path, str(key.value))
            )
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield from _lines(value, (*path, at))


class _Reader:
    """Reads the parts of a study. lines: of the parts of the document, by path."""

    def __init__(self, lines: Mapping[PATH, int]) -> None:
        self.lines = lines

    def study(self, content: Any) -> StudySpec:
        found = self._mapping((), content, FIELDS, "part of a study")
        for name in ("title", "model", "variants", "tasks"):
            if name not in found:
                raise BadSpec(f"The study has no {name}.", "A study names them.", f"Add {name}: to the file.")
        values = dict(found)
        readers = {
            "model": self._model,
            "variants": self._variants,
            "data": self._data,
            "heatmap": lambda path, value: self._fields(path, value, CamSpec, "field of a heatmap", "method"),
            "tasks": self._tasks,
            "rules": lambda path, value: self._fields(path, value, Rules, "rule"),
            "texts": lambda path, value: self._fields(path, value, Texts, "text"),
        }
        for name, read in readers.items():
            if name in found:
                with self._at((name,)):
                    values[name] = read((name,), found[name])
        for name, kind in (("title", str), ("display", str), ("anonymous", bool)):
            if name in found and not isinstance(found[name], kind):
                with self._at((name,)):
                    allowed = "It is true or false." if kind is bool else "It is a word."
                    raise BadSpec(f"'{name}' cannot be {found[name]!r}.", allowed, "Correct it.")
        return self._whole(values)

    def _whole(self, values: dict[str, Any]) -> StudySpec:
        """Build the spec; a mistake in a number is found in the line of that number."""
        try:
            return StudySpec(**values)
        except SparsightError as error:
            signs = ("number of {} ", "'{}'", "no {} '")
            named = [name for name in FIELDS if any(sign.format(name) in error.wrong for sign in signs)]
            with self._at(tuple(named[:1])):
                raise

    @contextmanager
    def _at(self, path: PATH) -> Iterator[None]:
        """Add the line to errors that name none."""
        try:
            yield
        except SparsightError as error:
            line = self.lines.get(path)
            if line is None or error.wrong.startswith("Line "):
                raise
            raise BadSpec(f"Line {line}: {error.wrong}", error.allowed, error.next_step) from error

    def _mapping(self, path: PATH, value: Any, known: tuple[str, ...], noun: str) -> dict[str, Any]:
        with self._at(path):
            if not isinstance(value, Mapping):
                raise BadSpec(
                    f"{str(value)[:60]!r} is not a mapping.",
                    f"A {noun} is one of: {', '.join(known)}.",
                    "Write name: value.",
                )
        for name in value:
            with self._at((*path, str(name))):
                if name not in known:
                    raise BadSpec(*explain_unknown(noun, str(name), list(known)))
        return dict(value)

    def _fields(self, path: PATH, value: Any, kind: Any, noun: str, short: str = "") -> Any:
        """Read a dataclass. short: the field that a single word stands for."""
        if short and isinstance(value, str):
            value = {short: value}
        found = self._mapping(path, value, tuple(each.name for each in fields(kind)), noun)
        for name, given in found.items():
            with self._at((*path, name)):
                if isinstance(given, list | dict) and name not in ("excluded", "overrides"):
                    raise BadSpec(f"'{name}' cannot be {str(given)[:60]!r}.", "It is a single value.", "Correct it.")
                one = {"overrides": lambda rows: tuple(tuple(row) for row in rows), "excluded": tuple}.get(name)
                found[name] = one(given) if one and isinstance(given, list) else given
        return kind(**found)

    def _model(self, path: PATH, value: Any) -> ModelSpec:
        if isinstance(value, str):
            return default_model(value)
        found = self._mapping(path, value, tuple(each.name for each in fields(ModelSpec)), "field of a model")
        if set(found) == {"name"}:
            return default_model(str(found["name"]))
        return ModelSpec(**found)

    def _variants(self, path: PATH, value: Any) -> tuple[tuple[str, PruningSpec], ...]:
        if not isinstance(value, Mapping):
            raise BadSpec("The variants have no names.", "Each has one.", "Write name: {sparsity: 0.5}, for example.")
        found = []
        for name, facts in value.items():
            with self._at((*path, str(name))):
                facts = {} if facts is None else facts
                usual = "none"
                if isinstance(facts, Mapping):
                    usual = "iterative-reset" if "level" in facts else "one-shot" if "sparsity" in facts else "none"
                    facts = {"schedule": usual, **facts}
                found.append((str(name), self._fields((*path, str(name)), facts, PruningSpec, "field of a pruning")))
        return tuple(found)

    def _data(self, path: PATH, value: Any) -> DataSpec:
        facts = {"name": value} if isinstance(value, str) else value
        spec = self._fields(path, facts, DataSpec, "field of a data set")
        return DataSpec(name=data_name(str(spec.name)), noise=spec.noise, noise_seed=spec.noise_seed)

    def _tasks(self, path: PATH, value: Any) -> tuple[Task, ...]:
        if not isinstance(value, list):
            raise BadSpec("The tasks are not a list.", "Each begins with a dash.", "Write - kind: heatmap-pair.")
        return tuple(self._task((*path, at), each) for at, each in enumerate(value))

    def _task(self, path: PATH, value: Any) -> Task:
        found = self._mapping(path, value, ("kind", "pairs", "variants"), "field of a task")
        with self._at(path):
            pairs, variants = found.get("pairs") or [], found.get("variants") or []
            if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
                raise BadSpec("The pairs are not pairs.", "A pair is a list of two names.", 'Write [["1", "2"]].')
            if not isinstance(variants, list):
                raise BadSpec("The variants are not a list.", "It holds their names.", 'Write ["1", "2"].')
            named = tuple((str(less), str(more)) for less, more in pairs)
            return Task(kind=str(found.get("kind")), pairs=named, variants=tuple(map(str, variants)))
