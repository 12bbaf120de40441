"""Small data sets of photographs, written to disk in the layouts of the real ones."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (60, 40)  # width, height
BOX = (12, 8, 36, 28)  # the object: bright, and marked


def photograph(seed: int, size: tuple[int, int] = SIZE, box: tuple[int, int, int, int] = BOX) -> Image.Image:
    """Dark noise with a bright object, whose colour is another for each hundred of seeds, and a
    little for each seed.
    """
    pixels = np.random.default_rng(seed).integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] += 130
    pixels[box[1] : box[3], box[0] : box[2], seed // 100 % 3] += np.uint8(5 * (seed % 10) + 10)
    return Image.fromarray(pixels)


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def folder_files(classes: tuple[str, ...] = ("n01440764", "espresso", "unheard of"), each: int = 4) -> dict[str, bytes]:
    """Photographs by path, a table of boxes for the first two classes, and things that are to be
    passed over.
    """
    files = {
        f"{name}/{row}.JPEG": jpeg(photograph(100 * place + row))
        for place, name in enumerate(classes)
        for row in range(each)
    }
    rows = [f"{name}/{row}.JPEG,{','.join(map(str, BOX))}" for name in classes[:2] for row in range(each)]
    rows.append(f"{classes[0]}/0.JPEG,50,30,60,40")  # a second object
    files["boxes.csv"] = "\n".join(["path,x0,y0,x1,y1", *rows]).encode()
    return files | {
        "readme.txt": b"hello",
        f"{classes[0]}/notes.txt": b"",
        f"{classes[0]}/._0.JPEG": b"mac",
    }


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_zip(path: Path, files: dict[str, bytes], top: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{top}{name}", content)
    return path


def write_imagenette(folder: Path) -> None:
    classes = ("n01440764", "n02102040", "n03888257")
    files = {f"{name}/{row}.JPEG": jpeg(photograph(row)) for name in classes for row in range(2)}
    for split in ("train", "val"):
        write_folder(folder / "imagenette2-320" / split, files)


PETS = (("Abyssinian_1", 1), ("pug_7", 2), ("pug_9", 2))


def write_pets(folder: Path) -> None:
    base = folder / "oxford-iiit-pet"
    trimap = np.full((SIZE[1], SIZE[0]), 2, np.uint8)
    trimap[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 3  # the outline
    trimap[BOX[1] + 2 : BOX[3] - 2, BOX[0] + 2 : BOX[2] - 2] = 1
    file = io.BytesIO()
    Image.fromarray(trimap).save(file, "PNG")
    files = {f"images/{name}.jpg": jpeg(photograph(row)) for row, (name, _) in enumerate(PETS)}
    files |= {f"annotations/trimaps/{name}.png": file.getvalue() for name, _ in PETS}
    lines = "\n".join(f"{name} {label} 1 1" for name, label in PETS).encode()
    write_folder(base, files | {"annotations/test.txt": lines, "annotations/trainval.txt": lines})


CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def write_cifar(folder: Path) -> dict[str, str]:
    """Returns the md5 of each file: torchvision reads only files whose md5 it knows."""
    base = folder / "cifar-10-batches-py"
    base.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    contents: dict[str, object] = {f"data_batch_{part}": {"data": pixels, "labels": [1, 2, 3]} for part in range(1, 6)}
    contents |= {
        "test_batch": {"data": pixels, "labels": [9, 0, 4]},
        "batches.meta": {"label_names": list(CIFAR_CLASSES)},
    }
    sums = {}
    for name, content in contents.items():
        written = pickle.dumps(content)
        (base / name).write_bytes(written)
        sums[name] = hashlib.md5(written).hexdigest()
    return sums
