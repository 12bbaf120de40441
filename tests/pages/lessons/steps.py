"""A step of a lesson opened in a test, what it shows, and the slow definitions that its claims are
checked against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas
from streamlit.testing.v1 import AppTest

from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.settings import shipped_folder
from core.figures import maps
from core.results import Heatmap
from tests.pages.conftest import open_page, words

SHIPPED = shipped_folder() / "lukkien"
STUDIES = {"55000": "mnist-55000/digits+noise-0.2-s0", "60000": "mnist-60000/mnist-test+noise-0.2-s0"}
SEEDS = (333, 334, 335)
AFTER_RELU, BEFORE_RELU = (CamSpec(method="grad-cam++", layer=layer) for layer in ("relu2", "conv2"))
THESIS = replace(BEFORE_RELU, target="own")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a step must say: at once (`text`), and with the answer only (`why`); `choice` is what is
    right.
    """

    choice: str
    text: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


def open_step(lesson: int, step: int, **address: str) -> AppTest:
    return open_page("lessons", lesson=str(lesson), step=str(step), **address)


def in_address(app: AppTest, name: str) -> str | None:
    """What the address says: a bound widget writes a list of one, a page a text."""
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def place(app: AppTest) -> tuple[str | None, str | None]:
    return in_address(app, "lesson"), in_address(app, "step")


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def said(app: AppTest) -> str:
    """All words, numbers and titles on the page but the buttons'."""
    verdict = [element.value for element in (*app.success, *app.info)]
    metrics = [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join([words(app), *verdict, *metrics])


def sound(app: AppTest) -> None:
    assert not app.exception
    assert not app.error
    assert not app.warning


def check(lesson: int, step: int, claim: Claim, **address: str) -> AppTest:
    """Opens the step, finds its words, chooses what is right, and is told so; the answer was kept
    back until then.
    """
    app = open_step(lesson, step, **address)
    sound(app)
    assert missing(claim.text, app) == []
    assert missing(claim.why, app) == list(claim.why)
    assert not app.success
    press(app, claim.choice)
    sound(app)
    assert app.success[0].value.startswith("**Correct.**"), app.info[0].value
    assert missing((*claim.text, *claim.why), app) == []
    return app


def missing(parts: tuple[str, ...], app: AppTest) -> list[str]:
    return [part for part in parts if part not in said(app)]


def view(app: AppTest) -> tuple[str, ...]:
    """What one sees and what moves: pictures, figures, numbers, words."""
    images = [image.url for element in app.get("image") for image in element.proto.imgs]
    charts = [chart.proto.spec for chart in app.get("plotly_chart")]
    return (*images, *charts, said(app))


def shown_pictures(app: AppTest) -> list[str]:
    return [image.url for element in app.get("image") for image in element.proto.imgs]


# slow definitions


def dense(seed: int = 333) -> VariantSpec:
    return VariantSpec(model=ModelSpec(seed=seed))


def one_shot(share: float, criterion: str = "magnitude", seed: int = 333) -> VariantSpec:
    return VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.one_shot(share, criterion=criterion))


def trained(level: int, seed: int = 333) -> VariantSpec:
    return VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.at_level(level))


def first_of(engine: Engine, digit: int, noise: float = 0.2) -> ImageRef:
    """The first embedded digit of a class."""
    return ImageRef(name=str(engine.gallery().labels.tolist().index(digit)), noise=noise)


def heatmap(engine: Engine, digit: int, target: str | int = "dense", method: str = "grad-cam++") -> Heatmap:
    return engine.heatmap(dense(), first_of(engine, digit), replace(AFTER_RELU, method=method, target=target))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Soft IoU as it is defined; of two empty maps it counts 0 here."""
    whole = np.maximum(one, other).sum()
    return float(np.minimum(one, other).sum() / whole) if whole else 0.0


def cells(side: Heatmap) -> np.ndarray:
    """The map at the layer's own cells, from 0 to 1: where lesson 2 compares two maps, as Explore
    does. Empty ones stay zero.
    """
    raw = side.saliency - side.saliency.min()
    return raw / raw.max() if side.map.any() else np.zeros_like(raw)


def ink(engine: Engine, side: Heatmap) -> np.ndarray:
    return engine.picture(side.image).clean


def overlay(engine: Engine, side: Heatmap) -> str:
    """The picture of a heatmap as the page sends it."""
    return maps.data_url(maps.png(maps.overlay(side, ink(engine, side), 0.65)))


def table(name: str, run: str = "55000") -> pandas.DataFrame:
    return pandas.read_csv(SHIPPED / STUDIES[run] / f"{name}.csv")


def series(
    of: int | None = None, run: str = "55000", kind: str = "iterative-reset", empty: bool = True
) -> pandas.DataFrame:
    """Level means from the table of single networks: of a seed, or the mean over all of them.
    empty: whether empty maps count 0.
    """
    rows = table("levels", run)
    rows = rows[(rows.series == kind) & (rows.seed.isin([of] if of else SEEDS))].copy()
    if not empty:
        left = rows.test_images - rows.empty_maps
        rows["soft_iou"] = np.where(left > 0, rows.soft_iou * rows.test_images / left.clip(lower=1), np.nan)
    means = rows.groupby("level")[["accuracy_noisy", "soft_iou", "weights_left"]].mean().reset_index()
    return means.dropna()


def pearson(rows: pandas.DataFrame) -> float:
    return float(np.corrcoef(rows.accuracy_noisy, rows.soft_iou)[0, 1])


def r_text(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
