"""The engine of the app, and cached answers that pages share.

Cache keys are the keys of specs, never arrays, and the stamp of the files that answer
(core/base/stamps.py), taken before the question: when a network is retrained under the same name or
a photograph is replaced, no page shows an outdated answer.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, DataSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec, wilson
from core.base.atomic import remove_abandoned
from core.base.errors import SparsightError
from core.base.stamps import Stamp
from core.engine import amounts
from core.engine.reference import against
from core.jobs.control import Stopped
from core.models.cards import Card, Series
from core.models.catalogue import Catalogue
from core.protocols.lukkien import sensitivity as lukkien_sensitivity
from core.protocols.lukkien.sensitivity import Sensitivity
from core.protocols.lukkien.tables import StudyTables, load_study, study_stamp
from core.results import Accuracy, Comparison, MaskReport
from core.saliency import CAMS
from core.saliency import is_quick as takes_one_pass
from pages.parts.common import plugins
from pages.parts.common.background import Work, background
from pages.parts.common.counters import counters
from pages.parts.common.guests import guest
from pages.parts.common.waiting import wait

KEYS: dict[str | type[Any], Callable[[Any], Any]] = {
    spec: (lambda value: value.key) for spec in (VariantSpec, ImageRef, CamSpec, DataSpec, ModelSpec, PruningSpec)
}
Point = tuple[float, float | None]  # sparsity, value
Question = tuple[VariantSpec, ImageRef, CamSpec, VariantSpec | None]  # the last one: the reference, if not dense


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Returns the engine, shared by all sessions; thread-safe."""
    found = Engine(settings=plugins.settings())
    counters.tiers = found.parts
    wilson(1, 2)  # loads the statistics library in advance
    Thread(target=remove_abandoned, args=(found.folder, True), name="abandoned files", daemon=True).start()
    spare_libraries()
    return found


def spare_libraries() -> None:
    """Excludes existing objects from garbage collection.

    A full collection over all objects takes a third of a second, and nobody is answered meanwhile.
    Nearly all objects that exist now belong to libraries and never become garbage.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
        atexit.register(gc.unfreeze)  # otherwise libraries report leaked objects at exit


def catalogue() -> Catalogue:
    """Returns the catalogue of available networks."""
    return engine().catalogue


def card(model: ModelSpec) -> Card:
    """Returns the card of a network. Raises UnknownName."""
    return catalogue().card(model)


def series_of(model: ModelSpec) -> Series | None:
    """Returns the trained series of these weights; None if there is none."""
    return catalogue().series_of(model)


def downloads() -> Path:
    """Returns the folder of downloaded weights."""
    return engine().folder / "downloads"


def stamp(variant: VariantSpec, *asked: ImageRef | DataSpec | VariantSpec) -> Stamp:
    """Returns the stamp of the files behind a variant, its images, data sets and reference: part of
    every cache key.
    """
    return engine().stamp(variant, *asked)


def add_image(data: bytes, model: ModelSpec) -> ImageRef:
    """Adds an uploaded image, which is freed with the session. Raises BadImage."""
    image = engine().add_image(data, model)
    guest().hold(image, forget_image)
    return image


def forget_image(image: ImageRef) -> None:
    """Frees an uploaded image and all answers about it."""
    background().forget_image(image)
    engine().forget_image(image)


def report(variant: VariantSpec) -> MaskReport:
    """Counts what the pruning removed."""
    return engine().report(variant)


@st.cache_data(max_entries=20, show_spinner=False)
def rows_of_class(digit: int) -> tuple[int, ...]:
    """Returns the rows of the embedded digits with this label."""
    labels = engine().gallery().labels.tolist()
    return tuple(row for row, label in enumerate(labels) if label == digit)


def study(weights: str, data_key: str) -> StudyTables:
    """Returns the tables of one study."""
    return _study(weights, data_key, study_stamp(engine().roots, weights, data_key))


@st.cache_data(max_entries=8, show_spinner=False)
def _study(weights: str, data_key: str, stamp: Stamp) -> StudyTables:
    return load_study(engine().roots, weights, data_key)


def sensitivity(weights: str, data_key: str) -> Sensitivity:
    """Returns how far one study depends on choices."""
    return _sensitivity(weights, data_key, lukkien_sensitivity.stamp(engine().roots, weights, data_key))


@st.cache_data(max_entries=2, show_spinner=False)
def _sensitivity(weights: str, data_key: str, stamp: Stamp) -> Sensitivity:
    return lukkien_sensitivity.load_sensitivity(engine().roots, weights, data_key)


def comparison(variant: VariantSpec, image: ImageRef, cam: CamSpec, reference: VariantSpec | None = None) -> Comparison:
    """Compares a network with its dense one, or another; the engine caches recent answers."""
    return engine().compare(variant, image, cam, reference)


def forget() -> None:
    """Clears all answers cached by pages; the engine keeps its own cache."""
    background().clear()
    st.cache_data.clear()


def series(variant: VariantSpec) -> tuple[VariantSpec, ...]:
    """Returns the variants of a curve: the same for all amounts of one pruning method."""
    return engine().series(variant)


def compare(question: Question) -> Work:
    """Returns the work that computes Explore's comparison."""
    variant, image, cam, reference = question
    return Work(
        place="explore",
        key=("comparison", *question),
        stamp=stamp(variant, image, *against(variant, reference)),
        what=f"Computing {CAMS[cam.method].title}",
        run=lambda task: comparison(*question),
        large=True,
        slow=not is_quick(cam),
    )


