"""PNG masks beside photographs: masks/cat/1.png marks the object in cat/1.jpg."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import PurePath, PurePosixPath

import numpy as np
from PIL import Image

from core.base.errors import BadImage
from core.base.text import composed
from core.data.images import open_image
from core.data.marks import Folder, Mark, Marks, Mask, Sizes, check_size, count_and_name, read_content

FOLDER = "masks"
RULE = "A mask is a PNG file: black (0) or transparent is background, everything else the object."


def is_in_masks(name: PurePosixPath) -> bool:
    return any(part.casefold() == FOLDER for part in name.parent.parts)


def is_png(name: PurePath) -> bool:
    return name.suffix.lower() == ".png"


def png_marks(folder: Folder) -> Marks:
    """Match the masks of a folder with its photographs, without decoding them."""
    found, absent, ambiguous, more = Marks(), list[str](), list[str](), list[str]()
    masks = sorted(name for name in folder.masks if is_in_masks(name))
    for name in filter(is_png, masks):
        photos = folder.by_stem.find(*_photo_of(name))
        if len(photos) != 1:
            (ambiguous if photos else absent).append(str(name))
        elif photos[0] in found.by_photo:
            more.append(str(name))
        else:
            content = folder.masks[name]
            read = partial(_mask, content, f"{folder.title}/{name}")
            found.by_photo[photos[0]] = Mark(read, files=folder.listing.path(name), content=content)
    for names, text in (
        (absent, f"Without a photograph of their name, so not used as masks: {{}}. A class cannot be named {FOLDER}."),
        (ambiguous, f"Masks that fit several photographs, so not used: {{}}. Name them {FOLDER}/class/name.png."),
        (more, "Not used, because their photographs have another mask: {}."),
        ([str(name) for name in masks if not is_png(name)], "Masks must be PNG files. Left out: {}."),
    ):
        if names:
            found.notes.append(text.format(count_and_name(names, "file")))
    return found


def _photo_of(name: PurePosixPath) -> tuple[PurePosixPath, PurePosixPath]:
    """Return the folder around the masks, and the path of the photograph in it without suffix."""
    parts = PurePosixPath(composed(str(name))).with_suffix("").parts
    place = next(place for place, part in enumerate(parts) if part.casefold() == FOLDER)
    return PurePosixPath(*parts[:place]), PurePosixPath(*parts[place + 1 :])


def open_png(content: Callable[[], bytes], name: str, sizes: Sizes) -> Image.Image:
    """Open a mask of a photograph of these sizes. Raises BadImage."""
    try:
        image = open_image(read_content(content, name))
        if image.format != "PNG":
            raise BadImage(f"The file is in the format {image.format}.", RULE, "Export it as PNG.")
    except BadImage as error:
        raise BadImage(f"{name}: {error.wrong}", error.allowed, error.next_step) from error
    check_size(name, image.size, sizes)
    try:
        image.load()
    except Exception as error:  # untrusted bytes: Pillow's decoders raise almost any exception class
        raise BadImage(f"{name} is damaged or incomplete.", RULE, "Export it again.") from error
    return image


def _mask(content: Callable[[], bytes], name: str, sizes: Sizes) -> Mask:
    image = open_png(content, name, sizes)
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        return pixels[..., :3].any(-1) & (pixels[..., 3] > 0)
    pixels = np.asarray(image.convert("RGB") if image.mode == "P" else image)
    return np.asarray(pixels.any(-1) if pixels.ndim == 3 else pixels != 0)


def pictures_of(files: Collection[PurePosixPath], suffixes: Collection[str]) -> set[PurePosixPath]:
    """Return the pictures in folders of masks. A folder of this name without PNG files is a class,
    and so is one that holds all pictures.
    """
    pictures = {name for name in files if name.suffix.lower() in suffixes}
    masks = {name for name in pictures if is_in_masks(name)}
    return masks if any(map(is_png, masks)) and masks != pictures else set()
