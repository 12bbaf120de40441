"""Compare the maps of correctly and wrongly predicted images within one level of one seed.

Classes differ both in their error rate and in how well a map can fit them (a one is thin), so the
plain difference of the two groups confounds the two. Pairing by class compares within each class
first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.base.errors import BadSpec
from core.specs import whole
from core.stats.bootstrap import mean_interval, t_quantile

Floats = NDArray[np.float64]
LEAST = 5  # images of each group that a class needs


@dataclass(frozen=True, kw_only=True)
class GroupDifference:
    """Mean score of correct predictions minus that of wrong ones, over images, with a 95 %
    interval. None if undefined.

    n_correct, n_wrong: images with a defined score in each group. left_out: images without one.
    """

    difference: float | None
    low: float | None
    high: float | None
    mean_correct: float | None
    mean_wrong: float | None
    n_correct: int
    n_wrong: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class ClassDifference:
    """The difference within one class."""

    label: int
    difference: float
    mean_correct: float
    mean_wrong: float
    n_correct: int
    n_wrong: int


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Mean over classes of (mean of correct minus mean of wrong), with equal weight per class; None
    if undefined.

    n of the interval and of p is `classes`, those with at least `least` images in each group;
    images: their images.
    low, high: 95 %, None for fewer than two classes. p: Wilcoxon's signed rank test of the class
    differences, two-sided; None if all are 0. higher, lower, equal: classes in which correct
    predictions score higher, lower, the same.
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    classes: int
    images: int
    least: int
    higher: int
    lower: int
    equal: int
    by_class: tuple[ClassDifference, ...]


def correct_against_wrong(soft_iou: ArrayLike, correct: ArrayLike) -> GroupDifference:
    """Compare correct with wrong predictions, unpaired.

    Args:
        soft_iou: (N,) score of each image, NaN where undefined. correct: (N,) whether it was
            predicted correctly.

    Returns:
        Welch's interval; None bounds if a group has fewer than two images, no difference if one has
        none.

    Raises:
        BadSpec: different lengths.

    Source: Welch 1947.
    """
    score, right = _columns(soft_iou, correct)
    defined = np.isfinite(score)
    a, b = score[defined & right], score[defined & ~right]
    means = [float(group.mean()) if len(group) else None for group in (a, b)]
    difference = float(a.mean() - b.mean()) if len(a) and len(b) else None
    half = _welch_half_width(a, b) if min(len(a), len(b)) > 1 else None
    low, high = (difference - half, difference + half) if difference is not None and half is not None else (None, None)
    return GroupDifference(
        difference=difference,
        low=low,
        high=high,
        mean_correct=means[0],
        mean_wrong=means[1],
        n_correct=len(a),
        n_wrong=len(b),
        left_out=int((~defined).sum()),
    )


def paired_by_class(soft_iou: ArrayLike, correct: ArrayLike, label: ArrayLike, least: int = LEAST) -> PairedDifference:
    """Compare correct with wrong predictions within each class, then over the classes.

    Args:
        soft_iou: (N,) score of each image, NaN where undefined. correct: (N,) whether it was
            predicted correctly.
        label: (N,) true class. least: correct and wrong images, each, that a class needs to be
            included.

    Returns:
        Student's t interval and Wilcoxon's p over the included classes; difference None if there
        are none.

    Raises:
        BadSpec: different lengths; least below 1.

    Source: Student 1908; Wilcoxon 1945 (exact for few classes, ties in absolute value included).
    """
    least = whole(least, "number of images a class needs", least=1)
    score, right, kinds = _columns(soft_iou, correct, label)
    classes = [_within(int(kind), score[kinds == kind], right[kinds == kind]) for kind in np.unique(kinds)]
    kept = tuple(found for found in classes if found is not None and min(found.n_correct, found.n_wrong) >= least)
    differences = np.array([found.difference for found in kept])
    over = mean_interval(differences)
    return PairedDifference(
        difference=over.value,
        low=over.low,
        high=over.high,
        p=signed_rank_p(differences),
        classes=len(kept),
        images=sum(found.n_correct + found.n_wrong for found in kept),
        least=least,
        higher=int((differences > 0).sum()),
        lower=int((differences < 0).sum()),
        equal=int((differences == 0).sum()),
        by_class=kept,
    )


def signed_rank_p(differences: ArrayLike) -> float | None:
    """Compute Wilcoxon's two-sided signed rank p of differences (n,) without zeros; None if none is
    left.
    """
    x = np.asarray(differences, dtype=np.float64)
    x = x[x != 0]
    if len(x) == 0:
        return None
    from scipy import stats  # takes a second to import

    return float(stats.wilcoxon(x).pvalue)


def _within(label: int, score: Floats, right: NDArray[np.bool_]) -> ClassDifference | None:
    """Compare within one class; None if a group is empty."""
    difference = correct_against_wrong(score, right)
    if difference.difference is None or difference.mean_correct is None or difference.mean_wrong is None:
        return None
    return ClassDifference(
        label=label,
        difference=difference.difference,
        mean_correct=difference.mean_correct,
        mean_wrong=difference.mean_wrong,
        n_correct=difference.n_correct,
        n_wrong=difference.n_wrong,
    )


def _welch_half_width(a: Floats, b: Floats) -> float:
    """Return the half width of the interval of a difference of two means, with unequal
    variances.
    """
    parts = [float(group.var(ddof=1)) / len(group) for group in (a, b)]
    if sum(parts) == 0:
        return 0.0
    df = sum(parts) ** 2 / sum(part**2 / (len(group) - 1) for part, group in zip(parts, (a, b), strict=True))
    return t_quantile(df) * float(np.sqrt(sum(parts)))


def _columns(score: ArrayLike, correct: ArrayLike, *labels: ArrayLike) -> tuple[NDArray, ...]:
    """Return columns of equal length: scores as floats, correct as bool, labels unchanged."""
    columns = (
        np.asarray(score, dtype=np.float64),
        np.asarray(correct).astype(bool),
        *(np.asarray(label) for label in labels),
    )
    if len({column.shape for column in columns}) > 1 or columns[0].ndim != 1:
        raise BadSpec(
            f"Columns of shapes {[column.shape for column in columns]} do not match.",
            "Each must hold one value per image.",
        )
    return columns
