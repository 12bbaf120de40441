"""Photographs of installed packages: nothing is downloaded, and none is stored in this
repository.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

from core.base.errors import BadImage, MissingData
from core.base.registry import Registry
from core.data.images import read_image

PACKAGES = {"skimage": "scikit-image", "sklearn": "scikit-learn"}  # module -> package to install


@dataclass(frozen=True, kw_only=True)
class GalleryPhoto:
    """One photograph.

    file: inside the package's folder. alt: a description for people who cannot see it. subject: the
    ImageNet class of the subject, "" if several classes fit or none does (a tabby may be a tiger
    cat; a motorcycle is not a class).
    """

    file: str
    alt: str
    package: str = "skimage"
    subject: str = ""

    @property
    def path(self) -> Path:
        """The path of the file. Raises MissingData if the package or the file is missing."""
        spec = importlib.util.find_spec(self.package)  # of a package without dots: nothing is imported
        path = Path(spec.origin).parent / self.file if spec and spec.origin else None
        if path is None or not path.is_file():
            package = PACKAGES[self.package]
            raise MissingData(
                f"The photograph {Path(self.file).name} is missing.",
                f"It is part of the package {package}.",
                "Run `pip install -r requirements.txt`.",
            )
        return path


GALLERY: Registry[GalleryPhoto] = Registry("photograph")

GALLERY.register(
    "cat", "Cat", "A tabby cat's face, looking past the camera.", "Stefan van der Walt, CC0, in scikit-image"
)(GalleryPhoto(file="data/chelsea.png", alt="The face of a striped ginger cat with yellow eyes"))
GALLERY.register(
    "coffee", "Coffee", "A cup of espresso on a saucer, with a spoon.", "Rachel Michetti, CC0, in scikit-image"
)(
    GalleryPhoto(
        file="data/coffee.png",
        alt="A cup of espresso on a red saucer with a spoon, on a wooden table",
        subject="espresso",
    )
)
GALLERY.register("rocket", "Rocket", "A rocket on its pad at dusk.", "SpaceX, public domain, in scikit-image")(
    GalleryPhoto(file="data/rocket.jpg", alt="A white rocket between four lattice towers, lit up at dusk")
)
GALLERY.register(
    "motorcycle",
    "Motorcycle",
    "A red motorcycle in a workshop; ImageNet has no class for it, only mopeds and scooters.",
    "D. Scharstein et al., Middlebury stereo benchmark 2014, in scikit-image",
)(GalleryPhoto(file="data/motorcycle_left.png", alt="A red motorcycle standing in a workshop in front of shelves"))
GALLERY.register(
    "astronaut",
    "Astronaut",
    "Eileen Collins in her space suit: a person and many objects.",
    "NASA, public domain, in scikit-image",
)(
    GalleryPhoto(
        file="data/astronaut.png",
        alt="A smiling woman in an orange space suit with a helmet, in front of a flag and a model of a space shuttle",
    )
)
GALLERY.register(
    "camera", "Photographer", "A man behind a camera on its tripod; grey.", "Lav Varshney, CC0, in scikit-image"
)(GalleryPhoto(file="data/camera.png", alt="A man in a dark coat looks through a camera on a tripod, on a lawn"))
GALLERY.register(
    "coins",
    "Coins",
    "Greek coins from Pompeii in rows: no ImageNet class; grey.",
    "Brooklyn Museum, no known restrictions, in scikit-image",
)(GalleryPhoto(file="data/coins.png", alt="Four rows of worn ancient coins on a dark ground"))
GALLERY.register(
    "galaxies",
    "Galaxies",
    "The Hubble eXtreme Deep Field: nothing in it has an ImageNet class.",
    "NASA and ESA, public domain, in scikit-image",
)(GalleryPhoto(file="data/hubble_deep_field.jpg", alt="Hundreds of small galaxies of many colours on black"))
GALLERY.register(
    "flower", "Flower", "An orange dahlia in front of dark leaves.", "vultilion (Flickr), CC BY 2.0, in scikit-learn"
)(
    GalleryPhoto(
        package="sklearn", file="datasets/images/flower.jpg", alt="A round orange dahlia in front of dark leaves"
    )
)
GALLERY.register(
    "pagoda",
    "Pagoda",
    "A many-storeyed Chinese temple above a lake.",
    "danielbuechele (Flickr), CC BY 2.0, in scikit-learn",
)(
    GalleryPhoto(
        package="sklearn",
        file="datasets/images/china.jpg",
        alt="An eight-sided Chinese temple of four storeys above a misty lake",
    )
)


@lru_cache(maxsize=len(GALLERY))
def gallery_image(name: str) -> Image.Image:
    """Load the photograph, 8-bit RGB. Raises UnknownName, MissingData, BadImage."""
    path = GALLERY[name].value.path
    try:
        return read_image(path.read_bytes())[0]
    except (OSError, BadImage) as error:
        raise MissingData(f"The photograph {path} cannot be read ({error}).", "", "Reinstall its package.") from error