def is_quick(cam: CamSpec) -> bool:
    """Whether a heatmap takes one pass through the network, so that a whole curve is cheap."""
    return takes_one_pass(cam.method)


def accuracy(variant: VariantSpec, data: DataSpec, place: DeltaGenerator) -> Accuracy | None:
    """Returns the accuracy from the included table, or counts it on 5,000 digits while the page
    waits; None if that is stopped.
    """
    return engine().known_accuracy(variant, data) or _answer(count("accuracy", variant, data), place)


def count(place: str, variant: VariantSpec, data: DataSpec) -> Work:
    """Returns the work that counts the correctly classified images of a data set."""
    return Work(
        place=place,
        key=("accuracy", variant, data),
        stamp=stamp(variant, data),
        what="Classifying the images",
        run=lambda task: engine().accuracy(variant, data, task.advance),
        slow=not card(variant.model).reads_digits,
    )


def known_count(variant: VariantSpec, data: DataSpec) -> Accuracy | None:
    """Returns a tabled or previously counted accuracy; never computes."""
    task = background().find(count("", variant, data))
    return engine().known_accuracy(variant, data) or (task.answer if task else None)


def cost(place: str, variant: VariantSpec, measure: bool) -> Work:
    """Returns the work that counts a variant's cost; `measure` adds inference time, which takes
    seconds.
    """
    return Work(
        place=place,
        key=("cost", variant, measure),
        stamp=stamp(variant),
        what="Measuring" if measure else "Counting operations",
        run=lambda task: engine().cost(variant, measure),
        slow=measure,
    )


def accuracy_curve(variant: VariantSpec, data: DataSpec, place: DeltaGenerator) -> tuple[Point, ...] | None:
    """Returns (sparsity, accuracy) over the variant's series, for levels in the included table;
    None if stopped.
    """

    def point(level: VariantSpec) -> Point | None:
        known = engine().known_accuracy(level, data)
        return (engine().report(level).sparsity, known.fraction) if known else None

    levels = engine().series(variant)
    work = _curve(("accuracies", levels[0], data), stamp(levels[0], data), point, levels)
    return _drawn(work, place)


def overlap_curve(question: Question, place: DeltaGenerator) -> tuple[Point, ...] | None:
    """Returns (sparsity, soft IoU of the pruned heatmap with the ink) over the variant's series;
    the soft IoU is None where undefined. Returns None if stopped.
    """

    def point(level: VariantSpec) -> Point:
        answer = engine().compare(level, image, cam, reference)
        return answer.mask.sparsity, answer.overlap_pruned["soft-iou"]

    variant, image, cam, reference = question
    levels = engine().series(variant)  # the same for all sparsities, so that the slider finds the curve again
    key = "overlaps", levels[0], image, cam, reference
    files = stamp(levels[0], image, *against(variant, reference))
    return _drawn(_curve(key, files, point, amounts.thinned(levels)), place)


def _curve(
    key: tuple[Any, ...], stamp: Stamp, point: Callable[[VariantSpec], Point | None], levels: tuple[VariantSpec, ...]
) -> Work:
    def points(done: int) -> Iterator[Point | None]:
        """Yields the points; a missing or damaged level leaves a gap in the chart."""
        for level in levels[done:]:
            try:
                yield point(level)
            except Stopped:
                raise
            except SparsightError:
                yield None

    return Work(
        place=str(key[0]),
        key=key,
        stamp=f"{stamp} {_series_stamp(levels)}",
        what="Drawing the curve",
        run=lambda task: task.collect(points, len(levels)),
    )


def _drawn(work: Work, place: DeltaGenerator) -> tuple[Point, ...] | None:
    task = wait(work, place, follows_slider=True)
    return tuple(value for value in task.results if value is not None) if task.succeeded else None


def _answer(work: Work, place: DeltaGenerator) -> Any:
    return wait(work, place, follows_slider=True).answer


def _series_stamp(levels: tuple[VariantSpec, ...]) -> Stamp:
    """Returns the stamp of all networks of a series; one-shot series only use the dense network."""
    return " ".join(map(stamp, levels)) if not levels[0].pruning.is_one_shot else ""
