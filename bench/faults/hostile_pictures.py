"""Hostile pictures and archives of them: each function makes one and returns the call that gives
it to Sparsight.
"""

from __future__ import annotations

import io
import json
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from bench.faults.mutations import as_bytes, damaged, nested, path, rewritten, strange
from bench.faults.place import SECRET, Place
from core.base.errors import SparsightError
from core.data.folders import read_folder
from core.data.uploads import keep_zip
from core.engine.engine import Engine
from core.models.zoo import default_model
from core.specs import ModelSpec

Call = Callable[[], object]
MODELS = (ModelSpec(), default_model("efficientnet-lite0"))
FORMATS = ("PNG", "PNG", "JPEG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MODES = ("RGB", "RGB", "RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16", "YCbCr")
SIZES = ((40, 30), (40, 30), (1, 1), (3, 300), (500, 2))
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
BOMB = b"\0" * 30_000_000
COCO = {
    "images": [{"id": 1, "file_name": "cat/0.png", "width": 40, "height": 30}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 8], "segmentation": [[2, 3, 12, 3, 12, 11]]},
        {
            "id": 2,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 1,
            "segmentation": {"size": [30, 40], "counts": [9, 1191]},
        },
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
}
BOXES = "path,x0,y0,x1,y1\ncat/0.png,1,2,20,20\ndog/1.png,0,0,5,5\n"


def picture(draw: Random) -> bytes:
    """Return a whole picture of some format and mode."""
    width, height = draw.choice(SIZES)
    pixels = np.frombuffer(draw.randbytes(width * height * 3), np.uint8).reshape(height, width, 3)
    image, made = Image.fromarray(pixels), io.BytesIO()
    kind, mode, more = draw.choice(FORMATS), draw.choice(MODES), dict[str, Any]()
    image = image.convert("L").convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
    if kind in ("JPEG", "PNG", "WEBP") and draw.random() < 0.4:
        exif = Image.Exif()
        exif[0x0112] = draw.choice((1, 3, 6, 8, 0, 9, 65535))
        exif[0x010E] = strange(draw)[:1000].encode("utf-8", "replace")
        more["exif"] = exif.tobytes()
    if kind in ("JPEG", "PNG", "WEBP") and draw.random() < 0.2:
        more["icc_profile"] = draw.randbytes(draw.choice((10, 300, 60_000)))
    if kind == "PNG" and draw.random() < 0.3:
        texts = PngImagePlugin.PngInfo()
        said = strange(draw)[:1000].replace("\0", "").encode("utf-8", "replace").decode()
        texts.add_text("Comment", said, zip=draw.random() < 0.5)
        more["pnginfo"] = texts
    try:
        image.save(made, kind, **more)
    except (OSError, ValueError, struct.error):  # this format has no such mode
        image.convert("RGB").save(made, kind)
    return made.getvalue()


@cache
def _packed() -> bytes:
    return zlib.compress(BOMB, 9)


