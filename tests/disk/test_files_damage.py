"""Damaged, foreign and outdated files are found, set aside, and give way to sound ones; nothing in
them is ever run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadFile, MissingData
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


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "bit":
        content[-1] ^= 1
    elif how == "head":
        content[content.index(b"accuracy")] ^= 1
    elif how == "short":
        del content[-5:]
    elif how == "empty":
        content.clear()
    elif how == "foreign":
        content[:] = safetensors.torch.save(W, {"by": "another program"})
    elif how == "version":
        content[:] = bytes(content).replace(b'format\\": 1', b'format\\": 9')
    elif how == "pickle":
        content[:] = b"\x80\x04cos\nsystem\n(S'touch /tmp/pwned'\ntR."
    path.write_bytes(content)


DAMAGES = ["bit", "head", "short", "empty", "foreign", "version", "pickle"]


@pytest.mark.parametrize("how", DAMAGES)
def test_damage_is_found_and_set_aside(files, how):
    path = files.save(KEY, W, {"accuracy": 1})
    damage(path, how)
    with pytest.raises(BadFile, match="cannot be used") as caught:
        files.load(KEY)
    assert_three_parts(caught.value)
    assert everything(files.write_root) == ["level-03.safetensors.damaged"]
    assert not files.exists(KEY)
    assert files.keys() == []
    with pytest.raises(MissingData):
        files.load(KEY)
    files.save(KEY, W, {})
    assert files.load(KEY)[1] == {}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_gives_way_to_a_sound_shipped_one(files, how):
    ship(files, KEY, W)
    damage(files.save(KEY, W, {"accuracy": 1}), how)
    assert files.load(KEY)[1] == {"shipped": True}


def test_a_damaged_shipped_file_stays_and_can_be_restored(files):
    path = ship(files, KEY, W)
    damage(path, "bit")
    with pytest.raises(BadFile, match="git checkout"):
        files.load(KEY)
    assert path.exists()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_noticed(data):
    content = bytearray(coding.encode({"w": torch.arange(4.0)}, {"level": 3}))
    sound = coding.decode(bytes(content))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        tensors, facts = coding.decode(bytes(content))
    except coding.Damage:
        return
    assert facts == sound[1]
    assert torch.equal(tensors["w"], sound[0]["w"])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_content_is_damage(content):
    with pytest.raises(coding.Damage):
        coding.decode(content)


def test_a_file_replaced_while_it_was_read_is_read_again(files, monkeypatch):
    damage(files.save(KEY, W, {"accuracy": 1}), "bit")
    sound, decode = coding.encode(W, {"new": True}), coding.decode

    def replaced_meanwhile(content: bytes):
        if content != sound:
            fresh = files.write_root / "fresh"
            fresh.write_bytes(sound)
            os.replace(fresh, files.write_root / f"{KEY}.safetensors")
        return decode(content)

    monkeypatch.setattr(module, "decode", replaced_meanwhile)
    assert files.load(KEY)[1] == {"new": True}
    assert everything(files.write_root) == ["level-03.safetensors"]


@settings(deadline=None)
@given(st.data())
def test_no_changed_byte_changes_the_facts(tmp_path_factory, data):
    files = Files(tmp_path_factory.mktemp("facts"))
    path = files.save(KEY, W, {"accuracy": 12345, "title": "Mine"})
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    path.write_bytes(content)
    try:
        found = files.facts(KEY)
    except (BadFile, MissingData):
        return
    assert found == {"accuracy": 12345, "title": "Mine"}
