"""The included answers behind lessons 5 and 6, read as plain Parquet, and the slow definitions that
their claims are checked against.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas
from scipy import stats

from core.base.settings import shipped_folder
from tests.reference.breaks import stays_broken_from

SWEEPS = shipped_folder() / "sweeps"
DIGITS = SWEEPS / "digits+noise-0.2-s0-200-s0" / "thesis-cnn" / "mnist-55000"
PHOTOS = SWEEPS / "imagenette-224-unseen"
SQUEEZENET = PHOTOS / "squeezenet1_1@imagenette-128" / "merkle-layer" / "seed-0" / "retrained"
LITE0 = PHOTOS / "efficientnet-lite0" / "imagenet" / "seed-0"
COLUMNS = ("pearson", "agrees")
THESIS = "grad-cam++@conv2-own"


@cache
def read(folder: Path, heatmap: str) -> pandas.DataFrame:
    """The answers of one network and what was measured of its heatmaps, a row an image."""
    answers, maps = (pandas.read_parquet(folder / f"{name}.parquet") for name in ("answers", heatmap))
    rows = answers.merge(maps, on="image", validate="one_to_one").set_index("image")
    return rows.assign(sparsity=maps.attrs["sparsity"])


def trained(seed: int, level: int) -> pandas.DataFrame:
    folder = DIGITS / f"seed-{seed}"
    return read(folder / "dense" if level == 0 else folder / "iterative-reset" / f"level-{level:02d}", THESIS)


def squeezenet(level: int) -> pandas.DataFrame:
    return read(SQUEEZENET / f"level-{level:02d}", "grad-cam@features.12-dense")


def one_shot(folder: Path, way: str, heatmap: str, grid: tuple[float, ...]) -> list[pandas.DataFrame]:
    """The networks of a family that was pruned without retraining."""
    return [read(folder / "one-shot" / f"weight-{way}" / f"{share:.6f}", heatmap) for share in grid]


def paired(after: pandas.Series, before: pandas.Series, together: int = 1) -> tuple[float, float, float]:
    """Mean difference with Student's t interval: 95 %, for so many comparisons together."""
    differences = (after.astype(float) - before.astype(float)).to_numpy()
    half = stats.t.ppf(1 - 0.025 / together, len(differences) - 1) * differences.std(ddof=1) / len(differences) ** 0.5
    return differences.mean(), differences.mean() - half, differences.mean() + half


def gain(
    after: pandas.DataFrame, before: pandas.DataFrame, together: int = 1, of: str = "soft-iou"
) -> tuple[float, float, float]:
    return paired(after[of], before[of], together)


def said(found: tuple[float, float, float], n: int) -> str:
    """A change as the page writes it."""
    value, low, high = (f"{each:+.3f}".replace("-", "−") for each in found)
    return f"**{value}** (95 % interval {low} to {high}, n = {n})"


def verdict(found: tuple[float, float, float]) -> str:
    _, low, high = found
    return "Clearly higher" if low > 0 else "Clearly lower" if high < 0 else "Not clearly different"


def places(family: list[pandas.DataFrame], threshold: float = 0.5) -> pandas.DataFrame:
    """Where the heatmap and the answer of each image break; what never does lies beyond the
    grid.
    """
    grid = [float(rows.sparsity.iloc[0]) for rows in family]
    alike, same = ({image: [rows[of][image] for rows in family] for image in family[0].index} for of in COLUMNS)
    found = {
        image: (
            stays_broken_from([not value >= threshold for value in alike[image]], grid),
            stays_broken_from([not value for value in same[image]], grid),
        )
        for image in alike
    }
    return pandas.DataFrame(found, index=["heatmap", "answer"]).T.fillna(grid[-1] + grid[-1] - grid[-2])


def counts(found: pandas.DataFrame) -> tuple[int, int]:
    """In how many images the heatmap is first, and the answer."""
    return int((found.heatmap < found.answer).sum()), int((found.answer < found.heatmap).sum())


def mean_gap(found: pandas.DataFrame) -> tuple[float, float, float]:
    """How much earlier heatmaps break, in points of sparsity, with the interval over images."""
    value, low, high = paired(found.answer, found.heatmap)
    return 100 * value, 100 * low, 100 * high
