"""A plugin registers with the same registries as Sparsight; of one that fails nothing remains, and
it is said where and why.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.base.errors import BadSpec
from core.base.plugins import BadPlugin, joined, load, load_plugins, loaded, unpack
from core.base.settings import Settings
from core.evaluation.columns import COLUMNS, Needs, needs
from core.measures import MEASURES, mean
from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.saliency import CAMS
from docs.tables import tables
from pages.parts.common.plugins import named
from tests.plugins_of_a_test import entries, forget

MEASURE = """
from core.measures.base import MEASURES

@MEASURES.register("darkest", "Darkest", "The smallest value.", group="map", range="0 to 1")
def darkest(maps):
    return maps.flatten(1).amin(1)
"""
OTHERS = """
from core.pruning.scores import CRITERIA
from core.saliency.cams import native

@CRITERIA.register("cube", "Cube", "Small cubes go first.", needs="weights")
def cube(evidence):
    return {name: evidence.mean(name, values.abs() ** 3) for name, values in evidence.weights.items()}

@native("plain-sum", "Plain sum", "The sum of the channels.", "ours")
def plain_sum(activations, gradients):
    return activations.sum(1)
"""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = entries()
    yield
    forget()
    assert entries() == before


def file(folder: Path, text: str, name: str = "mine.py") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_measure_is_listed_and_a_column(tmp_path: Path) -> None:
    (plugin,) = load_plugins(file(tmp_path, MEASURE + OTHERS))
    assert plugin.names == ("measure darkest", "measure map-darkest", "criterion cube", "CAM method plain-sum")
    assert loaded() == (plugin,)
    assert {MEASURES["darkest"].plugin, COLUMNS["map-darkest"].plugin, CAMS["plain-sum"].plugin} == {plugin.digest}
    assert needs("map-darkest") is Needs.MAP
    assert CRITERIA["magnitude"].plugin == ""
    maps = torch.rand(3, 4, 4)
    torch.testing.assert_close(MEASURES["darkest"].value(maps), maps.flatten(1).min(1).values)


def test_a_plugin_runs_once_in_a_process(tmp_path: Path) -> None:
    path = file(tmp_path, f"open({str(tmp_path / 'runs')!r}, 'a').write('.')")
    assert load([path]) == load([path, tmp_path / "." / "mine.py"])[:1]
    assert (tmp_path / "runs").read_text() == "."


def test_the_tables_of_the_documents_do_not_know_plugins(tmp_path: Path) -> None:
    before = tables()
    load_plugins(file(tmp_path, MEASURE + OTHERS))
    assert tables() == before


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("x = 1\ndef f(:\n", r"The plugin {path}, line 2: SyntaxError: invalid syntax\."),
        (f"{MEASURE}\nunknown\n", r"The plugin {path}, line 8: NameError: name 'unknown' is not defined\."),
        (f"{MEASURE}\nimport no_such_module_here\n", r"line 8: ModuleNotFoundError: No module named"),
        (f"{MEASURE}\nimport torch\ntorch.zeros(2) @ torch.zeros(3)\n", r"The plugin {path}, line 9: RuntimeError: "),
        (f"{MEASURE}\nraise SystemExit(3)\n", r"The plugin {path}, line 8: SystemExit: 3\."),
        (f"{MEASURE}\nraise ValueError\n", r"The plugin {path}, line 8: ValueError\."),
        (
            f'{MEASURE}\nMEASURES.register("mean", "Mean", "Again.")(darkest)\n',
            r"The measure 'mean' is registered twice: in \S+/core/measures/maps\.py, line \d+, and in {path}, line 8\.",
        ),
        (MEASURE + MEASURE, r"The measure 'darkest' is registered twice: in {path}, line 4, and in {path}, line 10\."),
        (
            MEASURE.replace("flatten(1).amin(1)", "amin()"),
            r"The plugin {path}, line 4: the measure 'darkest' does not work: It returns \(\) for two images\.",
        ),
        (MEASURE.replace('"map"', '"mapp"'), "'mapp' is not a valid Group"),
        (
            OTHERS.replace("evidence.mean(name, values.abs() ** 3)", "values.abs()"),
            "the criterion 'cube' does not work: Its scores of filters do not have the shape of the groups",
        ),
        (OTHERS.replace("sum(1)", "sum((1, 2))"), r"the CAM method 'plain-sum' does not work: It returns \(2, 4\)"),
        (
            'from core.data.datasets import DATASETS\nDATASETS.register("few", "Few", "Three photographs.")(print)\n',
            r"line 2: the data set 'few' does not work: Its facts are \{\}\.",
        ),
        (
            'from core.models.zoo import MODELS\nMODELS.register("Net", "Net", "Mine.")(3)\n',
            "line 2: the model 'Net' does not work: The name 'Net' cannot be used",
        ),
        (
            'from core.models.zoo import MODELS\nMODELS.register("resnet34", "Net", "Mine.")(3)\n',
            "'resnet34' is a network of torchvision",
        ),
        (
            'from core.models.zoo import MODELS\nMODELS.register("net", "Net", "Mine.")(3)\n',
            "'net' is registered with int, not with a complete Card",
        ),
        (
            "from dataclasses import replace\nfrom core.models.zoo import MODELS\nimport torch\n"
            'card = replace(MODELS["thesis-cnn"].value, target_layer="relu9")\n'
            'MODELS.register("net", "Net", "Mine.")(card)\n',
            "line 5: the model 'net' does not work: There is no target layer 'relu9'.*Did you mean 'relu",
        ),
    ],
)
def test_an_error_is_said_and_nothing_remains(text: str, wrong: str, tmp_path: Path) -> None:
    before, path = entries(), file(tmp_path, text)
    good = file(tmp_path, MEASURE.replace("darkest", "lowest"), "good.py")
    bad, fine = load([path, good])
    assert bad.error is not None
    assert re.search(wrong.replace("{path}", re.escape(str(path))), bad.error.wrong), bad.error.wrong
    assert "Nothing that it registered is used" in bad.error.allowed
    assert bad.error.next_step.endswith("then start Sparsight again.")
    assert (bad.names, fine.error) == ((), None)
    assert "lowest" in MEASURES
    forget()
    assert entries() == before
    with pytest.raises(BadPlugin, match="start Sparsight again"):
        load_plugins(path)


def test_an_error_in_a_module_beside_it_names_that_module(tmp_path: Path) -> None:
    helper = file(tmp_path, "def make():\n    return 1 / 0\n", "beside_the_plugin.py")
    (plugin,) = load([file(tmp_path, "import beside_the_plugin\nbeside_the_plugin.make()\n")])
    assert plugin.error is not None
    assert plugin.error.wrong == f"The plugin {helper}, line 2: ZeroDivisionError: division by zero."


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.py", tmp_path):
        (plugin,) = load([path])
        assert plugin.error is not None
        assert f"The plugin {path} cannot be read" in plugin.error.wrong


def test_modules_of_core_that_a_failing_plugin_imports_stay(tmp_path: Path) -> None:
    """They register once, when they are imported first: withdrawn, they would be gone for good."""
    text = "from core.base.registry import Registry\nimport core.study.presets\nunknown\n"
    (plugin,) = load([file(tmp_path, text)])
    assert plugin.error is not None
    from core.study.presets import PRESETS

    assert len(PRESETS) >= 3


def test_the_digest_is_that_of_the_code_and_of_modules_beside_it(tmp_path: Path) -> None:
    def digest(text: str, helper: str, name: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        file(folder, f"value = {helper}\n", f"of_{name}.py")
        (plugin,) = load_plugins(file(folder, f"import of_{name} as beside\n{text}"))
        assert set(plugin.sources) == {"mine.py", f"of_{name}.py"}
        moved = tmp_path / f"{name}-moved"
        unpack(plugin, moved)
        assert {path.name: path.read_bytes() for path in moved.iterdir()} == plugin.sources
        return plugin.digest

    first = digest("x = 1", "1", "a")
    assert len({first, digest("x = 2", "1", "b"), digest("x = 1", "2", "c")}) == 3
    (same,) = load_plugins(file(tmp_path, MEASURE, "one.py"))
    forget()
    (again,) = load_plugins(file(tmp_path, MEASURE, "one.py"))
    assert same.digest == again.digest
    assert mean(torch.ones(1, 2, 2)).item() == 1


def test_each_plugin_gets_the_module_of_its_own_folder(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        file(tmp_path / name, f"value = {value}\n", "of_the_same_name.py")
        file(tmp_path / name, f"import of_the_same_name\nassert of_the_same_name.value == {value}\n")
    first, second = load_plugins(tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py")
    assert first.sources["of_the_same_name.py"] != second.sources["of_the_same_name.py"]


def test_files_are_named_as_in_path() -> None:
    found = Settings.from_environment({"SPARSIGHT_PLUGINS": os.pathsep.join(("a.py", "", "~/b.py"))}).plugins
    assert found == (Path("a.py").absolute(), Path("~/b.py").expanduser())
    assert Settings.from_environment({"SPARSIGHT_PLUGINS": joined(found)}).plugins == found
    assert Settings.from_environment({}).plugins == ()
    assert named(["app.py", "--plugins", "a.py:b.py"]) == named(["app.py", "--plugins=a.py:b.py"]) == "a.py:b.py"
    assert named(["app.py", "--plugins"]) == named(["app.py"]) == ""


def test_a_name_is_registered_once_by_sparsight_too() -> None:
    with pytest.raises(
        ValueError, match=r"'thesis-cnn' is registered twice: in \S+zoo\.py, line \d+, and in \S+, line"
    ):
        MODELS.register("thesis-cnn", "", "")(MODELS["thesis-cnn"].value)
    with pytest.raises(BadSpec):
        MODELS.check(MODELS["thesis-cnn"].__class__("A b", MODELS["thesis-cnn"].value, "", ""))  # type: ignore[misc]
