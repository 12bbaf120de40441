"""Sweeps as YAML files with comments, or mappings of the same form: read, and written."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import yaml

from core.base import yaml_text
from core.base.errors import BadFile, BadSpec, SparsightError
from core.base.suggestions import explain_unknown
from core.base.text import LONGEST
from core.data.datasets import data_name
from core.models.zoo import default_model
from core.results import Mapped
from core.specs import TRAINED, CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.spec import SweepSpec, grid

T = TypeVar("T")
MOST_SAID = 10  # faults of one file that a message names
KEYS = {  # of the file, and the field of the spec
    "models": "models",
    "prunings": "prunings",
    "data": "data",
    "images": "images",
    "seed": "seed",
    "heatmaps": "cams",
    "measures": "measures",
    "reference": "reference",
}
NOTES = {  # in the files that are written
    "images": "how many of the data set, drawn from its classes in proportion by seed; null for all",
    "heatmaps": "CAM methods, or baselines that know less",
    "measures": "docs/reference.md explains them",
    "reference": "what answers and heatmaps are compared with: each model before pruning, or one network",
}
RANKING = ("granularity", "scope", "criterion")  # what a one-shot pruning always states


def read_sweep(path: Path) -> SweepSpec:
    """Read a sweep from a YAML file. Raises BadFile, BadSpec, UnknownName."""
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise BadFile(f"{path} cannot be read ({reason}).", "A sweep is a YAML file.", "Check its name.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # such as a date in a 13th month
        raise BadFile(
            f"{path} is not YAML ({' '.join(str(error).split())}).", "docs/guide.md shows a sweep.", "Correct it."
        ) from error
    if content is None:
        raise BadFile(f"{path} is empty.", "docs/guide.md shows a sweep.", "Choose another file.")
    return from_mapping(content)


def from_mapping(content: Any) -> SweepSpec:
    """Convert a mapping of the form of the YAML file.

    Raises BadSpec, UnknownName: of all parts at once, if several are wrong.
    """
    faults: list[SparsightError] = []
    found = _mapping(content, KEYS, "part of a sweep", faults)
    values: dict[str, Any] = {KEYS[name]: value for name, value in found.items()}
    values["models"] = _each(_model, found.get("models"), faults)
    values["prunings"] = tuple(one for some in _each(_prunings, found.get("prunings", [{}]), faults) for one in some)
    values["cams"] = _each(_cam, found.get("heatmaps"), faults)
    if "data" in found:
        values["data"] = next(iter(_each(_data, [found["data"]], faults)), DataSpec())
    if "reference" in found:
        for reference, mapping in _each(_reference, [found["reference"]], faults):
            values |= {"reference": reference, "mapping": mapping}
    if "measures" in found:
        values["measures"] = tuple(map(str, _list(found["measures"])))
    if faults:
        raise _together(faults)
    return SweepSpec(**values)


def _each(read: Callable[[Any], T], values: Any, faults: list[SparsightError]) -> tuple[T, ...]:
    """Return what can be read of some values, and note what is wrong with the others."""
    found = []
    for value in _list(values):
        try:
            found.append(read(value))
        except SparsightError as error:
            faults.append(error)
    return tuple(found)


def _together(faults: Sequence[SparsightError]) -> SparsightError:
    """Say several faults in one message: in full if that is short, otherwise what is wrong only."""
    if len(faults) == 1:
        return faults[0]
    said = _numbered([str(fault) for fault in faults])
    if len(said) > LONGEST:
        more = f" and {len(faults) - MOST_SAID:,} more" if len(faults) > MOST_SAID else ""
        said = _numbered([fault.wrong for fault in faults[:MOST_SAID]]) + more
    return BadSpec(f"{len(faults)} parts of the sweep cannot be read.", said, "Correct them.")


def _numbered(sentences: Sequence[str]) -> str:
    return " ".join(f"({place}) {sentence}" for place, sentence in enumerate(sentences, 1))


def to_mapping(spec: SweepSpec) -> dict[str, Any]:
    """Convert a sweep to the mapping that `from_mapping` reads, of what JSON and YAML can hold."""
    return {
        "models": [asdict(model) for model in spec.models],
        "prunings": list(_grids(spec.prunings)),
        "data": _chosen(spec.data, ("name",)),
        "images": spec.images,
        "seed": spec.seed,
        "heatmaps": [asdict(cam) for cam in spec.cams],
        "measures": list(spec.measures),
        "reference": spec.reference
        if isinstance(spec.reference, str)
        else _network(spec.reference) | ({"classes": dict(spec.mapping)} if spec.mapping else {}),
    }


def to_yaml(spec: SweepSpec, title: str) -> str:
    """Return the text of a YAML file with comments, which `read_sweep` reads.

    Args:
        title: what the sweep asks, for its first line.
    """
    shown = "".join(sign if sign.isprintable() else " " for sign in title)  # on one line, as YAML allows
    lines = [f"# {shown}", "# Run it: python -m core sweep run FILE, where FILE is this file."]
    for name, value in to_mapping(spec).items():
        note = f"  # {NOTES[name]}" if name in NOTES else ""
        if isinstance(value, list) and any(isinstance(each, dict) for each in value):
            lines += [f"{name}:{note}", *(f"  - {_flow(each)}" for each in value)]
        else:
            lines.append(f"{name}: {_flow(value)}{note}")
    return "\n".join(lines) + "\n"


def _reference(value: Any) -> tuple[str | VariantSpec, Mapped]:
    """A word, or a mapping of a model, its pruning, and names of classes that differ; the last two
    may be left out.
    """
    if isinstance(value, str):
        return value, ()
    if not isinstance(value, Mapping):
        raise BadSpec(
            f"'reference' cannot be {str(value)[:60]!r}.",
            "It is the word dense, or a network: a model and its pruning.",
            "Write reference: {model: thesis-cnn, pruning: {level: 3}}, or omit it.",
        )
    facts = _mapping(value, ("model", "pruning", "classes"), "part of a reference")
    if "model" not in facts:
        raise BadSpec("The reference has no model.", "It is a network: a model and its pruning.", "Name its model.")
    prunings = _prunings(facts.get("pruning", {}))
    if len(prunings) > 1:
        raise BadSpec(
            f"The reference has {len(prunings)} prunings.", "It is one network.", "Name one sparsity or level."
        )
    classes = facts.get("classes", {})
    if not isinstance(classes, Mapping):
        raise BadSpec(
            f"'classes' cannot be {str(classes)[:60]!r}.",
            "They are pairs of names: a class of the reference, and the same one of the models.",
            "Write classes: {fish: tench}, or omit them.",
        )
    mapping = tuple((str(theirs), str(own)) for theirs, own in classes.items())
    return VariantSpec(model=_model(facts["model"]), pruning=prunings[0]), mapping


def _network(variant: VariantSpec) -> dict[str, Any]:
    found: dict[str, Any] = {"model": asdict(variant.model)}
    if not variant.pruning.is_dense:
        (found["pruning"],) = _grids((variant.pruning,))
    return found


def _grids(prunings: Iterable[PruningSpec]) -> Iterator[dict[str, Any]]:
    """Yield a mapping for neighbours that differ in their amount only."""
    for rest, several in groupby(map(_chosen_pruning, prunings), lambda one: one[0]):
        amounts = [amount for _, amount in several]
        name = "level" if rest.get("schedule") in TRAINED else "sparsity"
        yield rest | ({} if amounts == [None] else {name: amounts})


def _chosen_pruning(pruning: PruningSpec) -> tuple[dict[str, Any], float | None]:
    """Return the fields of a pruning without its amount, and the amount."""
    found = _chosen(pruning, RANKING if pruning.is_one_shot else ())
    amounts = [found.pop(name, None) for name in ("sparsity", "level")]
    for name in {"excluded", "overrides"} & set(found):
        found[name] = [[list(each) if isinstance(each, tuple) else each for each in found[name]]]  # one alternative
    return found, next((amount for amount in amounts if amount is not None), None)


def _chosen(spec: Any, always: Collection[str]) -> dict[str, Any]:
    """Return the fields that are not as usual. always: fields that are returned anyway."""
    return {
        each.name: getattr(spec, each.name)
        for each in fields(spec)
        if each.name in always or getattr(spec, each.name) != each.default
    }


def _flow(value: Any) -> str:
    """Return a value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _model(value: Any) -> ModelSpec:
    """A name stands for its first weights."""
    if isinstance(value, str):
        return default_model(value)
    facts = _checked(value, ModelSpec, "field of a model")
    usual = default_model(facts["name"]) if set(facts) == {"name"} else None
    return usual or ModelSpec(**facts)


