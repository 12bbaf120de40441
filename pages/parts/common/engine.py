"""The one engine of the app, and answers that pages ask for again and again.

Keys are specs' keys, never arrays, and the stamp of the files that answer (core/base/stamps.py),
taken before anything is asked: when a network is trained anew under the same name, or a photograph
is exchanged, no page shows what the old one answered.
"""

from __future__ import annotations

import atexit
import gc
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from core import CamSpec, DataSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.errors import SparsightError
from core.base.stamps import Stamp
from core.models.cards import Card, Series
from core.models.catalogue import Catalogue
from core.protocols.lukkien.tables import StudyTables, load_study, study_stamp
from core.results import Accuracy, Comparison, CostReport, MaskReport
from core.saliency import CAMS

KEYS: dict[str | type[Any], Callable[[Any], Any]] = {
    spec: (lambda value: value.key) for spec in (VariantSpec, ImageRef, CamSpec, DataSpec, ModelSpec, PruningSpec)
}
Point = tuple[float, float | None]  # sparsity, value
REST_SECONDS, MOST_ANSWERS = 0.12, 2000
_BACKGROUND = ThreadPoolExecutor(max_workers=1, thread_name_prefix="later")
# So that minutes are not waited for by tenths of a second.
_LONG = ThreadPoolExecutor(max_workers=1, thread_name_prefix="long")
_ANSWERS: dict[Any, tuple[Stamp, Future[Any]]] = {}  # by question and specs, oldest first


@st.cache_resource(show_spinner="Starting the engine ...")
def engine() -> Engine:
    """One for all people and tabs; safe for threads."""
    found = Engine()
    spare_libraries()
    return found


def spare_libraries() -> None:
    """Streamlit looks for garbage among all objects after every run. Those that stand when the
    engine does, nearly all of them the libraries' own and never garbage, are left out of that from
    now on: it took a third of a second of each slider move."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
        atexit.register(gc.unfreeze)  # else libraries complain at the end that their objects were left over


def catalogue() -> Catalogue:
    """The networks that there are."""
    return engine().catalogue


def card(model: ModelSpec) -> Card:
    """What is known of a network. Raises UnknownName."""
    return catalogue().card(model)


def series_of(model: ModelSpec) -> Series | None:
    """The trained series of these weights; None where there is none."""
    return catalogue().series_of(model)


def downloads() -> Path:
    """Where weights are downloaded to, as the store looks for them."""
    return engine().folder / "downloads"


def stamp(variant: VariantSpec, *asked: ImageRef | DataSpec) -> Stamp:
    """Of the files that answer now for a variant, and for images or data sets given to it: part of
    the key of all that is kept.
    """
    return engine().stamp(variant, *asked)


def report(variant: VariantSpec) -> MaskReport:
    """What the pruning removed, counted."""
    return _report(variant, stamp(variant))


@st.cache_data(max_entries=2000, show_spinner=False, hash_funcs=KEYS)
def _report(variant: VariantSpec, stamp: Stamp) -> MaskReport:
    return engine().report(variant)


@st.cache_data(max_entries=20, show_spinner=False)
def rows_of_class(digit: int) -> tuple[int, ...]:
    """Rows of the embedded digits with this label."""
    labels = engine().gallery().labels.tolist()
    return tuple(row for row, label in enumerate(labels) if label == digit)


def study(weights: str, data_key: str) -> StudyTables:
    """The tables of one study."""
    return _study(weights, data_key, study_stamp(engine().roots, weights, data_key))


@st.cache_data(max_entries=8, show_spinner=False)
def _study(weights: str, data_key: str, stamp: Stamp) -> StudyTables:
    return load_study(engine().roots, weights, data_key)


def comparison(variant: VariantSpec, image: ImageRef, cam: CamSpec) -> Comparison:
    """Dense against pruned; the last few are kept as they are, for all parts of a page."""
    return _comparison(variant, image, cam, stamp(variant, image))


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs=KEYS)
def _comparison(variant: VariantSpec, image: ImageRef, cam: CamSpec, stamp: Stamp) -> Comparison:
    return engine().compare(variant, image, cam)


def forget() -> None:
    """Lets go of every answer that pages keep; the engine and what it keeps stay."""
    _ANSWERS.clear()
    _comparison.clear()
    st.cache_data.clear()


def series(variant: VariantSpec) -> tuple[VariantSpec, ...]:
    """The variants that curves are drawn over: the same for all amounts of one way to prune."""
    return engine().series(variant)


def is_quick(cam: CamSpec) -> bool:
    """Whether a heatmap takes one pass through the network, so that a whole curve of them is
    cheap.
    """
    return CAMS[cam.method].facts["cost"] == "one pass"


def accuracy(variant: VariantSpec, data: DataSpec) -> Accuracy:
    """From the shipped table, else counted on 5,000 digits; see `later`."""
    return engine().known_accuracy(variant, data) or later(engine().accuracy, variant, data, stamp=stamp(variant, data))


def photo_accuracy(variant: VariantSpec, data: DataSpec) -> Accuracy:
    """Counted on a data set of photographs, which takes a while; kept."""
    return engine().known_accuracy(variant, data) or later(_count_photos, variant, data, stamp=stamp(variant, data))


def counted_already(variant: VariantSpec, data: DataSpec) -> bool:
    """Whether `photo_accuracy` answers at once."""
    kept, future = _ANSWERS.get((_count_photos.__qualname__, (variant, data)), ("", None))
    done = future is not None and future.done() and kept == stamp(variant, data)
    return done or engine().known_accuracy(variant, data) is not None


def _count_photos(variant: VariantSpec, data: DataSpec) -> Accuracy:
    return engine().accuracy(variant, data)


def cost(variant: VariantSpec, measure: bool) -> CostReport:
    """What the variant costs; with its time when `measure`, which takes seconds."""
    return later(_cost, variant, measure, stamp=stamp(variant))


def _cost(variant: VariantSpec, measure: bool) -> CostReport:
    return engine().cost(variant, measure)


def accuracy_curve(variant: VariantSpec, data: DataSpec) -> tuple[Point, ...]:
    """(sparsity, accuracy) over the variant's series, as far as it is in the shipped table."""
    first = _first_of_series(variant)
    return later(_accuracies, first, data, stamp=f"{stamp(first, data)} {_series_stamp(first)}")