def bomb(draw: Random) -> bytes:
    """Return a PNG that claims any size, with valid checksums, and pixels, profile or text that
    unpack to megabytes.
    """

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    sizes = (0, 1, 30, 6_000, 30_000, 2**31 - 1, 2**32 - 1)
    size, kind = (draw.choice(sizes), draw.choice(sizes)), (draw.choice((1, 8, 16)), draw.choice((0, 2, 6)))
    head = struct.pack(">IIBBBBB", *size, *kind, 0, 0, 0)
    packed = _packed()
    more = draw.choice((b"", chunk(b"iCCP", b"a\0\0" + packed), chunk(b"zTXt", b"a\0\0" + packed)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def hostile_image(draw: Random, place: Place) -> Call:
    """A picture that somebody uploads."""
    content = draw.choice((picture, picture, picture, bomb))(draw)
    if draw.random() < 0.9:
        content = damaged(content, draw)
    return lambda: _shown(Engine("cpu", place.cache), content, draw.choice(MODELS))


def _shown(engine: Engine, content: bytes, model: ModelSpec) -> None:
    """The network sees numbers from 0 to 1, of its own size."""
    found = engine.picture(engine.add_image(content, model), model)
    height, width = engine.card(model).input.size_px[::-1]
    assert found.seen.shape[:2] == (height, width)
    assert np.isfinite(found.seen).all()


def hostile_archive(draw: Random, place: Place) -> Call:
    """A zip file, or a folder, of photographs with marks."""
    files = _set(draw)
    if draw.random() < 0.25:
        _write(files, place.inputs / "photos", draw, place)
        return lambda: _read(read_folder(place.inputs / "photos"), place)
    content = _zip(files, draw, place)
    if draw.random() < 0.3:
        content = damaged(content, draw)
    name = draw.choice(("photos.zip", f"{strange(draw)[:300]}.zip", path(draw)))
    return lambda: _read(read_folder(keep_zip(content, name, place.cache)), place)


def _set(draw: Random) -> dict[str, bytes]:
    """Return files by name, some of them strange."""
    files = {name: picture(draw) for name in ("cat/0.png", "cat/1.jpg", "dog/1.png")}
    if draw.random() < 0.3:
        files["boxes.csv"] = as_bytes(rewritten(BOXES, draw), draw)
    if draw.random() < 0.3:
        files["annotations.json"] = as_bytes(rewritten(json.dumps(COCO), draw), draw)
    if draw.random() < 0.4:
        files["masks/cat/0.png"] = damaged(picture(draw), draw)
    one = draw.choice(list(files))
    harm = draw.randrange(5)
    if harm == 0:
        files[one] = damaged(files[one], draw)
    elif harm == 1:
        files[f"{strange(draw)[:300]}/{strange(draw)[:300]}.png"] = picture(draw)
    elif harm == 2:
        files[f"{path(draw)}/0.png"] = picture(draw)
    elif harm == 3:
        files[draw.choice(("cat/bomb.png", "boxes.csv", "annotations.json"))] = draw.choice((BOMB, bomb(draw)))
    else:
        files["annotations.json"] = nested(draw).encode()
    return files


def _zip(files: dict[str, bytes], draw: Random, place: Place) -> bytes:
    """Return a zip file with them, where some are links and some come twice."""
    made, how = io.BytesIO(), draw.choice(METHODS)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "w", how) as archive:  # of the names twice
        for name, content in files.items():
            entry = zipfile.ZipInfo(name.encode("utf-8", "replace").decode() or "x")
            entry.compress_type = zipfile.ZIP_DEFLATED if content is BOMB else how
            if draw.random() < 0.1:  # a link, whose content is where it leads
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                content = str(place.home / "outside/secret.txt").encode()
            for _ in range(draw.choice((1, 1, 1, 1, 2))):
                archive.writestr(entry, content)
    return made.getvalue()


def _write(files: dict[str, bytes], home: Path, draw: Random, place: Place) -> None:
    """Write those files that lie below the folder and can, and links out of it and back."""
    for name, content in files.items():
        try:
            target = home / name
            if target.resolve().is_relative_to(home.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        except (OSError, ValueError):
            continue
    for _ in range(draw.randrange(3)):
        elsewhere = place.home / "outside/secret.txt", place.home / "nowhere", Path("/dev/zero")
        leads = draw.choice((*elsewhere, home, home.parent))
        link = home / draw.choice(("cat/2.png", "dog/round", "boxes.csv", "annotations.json", "masks"))
        if not link.exists() and not link.is_symlink():
            link.symlink_to(leads)


def _read(found: object, place: Place) -> None:
    """Read all photographs and marks of a set. What is refused on its own is no fault."""
    said = " ".join(found.notes)  # type: ignore[attr-defined]
    for photo in found.photos:  # type: ignore[attr-defined]
        try:
            photo.read()
        except SparsightError as error:
            said += str(error)
        said += photo.name
    assert SECRET not in said
    said.encode()  # a page shows it
