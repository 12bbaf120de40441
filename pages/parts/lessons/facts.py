"""The numbers behind the lessons, computed by the engine.

By default for seed 333 and Grad-CAM++, the thesis' method, but after the last ReLU, for the dense
network's class: before the ReLU the method is unstable, as lesson 2 shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import streamlit as st
from pandas import DataFrame

from core import CamSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.stamps import Stamp
from core.measures.blur import blurred, soft_iou_of
from core.protocols.lukkien.protocol import CAM as THESIS
from core.protocols.lukkien.tables import load_images, study_stamp
from core.results import Comparison, Heatmap
from core.stats.correlation import Correlation, correlation
from pages.parts.common import engine
from pages.parts.common.address import CARD, Choice, Number
from pages.parts.common.background import Work
from pages.parts.common.waiting import needed

STUDY = ("mnist-55000", "digits+noise-0.2-s0")  # of the included networks
# By number of training images; the first as in the thesis.
RUNS = {"60000": ("mnist-60000", "mnist-test+noise-0.2-s0"), "55000": STUDY}
MAPS_MEET = "soft-iou-of-maps"
CAM = CamSpec(method="grad-cam++", layer="relu2")
BEFORE_RELU = replace(CAM, layer="conv2")
# Overlap of two maps: at the first value or above they show the same places; below the second most
# of the evidence is elsewhere.
SAME, HALF = (0.7, 0.5)
GRID = tuple(step / 20 for step in range(21))  # sparsities of one-shot pruning, steps of 5 %
WHERE = {"after": CAM, "before": BEFORE_RELU}  # the last ReLU
SQUEEZENET, LITE0 = "SqueezeNet, fine-tuned", "EfficientNet-lite0"
# Networks of lesson 5, by what the address says, and measures beside soft IoU.
CLAIMED = {"squeezenet": SQUEEZENET, **{f"seed-{seed}": f"Digits, seed {seed}" for seed in CARD.seeds}, "lite0": LITE0}
RATES = ("2", "4", "8", "16", "32", "64")  # compression rates of the convolutions
SCORED = {
    "energy-inside": "Energy inside the box",
    "pointing-game": "Pointing game",
    "box-iou": "Box IoU",
    "map-mean": "Mean of the map",
}
# Sparsities and networks of lesson 6.
SPARED = (
    "0.1",
    "0.2",
    "0.3",
    "0.4",
    "0.5",
    "0.6",
    "0.7",
    "0.75",
    "0.8",
    "0.85",
    "0.9",
    "0.93",
    "0.96",
    "0.98",
    "0.99",
    "0.995",
)
BROKEN = {"lite0": LITE0, "lite0-layer": f"{LITE0}, by layer", "squeezenet": SQUEEZENET, "digits": "Digits"}
CONTROLS: dict[str, Choice | Number] = {
    "example": Choice("9", CARD.classes),
    "other": Choice("closest", ("closest", *CARD.classes), titles={"closest": "The closest"}),
    "background": Number(0.0, 0.0, 0.5, 0.05),
    "blur": Number(2.0, 0.5, 5.0, 0.5),
    "depth": Number(10, 0, 25),
    "late": Number(25, 20, 25),
    "removed": Number(75, 0, 100, 5),
    "drawn": Number(20, 0, 100, 5),
    "who": Choice("333", tuple(map(str, CARD.seeds))),
    "where": Choice("after", tuple(WHERE), titles={"after": "After", "before": "Before"}),
    "upto": Number(13, 4, 25),
    "counted": Number(25, 4, 25),
    "collapsed": Choice("true", ("true", "false")),
    "empty": Choice("true", ("true", "false")),
    "series": Choice("mean", ("mean", *map(str, CARD.seeds)), titles={"mean": "Mean"}),
    "run": Choice("60000", tuple(RUNS)),
    "one": Number(3, 0, 7),
    "left": Number(20, 0, 25),
    "judging": Choice(
        "efficientnet-lite1",
        ("efficientnet-lite1", "pixels"),
        titles={"efficientnet-lite1": "A network", "pixels": "Pixels"},
    ),
    "rise": Number(3, 1, 25),
    "looks": Number(25, 1, 25),
    "peak": Number(10, 1, 25),
    "claimed": Choice("squeezenet", tuple(CLAIMED), titles=CLAIMED),
    "rate": Choice("64", RATES),
    "scored": Choice("energy-inside", tuple(SCORED), titles=SCORED),
    "spared": Choice("0.75", SPARED, titles={name: f"{float(name):.1%}".replace("%", " %") for name in SPARED}),
    "gone": Choice("magnitude", ("magnitude", "random"), titles={"magnitude": "Smallest", "random": "At random"}),
    "unlike": Number(0.9, 0.1, 0.95, 0.05),
    "method": Choice(
        "grad-cam", ("grad-cam", "grad-cam++"), titles={"grad-cam": "Grad-CAM", "grad-cam++": "Grad-CAM++"}
    ),
    "network": Choice("lite0", tuple(BROKEN), titles=BROKEN),
    "same": Choice("squeezenet", tuple(BROKEN), titles=BROKEN),
}


@dataclass(frozen=True)
class Stop:
    """The answer for one digit at one amount of pruning, and the overlap of its heatmap with the
    dense network's.
    """

    sparsity: float
    kept: int
    top: int | None
    overlap: float | None


Walk = tuple[Stop, ...]


def image_of(digit: str | int, noise: float = 0.2) -> ImageRef:
    """Returns the first embedded digit of a class."""
    return ImageRef(name=str(engine.rows_of_class(int(digit))[0]), noise=noise)


def dense(seed: int = 333) -> VariantSpec:
    return VariantSpec(model=ModelSpec(seed=seed))


def one_shot(sparsity: float, criterion: str = "magnitude", seed: int = 333) -> VariantSpec:
    return VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.one_shot(sparsity, criterion=criterion))


def trained(level: int, seed: int = 333) -> VariantSpec:
    return VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.at_level(level))


def heatmap(digit: str | int, target: str | int = "dense", method: str = CAM.method) -> Heatmap:
    """Returns a heatmap of the dense network."""
    return engine.engine().heatmap(dense(), image_of(digit), replace(CAM, method=method, target=target))


def ink_overlap(digit: str | int, side: Heatmap) -> float:
    """Returns soft IoU of a heatmap with the digit's ink; 0 for an empty map."""
    return soft_iou_of(side.map, engine.engine().picture(image_of(digit)).clean) or 0.0


