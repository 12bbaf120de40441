"""The images of Compare's rows and their titles."""

from __future__ import annotations

from core import ImageRef, ModelSpec
from core.data.gallery import GALLERY
from pages.parts.common import engine


def following(image: ImageRef, count: int) -> list[ImageRef]:
    """Returns the image and the ones after it: digits of the same class or photographs of the
    gallery. An own image has no successors.
    """
    if image.source == "own":
        return [image]
    names = _names(image)
    place = names.index(image.name)
    around = [*names[place:], *names[:place]]
    return [
        ImageRef(source=image.source, name=name, noise=image.noise, noise_seed=image.noise_seed)
        for name in around[:count]
    ]


def _names(image: ImageRef) -> list[str]:
    if image.source == "gallery":
        return list(GALLERY)
    if image.source == "digits":
        label = engine.engine().picture(image).label
        return [str(row) for row in engine.rows_of_class(int(label or 0))]
    return [str(int(image.name) + step) for step in range(12)]  # rows of a data set


def title(image: ImageRef, model: ModelSpec) -> str:
    """Returns the title of an image's row."""
    picture = engine.engine().picture(image, model)
    if picture.title:
        return picture.title
    if image.source == "own":
        return "Your own image"
    label = "" if picture.label is None else f", a {engine.card(model).classes[picture.label]}"
    return f"Image {image.name} of {image.source}{label}"
