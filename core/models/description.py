"""Networks retrained by this project on other data: an architecture with a head of its own,
described in a small JSON beside its weights.

A model "squeezenet1_1@imagenette-128" is the architecture squeezenet1_1 with the classes of
imagenette-128. Each of its trained series (runs) is a set of weights with levels of its own:
ModelSpec(name, weights="merkle-layer", seed=0), level 0 its dense network.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from core.base.atomic import replacing
from core.base.checks import CHECK, checked, is_whole
from core.base.errors import BadFile, BadSpec, CacheNotWritable
from core.models import architectures
from core.models.cards import Card, InputRule, Series, Weights
from core.specs import ModelSpec, PruningSpec, exact_share

FILE, FORMAT = "card.json", 2
NAMED = 5  # classes that a message names


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trained series. targets: the requested sparsity of each level, from level 0 on. seeds:
    trained or begun so far.
    """

    summary: str
    targets: tuple[float, ...]
    seeds: tuple[int, ...]

    def and_also(self, other: Run) -> Run:
        """Add the seeds of the same series; a series with other levels is ignored."""
        return (
            self if self.targets != other.targets else replace(self, seeds=tuple(sorted({*self.seeds, *other.seeds})))
        )


@dataclass(frozen=True, kw_only=True)
class Description:
    """Description of a retrained network, from which its card is made. runs: its trained series, by
    name.
    """

    architecture: str
    data: str
    classes: tuple[str, ...]
    size_px: int
    target_layer: str
    classifier: str
    runs: dict[str, Run]
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    format: int = FORMAT

    @property
    def name(self) -> str:
        return f"{self.architecture}@{self.data}"

    def card(self) -> Card:
        """Return the card of this network."""
        rule = InputRule(size_px=(self.size_px, self.size_px), mean=self.mean, std=self.std)
        series = {name: Series(targets=run.targets, seeds=run.seeds) for name, run in self.runs.items()}
        origin = "trained by this project"
        return Card(
            build=partial(architectures.build, self.architecture, len(self.classes)),
            target_layer=self.target_layer,
            input=rule,
            classes=self.classes,
            weights={
                name: Weights(summary=run.summary, series=series[name], origin=origin)
                for name, run in self.runs.items()
            },
            classifier=self.classifier,
            seeds=tuple(sorted({seed for run in self.runs.values() for seed in run.seeds})),
            dense=PruningSpec.at_level(0, "retrained"),
            levels=max((each.last for each in series.values()), default=0),
        )

    def is_same_network(self, other: Description) -> bool:
        """Return whether both describe the same network, regardless of their runs."""
        return replace(self, runs={}) == replace(other, runs={})

    def and_also(self, other: Description) -> Description:
        """Add the runs of the same network; a run of the same name with other levels does not
        replace ours.
        """
        ours = {name: run.and_also(other.runs[name]) if name in other.runs else run for name, run in self.runs.items()}
        return replace(self, runs=ours | {name: run for name, run in other.runs.items() if name not in ours})


