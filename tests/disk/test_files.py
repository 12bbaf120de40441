"""Files on disk: round trips, damage, races between processes, and disks that refuse."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadFile, BadSpec, CacheNotWritable, MissingData
from core.disk import coding
from core.disk import files as module
from core.disk.files import Files

W = {"conv.weight": torch.arange(12.0).reshape(3, 4), "mask": torch.tensor([True, False])}
KEY = "net/data/seed-1/level-03"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "cache", [tmp_path / "cache" / "shipped"])


def everything(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def assert_three_parts(error: BaseException) -> None:
    assert error.wrong
    assert error.allowed
    assert error.next_step


def ship(files: Files, key: str, tensors: dict) -> Path:
    return Files(files.read_roots[0]).save(key, tensors, {"shipped": True})


def test_round_trip(files):
    facts = {"accuracy": 0.98, "counts": [1, 2], "nested": {"none": None}, "words": "Größe"}
    path = files.save(KEY, W, facts)
    tensors, found = files.load(KEY)
    assert path == files.write_root / f"{KEY}.safetensors"
    assert found == facts == files.facts(KEY)
    assert set(tensors) == set(W)
    assert all(torch.equal(tensors[name], W[name]) for name in W)
    assert files.exists(KEY)
    assert files.bytes(KEY) == path.stat().st_size
    assert everything(files.write_root) == ["level-03.safetensors"]


def test_folders_that_are_deleted_while_they_are_listed_are_passed_over(files, monkeypatch):
    files.save("net/a/one", W, {})
    files.save("net/b/two", W, {})
    real = os.scandir

    def scandir(path):
        if not isinstance(path, int) and Path(path).name == "b":
            shutil.rmtree(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files.keys() == ["net/a/one"]


def test_any_reader_of_safetensors_can_open_it(files):
    path = files.save(KEY, W, {})
    assert torch.equal(safetensors.torch.load_file(path)["conv.weight"], W["conv.weight"])


def test_equal_content_gives_equal_files(tmp_path):
    paths = [Files(tmp_path / name).save("k", W, {"b": 1, "a": 2}) for name in ("one", "two")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool])
def test_types_odd_shapes_and_strides(files, dtype):
    tensors = {"empty": torch.zeros(0, 3), "scalar": torch.tensor(1), "turned": torch.arange(6).reshape(2, 3).t()}
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    files.save("k", tensors, {})
    back = files.load("k")[0]
    assert all(torch.equal(back[name], tensors[name]) and back[name].dtype == dtype for name in tensors)


def test_tied_weights_and_gradients(files):
    weight = torch.ones(3, requires_grad=True)
    files.save("k", {"a": weight, "b": weight}, {})
    assert torch.equal(files.load("k")[0]["b"], torch.ones(3))


def test_what_was_loaded_does_not_hang_on_the_file(files):
    path = files.save("k", W, {})
    tensors = files.load("k")[0]
    path.write_bytes(b"")
    assert torch.equal(tensors["conv.weight"], W["conv.weight"])


@settings(max_examples=30, deadline=None)
@given(
    facts=st.dictionaries(
        st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists)
    )
)
def test_facts_survive_coding(facts):
    assert coding.decode(coding.encode(W, facts))[1] == facts


def test_number_keys_become_text(files):
    files.save("k", {}, {"level": {10: "a", 9: (1, 2)}})
    assert files.load("k") == ({}, {"level": {"10": "a", "9": [1, 2]}})


def test_nan_in_facts_is_a_mistake_of_the_caller(files):
    with pytest.raises(ValueError, match="JSON"):
        files.save("k", W, {"accuracy": float("nan")})
    assert not files.exists("k")


def test_a_second_save_replaces(files):
    files.save(KEY, W, {"n": 1})
    files.save(KEY, {"other": torch.ones(1)}, {"n": 2})
    assert files.load(KEY)[1] == {"n": 2}
    assert set(files.load(KEY)[0]) == {"other"}


def test_missing(files):
    for ask in (files.load, files.facts, files.bytes):
        with pytest.raises(MissingData, match="not on this machine") as caught:
            ask("no/such")
        assert_three_parts(caught.value)
    assert not files.exists("no/such")
    assert files.keys() == []
    files.delete("no/such")


def test_keys_are_sorted_and_prefixes_are_of_text(files):
    for key in ("net/level-10", "net/level-02", "net/dense", "other/level-01"):
        files.save(key, {}, {})
    ship(files, "net/level-02", {})
    ship(files, "net/level-01", {})
    (files.write_root / "net" / ".x.part").write_bytes(b"half")
    assert files.keys("net/level-") == ["net/level-01", "net/level-02", "net/level-10"]
    assert files.keys("net/") == ["net/dense", "net/level-01", "net/level-02", "net/level-10"]
    assert len(files.keys()) == 5
    assert files.keys("net") == ["net/dense", "net/level-01", "net/level-02", "net/level-10"]
    assert files.keys("oth") == ["other/level-01"]
    assert files.keys("[no]*") == []  # no pattern
    assert files.keys("nothing/here") == []


def test_reading_prefers_the_write_root(files):
    ship(files, KEY, {"a": torch.zeros(1)})
    assert files.load(KEY)[1] == {"shipped": True}
    files.save(KEY, W, {"mine": True})
    assert files.load(KEY)[1] == {"mine": True}
    files.delete(KEY)
    assert files.load(KEY)[1] == {"shipped": True}
    assert files.exists(KEY)


LEADING_OUT = [
    "..",
    "../x",
    "a/../../x",
    "/etc/x",
    "a//b",
    "a/",
    "",
    ".",
    "a/./b",
    "a\\..\\b",
    "C:x",
    "a\nb",
    "a\0b",
    "x" * 300,
    "é" * 150,
]


@pytest.mark.parametrize("key", LEADING_OUT)
def test_keys_that_would_leave_the_folder_are_refused(files, key):
    for use in (
        lambda: files.save(key, W, {}),
        lambda: files.load(key),
        lambda: files.exists(key),
        lambda: files.delete(key),
    ):
        with pytest.raises(BadSpec) as caught:
            use()
        assert_three_parts(caught.value)


def test_the_write_root_does_not_reach_into_a_read_root(files):
    path = ship(files, "net/a", W)
    with pytest.raises(BadSpec, match="read-only"):
        files.save("shipped/net/a", {}, {})
    with pytest.raises(BadSpec):
        files.delete("shipped/net/a")
    assert path.exists()
    assert files.keys() == ["net/a"]


def refuse(code: int):
    def call(*args: object, **more: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_behind(files, monkeypatch, step):
    files.save(KEY, W, {"n": 1})
    monkeypatch.setattr(module.os, step, refuse(errno.ENOSPC))
    with pytest.raises(CacheNotWritable, match="No space left") as caught:
        files.save(KEY, {}, {"n": 2})
    assert_three_parts(caught.value)
    assert str(files.write_root) in str(caught.value)
    assert everything(files.write_root) == ["level-03.safetensors"]
    assert files.load(KEY)[1] == {"n": 1}


def test_an_interrupted_save_leaves_nothing_behind(files, monkeypatch):
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.save(KEY, W, {})
    assert everything(files.write_root) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    files = Files(tmp_path / "cache")
    with pytest.raises(CacheNotWritable):
        files.save(KEY, W, {})
    assert not files.exists(KEY)
    assert files.keys() == []


def test_a_read_only_folder(files, monkeypatch):
    files.save(KEY, W, {})
    with monkeypatch.context() as patch:  # not by chmod: root may write everywhere
        patch.setattr(module, "open", refuse(errno.EROFS), raising=False)
        with pytest.raises(CacheNotWritable, match="Read-only"):
            files.save("net/new", W, {})
    assert files.keys() == [KEY]


def test_an_unreadable_file_is_said_and_left(files, monkeypatch):
    files.save(KEY, W, {})
    monkeypatch.setattr(module, "open", refuse(errno.EACCES), raising=False)
    with pytest.raises(BadFile, match="Permission denied"):
        files.load(KEY)
    assert everything(files.write_root) == ["level-03.safetensors"]


def write_often(root: Path, value: int) -> None:
    for _ in range(40):
        Files(root).save("k", {"w": torch.full((2000,), float(value))}, {"value": value})


def test_processes_and_threads_that_write_one_key_leave_a_sound_entry(tmp_path):
    context = multiprocessing.get_context("fork")
    writers: list = [context.Process(target=write_often, args=(tmp_path, value)) for value in (1, 2)]
    writers += [threading.Thread(target=write_often, args=(tmp_path, value)) for value in (3, 4)]
    write_often(tmp_path, 0)
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        tensors, facts = Files(tmp_path).load("k")
        assert torch.equal(tensors["w"], torch.full((2000,), float(facts["value"])))
    for writer in writers:
        writer.join()
    assert everything(tmp_path) == ["k.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\xff" * 55, (1 << 40).to_bytes(8, "little") + b"{}"])
def test_the_length_of_a_damaged_head_is_not_believed(files: Files, content: bytes) -> None:
    files.save(KEY, W, {}).write_bytes(content)
    assert files.checksum(KEY) == ""
    with pytest.raises(BadFile):
        files.facts(KEY)