def _prunings(value: Any) -> Sequence[PruningSpec]:
    return grid(**_checked(value, PruningSpec, "field of a pruning", lists=True))


def _data(value: Any) -> DataSpec:
    facts = {"name": value} if isinstance(value, str) else _checked(value, DataSpec, "field of a data set")
    return DataSpec(**facts | {"name": data_name(str(facts.get("name", "digits")))})


def _cam(value: Any) -> CamSpec:
    return CamSpec(**({"method": value} if isinstance(value, str) else _checked(value, CamSpec, "field of a heatmap")))


def _checked(value: Any, kind: type, noun: str, lists: bool = False) -> dict[str, Any]:
    """Check that a mapping has only fields of a spec, of the right kind; the spec checks its
    numbers. lists: a list stands for several values.
    """
    kinds = {each.name: str(each.type) for each in fields(kind)}
    found = _mapping(value, list(kinds), noun)
    for name, given in found.items():
        for one in given if lists and isinstance(given, list) else [given]:
            _check_kind(name, one, kinds[name])
    return found


def _check_kind(name: str, value: Any, kind: str) -> None:
    """Raise BadSpec if a field has another kind of value. kind: the annotation of the field."""
    if kind in ("str", "Schedule"):
        right, allowed = isinstance(value, str), "It is a word."
    elif kind == "str | int":
        right, allowed = isinstance(value, str | int), "It is a word or a whole number."
    elif kind == "tuple[str, ...]":
        right, allowed = _all_are(str, value), "It is a list of names."
    elif kind.startswith("tuple"):
        right = _all_are(list, value) and all(len(each) == 2 and isinstance(each[0], str) for each in value)
        allowed = "It is a list of pairs: a name and a number."
    else:
        return
    if not right:
        raise BadSpec(f"'{name}' cannot be {str(value)[:60]!r}.", allowed, f"Correct '{name}', or omit it.")


def _all_are(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(each, kind) for each in values)


def _mapping(
    value: Any, known: Collection[str], noun: str, faults: list[SparsightError] | None = None
) -> dict[str, Any]:
    """Check that a mapping has only known names; return it without the others.

    Raises BadSpec: unless unknown names are noted in `faults`.
    """
    if not isinstance(value, Mapping):
        raise BadSpec(
            f"{str(value)[:60]!r} is not a mapping.", f"A {noun} is one of: {', '.join(known)}.", "Write name: value."
        )
    for name in value:
        if name not in known:
            unknown = BadSpec(*explain_unknown(noun, str(name), list(known)))
            if faults is None:
                raise unknown
            faults.append(unknown)
    return {name: each for name, each in value.items() if name in known}


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
