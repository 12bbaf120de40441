"""What a page shows, from the elements that Streamlit sends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.Element_pb2 import Element

MAIN = 0  # the root of a page's main part
Path = tuple[int, ...]


@dataclass(frozen=True)
class Shown:
    """What a page shows once it is complete; without its fragments, which go on by themselves.

    address: of the view, with its page. parts: kind and content of everything that says something,
    in the order of the page; pictures and figures as checksums. errors: what a page showed instead
    of an answer. pictures_s: from the question to Explore's four pictures or the first figure, None
    where there are none. complete_s: to the end of the run. bytes: that were received.
    """

    address: str
    parts: tuple[tuple[str, str], ...]
    errors: tuple[str, ...]
    pictures_s: float | None
    complete_s: float
    bytes: int


@dataclass
class Run:
    """A run of a page's script, as its messages arrive. pictures_s: as in Shown."""

    elements: dict[Path, Delta] = field(default_factory=dict)
    begun: bool = False
    pictures_s: float | None = None
    bytes: int = 0

    def draw(self, path: Path, delta: Delta, after_s: float) -> None:
        """Take an element or a container that arrived so long after the question."""
        kind = delta.WhichOneof("type")
        if kind == "new_transient":
            return
        is_element = kind == "new_element"
        for below in [each for each in self.elements if each[: len(path)] == path and (is_element or each == path)]:
            del self.elements[below]
        if is_element:
            self.elements[path] = delta
            if path[0] == MAIN and _is_awaited(delta.new_element):
                self.pictures_s = self.pictures_s or after_s

    def widgets(self) -> dict[str, Element]:
        """Return the widgets by their ids, which end with their keys."""
        elements = (delta.new_element for delta in self.elements.values())
        return {widget: element for element in elements if (widget := _widget(element))}

    def shown(self, address: str, complete_s: float) -> Shown:
        """Return what the page shows now that the run has ended."""
        own = tuple(self._own())
        parts = ((str(each.WhichOneof("type")), _says(each)) for each in own)
        errors = tuple(text for each in own if (text := _error(each)))
        return Shown(address, tuple(part for part in parts if part[1]), errors, self.pictures_s, complete_s, self.bytes)

    def _own(self) -> Iterator[Element]:
        for path, delta in sorted(self.elements.items()):
            if path[0] == MAIN and not delta.fragment_id:
                yield delta.new_element


def _widget(element: Element) -> str:
    """Return the id of a widget, which ends with its key; "" for anything else."""
    kind = element.WhichOneof("type")
    return str(getattr(getattr(element, kind), "id", "")) if kind else ""


def _is_awaited(element: Element) -> bool:
    """Whether it is what a person waits for: the fourth picture of Explore, or a figure."""
    if element.WhichOneof("type") == "imgs":
        return any(image.alt.startswith("Difference of") for image in element.imgs.imgs)
    return element.WhichOneof("type") == "plotly_chart"


def _error(element: Element) -> str:
    kind = element.WhichOneof("type")
    if kind == "exception":
        return element.exception.message
    return element.alert.body if kind == "alert" and element.alert.format == Alert.ERROR else ""


def _sum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


SAYS: dict[str | None, Callable[[Element], str]] = {
    "markdown": lambda element: element.markdown.body,
    "heading": lambda element: element.heading.body,
    "alert": lambda element: element.alert.body,
    "metric": lambda element: f"{element.metric.label}: {element.metric.body} ({element.metric.delta})",
    "imgs": lambda element: " ".join(f"{image.alt} {_sum(image.url.encode())}" for image in element.imgs.imgs),
    "plotly_chart": lambda element: _sum(element.plotly_chart.spec.encode()),
    "bidi_component": lambda element: _sum(element.bidi_component.SerializeToString(deterministic=True)),
    "exception": lambda element: element.exception.message,
}


def _says(element: Element) -> str:
    """Return what an element says; "" for one that only arranges others, or is a control."""
    kind = element.WhichOneof("type")
    return SAYS[kind](element) if kind in SAYS else ""
