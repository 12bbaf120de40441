"""The widget behind `core.explore`. It imports ipywidgets, so it is imported only when needed."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import ipywidgets as widgets

from core.data.gallery import GALLERY
from core.engine.engine import Engine, Question
from core.figures.notebook.display import html
from core.figures.notebook.latest import Latest
from core.results import Comparison
from core.saliency import CAMS
from core.saliency.cams import is_quick
from core.specs import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec, exact_share

IMAGES = 10  # images to choose from
WIDE = {"width": "520px"}
STYLE = {"description_width": "100px"}


class Explorer(widgets.VBox):
    """A slider, two dropdowns, and the comparison that they select.

    slider: of the percentage of removed weights, or of the level; method, image: dropdowns. answer:
    the comparison shown. To move the slider from code, set `slider.value`, then `wait()` for the
    answer.
    """

    def __init__(self, engine: Engine, model: ModelSpec, image: ImageRef, pruning: PruningSpec, cam: CamSpec) -> None:
        self._engine, self._model, self._family, self._cam = engine, model, pruning, cam
        make_slider = _level_slider if pruning.is_trained else _share_slider
        self.slider = make_slider(engine, model, pruning)
        methods = [(entry.title, name) for name, entry in CAMS.items() if is_quick(name) or name == cam.method]
        self.method = widgets.Dropdown(options=methods, value=cam.method, description="Method", style=STYLE)
        images = [(_title(engine, model, each), each) for each in _images(engine, model, image)]
        self.image = widgets.Dropdown(options=images, value=image, description="Image", style=STYLE)
        self._status, self._shown = widgets.HTML(), widgets.HTML()
        self._error: Exception | None = None
        self.answer = engine.compare(*self._question())
        self._shown.value = html(self.answer)
        self._latest = Latest(self._ask, self._show, self._explain)
        for control in (self.slider, self.method, self.image):
            control.observe(self._moved, "value")
        controls = widgets.HBox([self.method, self.image, self._status])
        super().__init__([self.slider, controls, self._shown])

    def wait(self, timeout_s: float = 60.0) -> Comparison:
        """Wait until the newest question is answered and return its answer.

        Raises TimeoutError, or the error that is shown instead of an answer.
        """
        self._latest.wait(timeout_s)
        if self._error:
            raise self._error
        return self.answer

    def _question(self) -> Question:
        amount = self.slider.value
        pruning = (
            replace(self._family, level=amount)
            if self._family.is_trained
            else replace(self._family, sparsity=exact_share(amount / 100))
        )
        variant = VariantSpec(model=self._model, pruning=pruning)
        return variant, self.image.value, replace(self._cam, method=self.method.value)

    def _moved(self, change: object) -> None:
        self._status.value = "Computing …"
        self._latest.ask(self._question())

    def _ask(self, question: Question) -> tuple[Comparison, str]:
        answer = self._engine.compare(*question)
        return answer, html(answer)

    def _show(self, made: tuple[Comparison, str]) -> None:
        self.answer, self._shown.value = made
        self._error, self._status.value = None, ""

    def _explain(self, error: Exception) -> None:
        """Show the error instead of a picture of an earlier question."""
        self._shown.value = f"<p>{escape(str(error))}</p>"
        self._error, self._status.value = error, ""


def _share_slider(engine: Engine, model: ModelSpec, pruning: PruningSpec) -> widgets.FloatSlider:
    """Make a slider up to the end of the card's grid: without retraining, networks for photographs
    fail early.
    """
    value, top = 100 * (pruning.sparsity or 0.0), 100 * engine.card(model).grid[-1]
    return widgets.FloatSlider(
        value=value,
        max=max(value, top),
        step=0.5,
        description="Removed, %",
        readout_format=".1f",
        layout=WIDE,
        style=STYLE,
        disabled=pruning.granularity not in ("weight", "kernel", "channel", "filter"),
    )


def _level_slider(engine: Engine, model: ModelSpec, pruning: PruningSpec) -> widgets.IntSlider:
    last = max(len(engine.levels(model)) - 1, pruning.level or 0)
    return widgets.IntSlider(value=pruning.level, max=last, description="Level", layout=WIDE, style=STYLE)


def _images(engine: Engine, model: ModelSpec, image: ImageRef) -> list[ImageRef]:
    """Return this image first, then others of its source."""
    return list(dict.fromkeys((image, *engine.images_like(image, model, IMAGES))))


def _title(engine: Engine, model: ModelSpec, image: ImageRef) -> str:
    if image.source == "gallery":
        return GALLERY[image.name].title
    if image.source == "digits":
        return f"A {engine.picture(image, model).label}, row {image.name}"
    return "your own image" if image.source == "own" else f"{image.source}, row {image.name}"