def write(folder: Path, description: Description) -> None:
    """Write <folder>/<name>/card.json beside the weights, replacing it as a whole.

    Raises CacheNotWritable.
    """
    target = folder / description.name / FILE
    try:
        with replacing(target) as part:
            content = json.loads(json.dumps(asdict(description)))  # as a reader will see it
            part.write_text(json.dumps(checked(content), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CacheNotWritable(
            f"{target} cannot be written ({error}).",
            "This file describes a trained network.",
            "Free some space or choose another folder.",
        ) from error


def add_runs(folder: Path, description: Description) -> None:
    """Write the card, or add its runs to the existing one; its levels replace those of an earlier
    run of the same name. A card without stored networks is replaced: its run was abandoned.

    Raises:
        BadSpec: the name belongs to another network in this folder. CacheNotWritable.
    """
    path = folder / description.name / FILE
    try:
        known = read(path)
    except BadFile:  # no card yet, or a damaged one
        known = description
    if not description.is_same_network(known) and next(path.parent.rglob("*.safetensors"), None) is None:
        known = description
    if not description.is_same_network(known):
        named = ", ".join(known.classes[:NAMED]) + (" ..." if len(known.classes) > NAMED else "")
        raise BadSpec(
            f"{description.name} already names another network: {len(known.classes)} classes ({named}) at "
            f"{known.size_px} pixels.",
            "All runs of a network must share its classes, size and input rule.",
            "Choose another name for the data.",
        )
    write(folder, description.and_also(known))


def lock_path(folder: Path, model: ModelSpec) -> Path:
    """Return the lock file of a trained series: one process at a time trains or deletes it."""
    return folder / model.name / model.weights / f".seed-{model.seed}.lock"


def drop_seed(folder: Path, name: str, run: str, seed: int) -> None:
    """Remove a trained series from the card; removing the last one deletes the card.

    Raises BadFile, CacheNotWritable.
    """
    path = folder / name / FILE
    description = read(path)
    kept = {
        each: tuple(one for one in known.seeds if (each, one) != (run, seed))
        for each, known in description.runs.items()
    }
    runs = {each: replace(description.runs[each], seeds=seeds) for each, seeds in kept.items() if seeds}
    if runs:
        write(folder, replace(description, runs=runs))
        return
    try:
        path.unlink()
    except OSError as error:
        raise CacheNotWritable(
            f"{path} cannot be removed ({error}).", "The folder must be writable.", "Check its permissions."
        ) from error


def read(path: Path) -> Description:
    """Read a description. Raises BadFile if it is damaged, or not a description of this version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if CHECK in content and not is_whole(content):  # those of older versions have no checksum
            raise ValueError("its checksum does not match")
        content.pop(CHECK, None)
        if content.get("format") == 1:
            content = _of_format_1(content)
        for name in ("classes", "mean", "std"):
            content[name] = tuple(content[name])
        content["runs"] = {str(name): _run(run) for name, run in content["runs"].items()}
        description = Description(**content)
        if problem := _problem(description, path):
            raise ValueError(problem)
        return description
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadSpec) as error:
        raise BadFile(
            f"{path} does not describe a retrained network ({error}).",
            "Training writes this file.",
            "Delete its folder, or train the network again.",
        ) from error


def _run(facts: dict[str, Any]) -> Run:
    """Read a run. Raises ValueError, KeyError, TypeError or BadSpec if it is invalid."""
    targets = tuple(exact_share(target) for target in facts["targets"])
    seeds = tuple(int(seed) for seed in facts["seeds"])
    if not targets or targets[0] != 0 or list(targets) != sorted(set(targets)) or not seeds:
        raise ValueError(f"levels {list(targets)}, seeds {list(seeds)}")
    return Run(summary=str(facts["summary"]), targets=targets, seeds=seeds)


def _of_format_1(facts: dict[str, Any]) -> dict[str, Any]:
    """Convert the first format, which had only series that halve the remaining weights at each
    level, and one list of seeds for all.
    """
    targets = [1 - 0.5**level for level in range(int(facts.pop("levels")) + 1)]
    seeds = facts.pop("seeds")
    runs = {name: {"summary": summary, "targets": targets, "seeds": seeds} for name, summary in facts["runs"].items()}
    return facts | {"runs": runs, "format": FORMAT}


def _problem(description: Description, path: Path) -> str:
    """Return why a description cannot be used; "" for a valid one."""
    if description.format != FORMAT:
        return f"format {description.format}"
    if not architectures.is_known(description.architecture):
        return f"the architecture '{description.architecture}'"
    if description.name != path.parent.name:
        return f"it describes {description.name}"
    if (
        not description.runs
        or len(description.classes) < 2
        or len(set(description.classes)) != len(description.classes)
    ):
        return f"{len(description.runs)} runs, {len(description.classes)} classes"
    if (
        not (isinstance(description.size_px, int) and 8 <= description.size_px <= 2048)
        or len(description.mean) != 3
        or len(description.std) != 3
    ):
        return f"{description.size_px} pixels, mean {description.mean}, standard deviation {description.std}"
    return "" if min(description.std) > 0 else f"standard deviation {description.std}"


def find(folders: Iterable[Path]) -> list[Description]:
    """Find all retrained networks below these folders; damaged ones are omitted, see `look`."""
    return look(folders)[0]


def look(folders: Iterable[Path]) -> tuple[list[Description], list[BadFile]]:
    """Find all retrained networks below these folders, and the errors of those that cannot be used.

    Runs of one network in several folders are merged; if two folders disagree about the network,
    the first one wins.
    """
    found: dict[str, Description] = {}
    damaged: list[BadFile] = []
    for path in paths(folders):
        try:
            description = read(path)
        except BadFile as error:
            damaged.append(error)
            continue
        known = found.get(description.name, description)
        if known.is_same_network(description):
            found[description.name] = known.and_also(description)
        else:
            damaged.append(
                BadFile(
                    f"{path} describes a different network than an earlier card of the same name.",
                    "",
                    "Move one of the two to another folder.",
                )
            )
    return list(found.values()), damaged


def paths(folders: Iterable[Path]) -> list[Path]:
    """Return the paths of the cards below these folders."""
    return [path for folder in folders for path in sorted(folder.glob(f"*@*/{FILE}"))]
