"""What a session holds, and that it is freed when the session ends."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import streamlit as st

from core.specs import ImageRef

Free = Callable[[ImageRef], None]


class Images:
    """Uploaded images, and how many sessions hold each one."""

    def __init__(self) -> None:
        self._changed, self._holders = threading.Lock(), Counter[str]()

    def taken(self, image: ImageRef) -> None:
        """Counts one more session."""
        with self._changed:
            self._holders[image.name] += 1

    def left(self, image: ImageRef, free: Free) -> None:
        """Frees the image if this was the last session that holds it."""
        with self._changed:
            self._holders[image.name] -= 1
            if self._holders[image.name] < 1:
                del self._holders[image.name]
                free(image)


_images = Images()


class Guest:
    """The uploaded images of one session: only the last one is held."""

    def __init__(self) -> None:
        self._held: tuple[ImageRef, Free] | None = None

    def hold(self, image: ImageRef, free: Free) -> None:
        """Holds an image instead of the one before. free: drops an image that nobody holds."""
        if self._held and self._held[0].name == image.name:
            return
        _images.taken(image)
        self.end()
        self._held = image, free

    def end(self) -> None:
        """Lets go of what the session holds."""
        held, self._held = self._held, None
        if held:
            _images.left(*held)


@st.cache_resource(show_spinner=False, scope="session", on_release=Guest.end)
def guest() -> Guest:
    """Returns what this session holds. Streamlit ends it when the browser disconnects."""
    return Guest()
