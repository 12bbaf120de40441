"""What a student does in class: moves sliders, changes image, network and method, uploads, opens
other pages, and looks in between.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from bench.load.shown import Shown
from bench.load.visitor import Visitor

START = "model=efficientnet-lite0"
LINKS = (  # that a teacher gives out: two networks of the tree, two of torchvision that need no download
    START,
    "model=thesis-cnn",
    "model=squeezenet1_1&weights=random",
    "model=mobilenet_v2&weights=random",
)
COMPUTE = "Compute"  # the button of a slow method
SLOW = "model=thesis-cnn&cam=score-cam"
SPARSITIES = {"fine": (0, 10, 20, 30, 40, 50, 60), "sparsity": (0, 20, 40, 60, 80, 90, 95)}
PHOTOS, DIGITS, METHODS = 5, ("2", "3", "7"), ("Grad-CAM", "Grad-CAM++", "Layer-CAM")
UPLOADS = 4  # different images that are uploaded
KEYS, KEY_S = 3, 0.25  # arrow keys of one move of a slider, and the time between them
ACTIONS = {  # how often, of a hundred
    "slider": 50,
    "image": 14,
    "method": 6,
    "network": 8,
    "upload": 4,
    "compare": 7,
    "curves": 4,
    "lessons": 3,
    "slow method": 4,
}


@dataclass(frozen=True)
class View:
    """What decides what a page shows. upload: as in Step. waits: the page asks whether it should
    compute a slow heatmap.
    """

    address: str
    upload: int | None
    waits: bool


@dataclass(frozen=True)
class Step:
    """One action of a student and what the page showed. upload: the number of the image that it
    shows; None without one.
    """

    action: str
    shown: Shown
    upload: int | None = None

    @property
    def view(self) -> View:
        """What decides what is shown."""
        return View(self.shown.address, self.upload, _waits(self.shown))


class Student:
    """Somebody in class.

    Args:
        home: address of the server. seed: decides what they do.
    """

    def __init__(self, home: str, seed: int) -> None:
        self.home, self.draw = home, random.Random(seed)
        self.visitor = Visitor(home)
        self.upload: int | None = None

    def arrive(self) -> Step:
        """Open Explore."""
        return Step("first page", self.visitor.open("explore", START))

    def act(self) -> Step:
        """Do one thing and wait for the answer."""
        action = self.draw.choices(tuple(ACTIONS), tuple(ACTIONS.values()))[0]
        if action in ("network", "slow method"):
            return self._follow(action, SLOW if action == "slow method" else self.draw.choice(LINKS))
        if action in ("compare", "curves", "lessons"):
            return self._there_and_back(action)
        return Step(action, getattr(self, f"_{action}")(), self.upload)

    def leave(self) -> None:
        """Close the tab."""
        self.visitor.close()

    def pause(self, seconds: float) -> None:
        """Look at the page."""
        self.visitor.pause(seconds)

    def _slider(self) -> Shown:
        key = "fine" if self.visitor.has("fine") else "sparsity"
        for _ in range(KEYS - 1):
            self.visitor.hurry(key, self.draw.choice(SPARSITIES[key]))
            self.visitor.pause(KEY_S)
        return self.visitor.set(key, self.draw.choice(SPARSITIES[key]))

    def _image(self) -> Shown:
        if self.upload is not None:
            self.upload = None
            return self.visitor.set("source", "Digits" if self._reads_digits else "Gallery")
        if self._reads_digits:
            return self.visitor.set("digit", self.draw.choice(DIGITS))
        return self.visitor.set("photo", self.draw.choice(self.visitor.choices("photo")[:PHOTOS]))

    def _method(self) -> Shown:
        offered = self.visitor.choices("cam")
        return self.visitor.set("cam", self.draw.choice([name for name in METHODS if name in offered]))

    def _upload(self) -> Shown:
        if self.upload is None:
            self.visitor.set("source", "Your own")
        self.upload = self.draw.randrange(UPLOADS)
        return self.visitor.upload("upload", f"{self.upload}.png", image(self.upload))

    def _follow(self, action: str, link: str) -> Step:
        """Open a link in a new tab and close the old one."""
        self.visitor.close()
        self.visitor, self.upload = Visitor(self.home), None
        shown = self.visitor.open("explore", link)
        if action == "slow method":
            shown = self.visitor.press(COMPUTE)
        return Step(action, shown)

    def _there_and_back(self, page: str) -> Step:
        """Look at another page of the same session."""
        query = "of=sweep.efficientnet-lite0" if page == "curves" else ""
        shown, upload = self.visitor.open(page, query), self.upload
        self.visitor.pause(1.0)
        self.visitor.open("explore")
        return Step(page, shown, upload if page == "compare" else None)

    @property
    def _reads_digits(self) -> bool:
        return self.visitor.has("digit") or "thesis-cnn" in parse_qs(urlsplit(self.visitor.address).query).get(
            "model", [""]
        )


@cache
def image(number: int) -> bytes:
    """Return a small picture that is uploaded: coloured noise."""
    values = np.random.default_rng(number).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(values).save(data, "PNG")
    return data.getvalue()


def again(home: str, view: View) -> Shown:
    """Return what a new visitor is shown who asks for the same view."""
    visitor, (page, _, query) = Visitor(home), view.address.partition("?")
    try:
        shown = visitor.open(page, query)
        if view.upload is not None:
            shown = visitor.upload("upload", f"{view.upload}.png", image(view.upload))
        return shown if view.waits or not _waits(shown) else visitor.press(COMPUTE)
    finally:
        visitor.close()


def _waits(shown: Shown) -> bool:
    return any("does not follow the slider" in text for kind, text in shown.parts if kind == "alert")
