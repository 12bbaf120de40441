"""Uploaded zip files: kept once, named safely, and not kept where they hold no photographs."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from core.base.errors import BadFile, BadSpec
from core.data.folders import read_folder
from core.data.uploads import keep_zip
from tests.protocols import small_series


def test_an_upload_is_kept_once_and_can_be_read(tmp_path: Path) -> None:
    photographs = small_series.photographs(tmp_path / "tiny", 2)
    content = Path(shutil.make_archive(str(tmp_path / "tiny"), "zip", photographs)).read_bytes()
    place = keep_zip(content, "../../my photos.zip", tmp_path / "cache")
    assert place == keep_zip(content, "../../my photos.zip", tmp_path / "cache")
    assert place.name == "my-photos.zip"
    assert (tmp_path / "cache/data/uploads") in place.parents
    assert len(read_folder(place)) == 8


@pytest.mark.parametrize(("made", "error"), [(b"no zip file", BadFile), (None, BadSpec)])
def test_what_holds_no_photographs_is_not_kept(tmp_path: Path, made: bytes | None, error: type[Exception]) -> None:
    if made is None:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("readme.txt", "nothing")
        made = target.getvalue()
    with pytest.raises(error, match=r"\bx\.zip") as raised:
        keep_zip(made, "x.zip", tmp_path)
    assert str(tmp_path) not in str(raised.value)
    assert not list(tmp_path.rglob("*.zip"))