def closest_other(digit: str) -> int:
    """Returns the other class whose heatmap is most similar to that of the network's answer."""
    own = heatmap(digit)
    others = [index for index in range(len(CARD.classes)) if index != own.target_class]
    return max(others, key=lambda index: soft_iou_of(own.map, heatmap(digit, index).map) or 0.0)


def after_blur(digit: str | int, sigma: float) -> tuple[Heatmap, float, float]:
    """Returns the blurred heatmap, and soft IoU with the ink before and after."""
    sharp = heatmap(digit)
    soft = blurred(sharp, sigma)
    return soft, ink_overlap(digit, sharp), ink_overlap(digit, soft)


def walks(variants: tuple[VariantSpec, ...], digits: tuple[str | int, ...], cam: CamSpec = CAM) -> list[Walk]:
    """Follows some digits over several amounts of pruning. Raises Stopped."""
    networks = dict.fromkeys(variant.dense if variant.pruning.is_one_shot else variant for variant in variants)
    images = tuple(map(image_of, digits))

    def steps(done: int) -> Iterator[Walk]:
        for image in images[done:]:
            yield tuple(map(_stop, engine.engine().follow(variants, image, cam)))

    work = Work(
        place=f"walk {len(images)} {cam.layer}",
        key=("walk", variants, images, cam),
        stamp=" ".join(engine.stamp(network, *images[:1]) for network in networks),
        what="Digits",
        run=lambda task: task.collect(steps, len(images)),
    )
    return needed(work).results


def one_shot_walk(digit: str | int, seed: int = 333, cam: CamSpec = CAM) -> Walk:
    """Follows one digit over the grid of one-shot sparsities. Raises Stopped."""
    return walks(_grid(seed), (digit,), cam)[0]


def _grid(seed: int) -> tuple[VariantSpec, ...]:
    return tuple(one_shot(sparsity, seed=seed) for sparsity in GRID)


def flips_at(stops: tuple[Stop, ...]) -> float | None:
    """Returns the first sparsity at which the answer changes; None if it never does."""
    return next((stop.sparsity for stop in stops if stop.top != stops[0].top), None)


def moves_at(stops: tuple[Stop, ...]) -> float | None:
    """Returns the first sparsity at which the heatmap's overlap with the dense one is below HALF;
    None if it never is.
    """
    return next((stop.sparsity for stop in stops if (stop.overlap or 0.0) < HALF), None)


