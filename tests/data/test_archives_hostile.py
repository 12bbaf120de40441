"""Archives whose entries lead elsewhere: nothing is written, and nothing outside is read."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from core.base.errors import SparsightError
from core.data.folders import read_folder
from core.data.uploads import keep_zip
from tests.data.made_sets import jpeg, photograph

OUTSIDE = "secret.jpg"


def archive(*names: str, links: tuple[str, ...] = ()) -> bytes:
    """A zip file with these photographs, and links to a file of this machine."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as writer:
        for name in names:
            writer.writestr(name, jpeg(photograph(1)))
        for name in links:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            writer.writestr(entry, f"../../{OUTSIDE}")
    return made.getvalue()


@pytest.mark.parametrize(
    "name", ["../../fox/0.jpg", "/fox/0.jpg", "fox/../../0.jpg", "C:\\fox\\0.jpg", "..\\..\\fox\\0.jpg"]
)
def test_an_entry_that_leads_outside_writes_nothing_there(tmp_path: Path, name: str) -> None:
    home = tmp_path / "deep" / "cache"
    try:
        place = keep_zip(archive("cat/0.jpg", name), "photos.zip", home)
        for photo in read_folder(place).photos:
            photo.read()
    except SparsightError:
        pass
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.suffix == ".zip" and path.is_relative_to(home) for path in files)
    assert len(files) <= 1


def test_an_entry_without_a_name_is_passed_over(tmp_path: Path) -> None:
    content = archive("cat/0.jpg", "x")
    place = tmp_path / "photos.zip"
    head = content.rindex(b"PK\x01\x02")  # of the last entry in the directory at the end
    size, at = content[head + 28 : head + 30], head + 46
    assert size == b"\x01\x00"
    shorter = content[: head + 28] + b"\0\0" + content[head + 30 : at] + content[at + 1 :]
    end = shorter.rindex(b"PK\x05\x06")
    length = int.from_bytes(shorter[end + 12 : end + 16], "little") - 1
    place.write_bytes(shorter[: end + 12] + length.to_bytes(4, "little") + shorter[end + 16 :])
    assert [photo.name for photo in read_folder(place).photos] == ["cat/0.jpg"]


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / OUTSIDE).write_bytes(jpeg(photograph(2)))
    place = tmp_path / "a" / "b" / "photos.zip"
    place.parent.mkdir(parents=True)
    place.write_bytes(archive("cat/0.jpg", links=("cat/1.jpg",)))
    found = read_folder(place)
    read = []
    for photo in found.photos:
        try:
            read.append(photo.read().tobytes())
        except SparsightError:
            continue
    assert len(read) == 1
