"""Sweeps that are known by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import BadFile, CacheNotWritable, UnknownName
from core.base.settings import shipped_folder
from core.data.folders import PREFIX
from core.specs import DataSpec, ModelSpec
from core.sweeps.known import find_sweep, keep, known_sweeps, with_own_photographs
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.written import read_sweep, to_yaml

SPEC = SweepSpec(models=(ModelSpec(name="thesis-cnn"),), prunings=grid(sparsity=[0.5, 0.9]), images=7)


def test_included_sweeps_have_titles_and_a_kept_one_joins_them(tmp_path: Path) -> None:
    roots = (tmp_path, shipped_folder())
    included = known_sweeps(roots)
    assert {"digits", "efficientnet-lite0", "less-is-more", "mnist"} <= set(included)
    assert all(one.title != one.name and not one.is_own for one in included.values())
    keep(roots, SPEC, "My sweep: seven digits!")
    (name,) = set(known_sweeps(roots)) - set(included)
    one = known_sweeps(roots)[name]
    assert (one.title, one.is_own, one.read()) == ("My sweep: seven digits!", True, SPEC)
    assert list(known_sweeps(roots)) == [*included, name]
    assert keep(roots, SPEC, "The same under another title") == name
    assert keep(roots, included["digits"].read(), "An included one") == "digits"
    assert list(known_sweeps(roots)) == [*included, name]


def test_a_sweep_is_found_by_its_name_or_file(tmp_path: Path) -> None:
    roots = (tmp_path, shipped_folder())
    assert find_sweep("less-is-more", roots) == shipped_folder() / "sweeps" / "less-is-more.yaml"
    path = tmp_path / "own.yaml"
    path.write_text(to_yaml(SPEC, "own"))
    assert find_sweep(str(path), roots) == path
    with pytest.raises(UnknownName, match="less-is-moar") as found:
        find_sweep("less-is-moar", roots)
    assert found.value.nearest == "less-is-more"
    with pytest.raises(BadFile, match="No such file"):
        read_sweep(find_sweep(str(tmp_path / "absent.yaml"), roots))


def test_a_damaged_file_is_listed_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "bad.yaml").write_text("models: [\n")
    (tmp_path / "sweeps" / "no-text.yaml").write_bytes(b"\xff\xfe\x00")
    keep((tmp_path,), SPEC, "Good")
    found = known_sweeps((tmp_path,))
    assert {"bad", "no-text"} < set(found)
    with pytest.raises(BadFile):
        found["bad"].read()
    assert [one.title for one in found.values() if one.name not in ("bad", "no-text")] == ["Good"]


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "sweeps").write_text("a file where the folder should be")
    with pytest.raises(CacheNotWritable, match=r"sweeps.*could not be written"):
        keep((tmp_path,), SPEC, "title")


def test_own_photographs_stand_for_those_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SweepSpec(models=SPEC.models, prunings=SPEC.prunings, data=DataSpec(name=f"{PREFIX}photographs.zip"))
    for own, expected in (
        ("", "photographs.zip"),
        ("/mine/others.zip", "photographs.zip"),
        ("/mine/photographs.zip", "/mine/photographs.zip"),
    ):
        monkeypatch.setenv("SPARSIGHT_PHOTOS", own)
        assert with_own_photographs(spec).data.name == PREFIX + expected
        assert with_own_photographs(SPEC) == SPEC


def test_a_file_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    name = keep((tmp_path,), SPEC, "own")
    one = known_sweeps((tmp_path,))[name]
    assert one.read() is one.read()
    one.path.write_text(to_yaml(replace(SPEC, images=8), "own"))
    assert one.read().images == 8
    one.path.write_text("models: [")
    with pytest.raises(BadFile):
        one.read()