def overlap_curve(variant: VariantSpec, image: ImageRef, cam: CamSpec) -> tuple[Point, ...]:
    """(sparsity, soft IoU of the pruned heatmap with the ink) over the variant's series; None where
    undefined.
    """
    first = _first_of_series(variant)
    return later(_follow, first, image, cam, stamp=f"{stamp(first, image)} {_series_stamp(first)}")


def _accuracies(first: VariantSpec, data: DataSpec) -> tuple[Point, ...]:
    def point(variant: VariantSpec) -> Point | None:
        found = engine().known_accuracy(variant, data)
        return (engine().report(variant).sparsity, found.fraction) if found else None

    return _points(point, engine().series(first))


def _follow(first: VariantSpec, image: ImageRef, cam: CamSpec) -> tuple[Point, ...]:
    def point(variant: VariantSpec) -> Point:
        answer = engine().compare(variant, image, cam)
        return answer.mask.sparsity, answer.overlap_pruned["soft-iou"]

    return _points(point, _thinned(engine().series(first)))


def _points(point: Callable[[VariantSpec], Point | None], variants: tuple[VariantSpec, ...]) -> tuple[Point, ...]:
    """One level that is missing or damaged leaves a gap, not an empty chart."""
    found = []
    for variant in variants:
        with suppress(SparsightError):
            found.append(point(variant))
    return tuple(value for value in found if value is not None)


def later(question: Callable[..., Any], *specs: Any, stamp: Stamp) -> Any:
    """The answer to a question of some tenths of a second, worked out in the background and kept.

    The page waits for it in small steps with a Streamlit call in each: there a slider that has
    moved on takes over at once, so that slow numbers never delay pictures. A slider on the move
    starts nothing: it must rest a moment first.
    stamp: of the files that answer; an answer of others is not given.
    """
    key = (question.__qualname__, specs)
    kept, future = _ANSWERS.get(key, ("", None))
    if future is None or kept != stamp:
        _wait(REST_SECONDS)
        future = (_LONG if question in (_count_photos, _cost) else _BACKGROUND).submit(question, *specs)
        _ANSWERS[key] = stamp, future
        while len(_ANSWERS) > MOST_ANSWERS:
            _ANSWERS.pop(next(iter(_ANSWERS)), None)
    while not future.done():
        _wait(0.03)
    if future.exception():
        _ANSWERS.pop(key, None)  # a failure is not kept
    return future.result()


def _wait(seconds: float) -> None:
    time.sleep(seconds)
    st.empty()


def _first_of_series(variant: VariantSpec) -> VariantSpec:
    """The same for all sparsities of a series, so that the slider finds the curve again."""
    return engine().series(variant)[0]


def _series_stamp(first: VariantSpec) -> Stamp:
    """Of all networks of a series; those of one-shot pruning are all made of the dense one."""
    return " ".join(stamp(level) for level in engine().series(first)) if first.pruning.schedule != "one-shot" else ""


def _thinned(series: tuple[VariantSpec, ...], most: int = 30) -> tuple[VariantSpec, ...]:
    step = -(-len(series) // most)
    return tuple(dict.fromkeys((*series[::step], series[-1])))
