"""Stored results of which a digit or a letter was changed, so that they are still well-formed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas
from safetensors.torch import save

from core.base.errors import BadFile
from core.base.settings import shipped_folder
from core.disk.frames import read_frame, write_frame
from core.engine.engine import Engine
from core.models import description
from core.models.building import untrained
from core.models.own import About
from core.models.zoo import named
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.store.accuracy_table import read_counts
from tests.zoo.case import Case

NETWORK = VariantSpec(pruning=PruningSpec.one_shot(0.5))


def changed(path: Path, old: str, new: str) -> None:
    """Change a text in a file to another one of the same length."""
    content = path.read_bytes()
    assert len(old) == len(new)
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


def counts(folder: Path) -> Sequence[str]:
    """Changes the accuracy of the dense network, which is then counted again."""
    home = folder / ModelSpec().key
    shutil.copytree(shipped_folder() / ModelSpec().key, home)
    dense, path = VariantSpec(), home / "accuracy.csv"
    row = read_counts(path).rows[dense.pruning.key, DataSpec().key]
    changed(path, f"digits,{row.correct},{row.total},", f"digits,{row.correct - 1},{row.total},")
    found = Engine("cpu", folder).accuracy(dense, DataSpec())
    assert found.correct == row.correct
    return found.notes


def kept_variant(folder: Path) -> Sequence[str]:
    """A kept variant whose head claims another count is not believed: it is computed again."""
    engine = Engine("cpu", folder)
    engine.keep(NETWORK)
    before = engine.report(NETWORK)
    (path,) = (folder / "variants").rglob("*.safetensors")
    first = before.layers[0]
    changed(path, f'\\"kept\\": {first.kept}', f'\\"kept\\": {first.kept + 1}')
    assert Engine("cpu", folder).report(NETWORK) == before
    return []


def own_network(folder: Path) -> Sequence[str]:
    engine = Engine("cpu", folder)
    state = {name: values.clone() for name, values in untrained(named("squeezenet1_1").build, 1).items()}
    model = engine.add_model(save(state), About(architecture="squeezenet1_1", title="Mine"))
    (path,) = (folder / model.name).rglob("*.safetensors")
    changed(path, "Mine", "Nine")
    again = Engine("cpu", folder).catalogue
    assert model.name not in again
    return [str(problem) for problem in again.damaged]


def card(folder: Path) -> Sequence[str]:
    """The card of a retrained network of which a class was renamed."""
    home = folder / "squeezenet1_1@imagenette-128"
    shutil.copytree(shipped_folder() / home.name, home)
    changed(home / description.FILE, "tench", "trench"[1:])
    description.read(home / description.FILE)
    return []


def table(change: Callable[[Path], None]) -> Callable[[Path], Sequence[str]]:
    def ask(folder: Path) -> Sequence[str]:
        path = folder / "units.parquet"
        write_frame(path, pandas.DataFrame({"unit": range(50), "mis": [0.5] * 50}), {"judge": "pixels", "n": 2000})
        change(path)
        read_frame(path)
        return []

    return ask


def other_facts(path: Path) -> None:
    from pyarrow import parquet

    found = parquet.read_table(path)
    facts = {name: value.replace(b"2000", b"9000") for name, value in found.schema.metadata.items()}
    parquet.write_table(found.replace_schema_metadata(facts), path)


def other_rows(path: Path) -> None:
    """A table whose rows are those of another one, under the old facts."""
    from pyarrow import parquet

    facts = parquet.read_schema(path).metadata
    write_frame(path, pandas.DataFrame({"unit": range(50), "mis": [0.9] * 50}), {})
    parquet.write_table(parquet.read_table(path).replace_schema_metadata(facts), path)


def study(folder: Path) -> Sequence[str]:
    from core.protocols.lukkien.tables import found_studies, load_study, study_folder

    weights, data = found_studies([shipped_folder()])[0]
    home = study_folder(folder, weights, data)
    shutil.copytree(study_folder(shipped_folder(), weights, data), home)
    about = json.loads((home / "study.json").read_text())
    about["facts"]["train_images"] += 1
    (home / "study.json").write_text(json.dumps(about))
    load_study([folder], weights, data)
    return []


def floor(folder: Path) -> Sequence[str]:
    """A changed noise floor is not used: it is measured again."""
    from core.sweeps.floor import FILE, known_floor, question_of

    shutil.copytree(shipped_folder() / "thesis-cnn", folder / "thesis-cnn")
    shutil.copy(shipped_folder() / FILE, folder / FILE)
    engine = Engine("cpu", folder)
    asked = question_of(engine, VariantSpec(), CamSpec(layer="relu2"), DataSpec(noise=0.2))
    assert asked is not None
    found = known_floor(engine, asked)
    assert found is not None
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(text.replace(f"{found.mean:.6f}"[:-1], "0.99999"))
    again = known_floor(Engine("cpu", folder), asked)
    assert again is None or again == found  # the included one
    return []


CASES = (
    Case(
        "A digit of an accuracy table",
        "The line is named in the remarks, and counted again; other lines are used.",
        counts,
        "is damaged, so not used. What it held is counted again",
    ),
    Case("A count in the head of a kept variant", "Not believed; the variant is computed again.", kept_variant),
    Case(
        "A letter in the head of an own network", "Left out; the file is named.", own_network, "checksum of its facts"
    ),
    Case("A class in the card of a retrained network", "Refused.", card, "checksum does not match", BadFile),
    Case(
        "A fact of a table of units or of a sweep",
        "Refused, or computed again.",
        table(other_facts),
        "is damaged: its checksum does not match",
        BadFile,
    ),
    Case("Other rows in such a table", "Refused, or computed again.", table(other_rows), "is damaged", BadFile),
    Case("A fact of the tables of the thesis", "Refused.", study, "does not match its checksum", BadFile),
    Case("A digit of a noise floor", "Not used; it is measured again.", floor),
)