def holds_until(stops: tuple[Stop, ...]) -> float:
    """Returns the last sparsity of the grid before the first change of answer."""
    flipped = flips_at(stops)
    return max(stop.sparsity for stop in stops if flipped is None or stop.sparsity < flipped)


def moves_first(seed: int, cam: CamSpec = CAM) -> tuple[list[float | None], list[float | None]]:
    """Returns where the heatmap moves and where the answer changes, for one digit per class."""
    found = walks(_grid(seed), CARD.classes, cam)
    return [moves_at(stops) for stops in found], [flips_at(stops) for stops in found]


def count_earlier(moved: list[float | None], flipped: list[float | None]) -> int:
    """Counts the heatmaps that move before the answer changes; "never" counts as last."""
    return sum((a if a is not None else 2) < (b if b is not None else 2) for a, b in zip(moved, flipped, strict=True))


def level_overlaps(level: int) -> list[float]:
    """Returns the overlap of the heatmaps of the dense network and of a level, one digit per
    class.
    """
    return [stops[0].overlap or 0.0 for stops in walks((trained(level),), CARD.classes)]


def _stop(answer: Comparison) -> Stop:
    return Stop(answer.mask.sparsity, answer.mask.kept, answer.pruned.prediction.top, answer.similarity[MAPS_MEET])


def convincing_mistake() -> int:
    """Returns the digit that the dense network misclassifies with the best-fitting heatmap."""
    return _convincing_mistake(f"{engine.stamp(dense())} {study_stamp(engine.engine().roots, *STUDY)}")


@st.cache_data(max_entries=2, show_spinner=False)
def _convincing_mistake(stamp: Stamp) -> int:
    images = load_images(engine.engine().roots, *STUDY)
    first = images[(images.seed == 333) & (images.level == 0)].sort_values("soft_iou", ascending=False)
    labels = engine.engine().gallery().labels.tolist()
    wrong = (row for row, says in zip(first.image, first.predicted_noisy, strict=True) if labels[row] != says)
    return int(next(row for row in wrong if _says(int(row)) != labels[int(row)]))


def _says(row: int) -> int | None:
    return engine.engine().heatmap(dense(), ImageRef(name=str(row)), THESIS).prediction.top


def levels(series: str = "iterative-reset", of: str = "mean") -> DataFrame:
    """Returns level means of accuracy and soft IoU. of: "mean" of the three seeds, or a seed."""
    study = engine.study(*STUDY)
    table = study.mean if of == "mean" else study.levels[study.levels.seed == int(of)]
    return table[table.series == series].sort_values("level").reset_index(drop=True)


def usable_levels(of: str = "mean", run: str = "55000") -> DataFrame:
    """Returns level means without empty heatmaps; omits levels with no heatmap left.

    The mean series is the mean over the seeds that still have heatmaps, as in the study.
    """
    table = engine.study(*RUNS[run]).levels
    table = table[(table.series == "iterative-reset") & ((table.seed.astype(str) == of) | (of == "mean"))]
    kept = (table.test_images - table.empty_maps).where(lambda left: left > 0)  # none: undefined
    rows = table.assign(soft_iou=table.soft_iou * table.test_images / kept)
    return rows.groupby("level")[["accuracy_noisy", "soft_iou"]].mean().dropna().reset_index()


def pearson(rows: DataFrame) -> Correlation:
    """Computes the correlation of accuracy and soft IoU over these levels."""
    return correlation("pearson", rows.accuracy_noisy, rows.soft_iou)


def changes(rows: DataFrame) -> Correlation:
    """Computes the correlation of the changes from each level to the next."""
    return correlation("pearson", rows.accuracy_noisy.diff(), rows.soft_iou.diff())


@dataclass(frozen=True, kw_only=True)
class Tabled:
    """Pearson's r from the stored tables with its 95 % interval over images; n: levels."""

    r: float
    low: float
    high: float
    n: int


def tabled(of: str, *, without_collapsed: bool = False, without_empty: bool = False, run: str = "55000") -> Tabled:
    """Looks up r of accuracy and soft IoU. of: a seed or "mean". run: a key of RUNS."""
    study = engine.study(*RUNS[run])
    table = study.correlations_usable if without_empty else study.correlations
    wanted = "without collapsed" if without_collapsed else "all"
    chosen = (
        (table.series == of)
        & (table["levels"] == wanted)
        & (table.fitting == "soft-iou")
        & (table.coefficient == "pearson")
    )
    row = table[chosen].iloc[0]
    return Tabled(r=float(row.value), low=float(row.low), high=float(row.high), n=int(row.n))
