"""Images that pruned networks forget: those that most of them answer otherwise than most of the
dense networks do.

The paper calls them pruning identified exemplars. A population is all networks that were pruned in
one way to one sparsity, one a seed. Ties count for both classes, so an image is forgotten only if
no most frequent answer of the pruned networks is one of the dense networks.

Source: Hooker, Courville, Clark, Dauphin and Frome 2019, What Do Compressed Deep Neural Networks
Forget?, arXiv 1911.05248.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas
from numpy.typing import NDArray

from core.base.errors import BadSpec
from core.base.numbers import percent
from core.specs import VariantSpec
from core.stats.intervals import wilson
from core.stats.multiple import holm
from core.stats.welch import Difference, difference
from core.sweeps.breaks import Share
from core.sweeps.families import FAMILY, families, first_of
from core.sweeps.read import LABEL
from core.sweeps.spec import DENSE
from core.sweeps.sweep import Sweep

NEAR = 0.02  # sparsity: networks further off belong to another population
MEMBER = ["model", "weights", "seed", *FAMILY]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """Networks that were pruned in one way, at all sparsities, and the dense ones that they came
    from: a row for each network and image.
    """

    pruned: pandas.DataFrame
    dense: pandas.DataFrame

    @property
    def sparsities(self) -> tuple[float, ...]:
        """Those of one of the members, ascending."""
        _, first = next(iter(self.pruned.groupby(MEMBER, observed=True, sort=False)))
        return tuple(sorted(float(share) for share in first["sparsity"].unique()))


@dataclass(frozen=True, kw_only=True)
class ClassChange:
    """What pruning does to one class.

    n: its images; forgotten of them. dense, pruned: recall, the mean over networks. relative:
    recall less the network's accuracy over all classes, pruned minus dense networks. p_adjusted: by
    Holm's method over the classes.
    """

    label: int
    n: int
    forgotten: int
    dense: float
    pruned: float
    relative: Difference
    p_adjusted: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Forgotten:
    """What one population forgets.

    sparsities: the lowest and the highest of its networks. dense, pruned: networks. by_image: a row
    an image: "label", the most frequent answers "dense" and "pruned", "forgotten", "tied" (another
    answer is as frequent), the shares of networks that are right "dense_right" and "pruned_right",
    the dense networks' mean "confidence", the pruned ones' mean "similarity"; NaN where unknown.
    accuracy, confidence, similarity: of forgotten images minus others, Welch's interval over
    images. classes: () where labels are unknown.
    """

    measure: str
    sparsities: tuple[float, float]
    dense: int
    pruned: int
    by_image: pandas.DataFrame
    share: Share
    ties: int
    accuracy: Difference
    confidence: Difference
    similarity: Difference
    classes: tuple[ClassChange, ...]


def populations(sweep: Sweep, measure: str = "", heatmap: str = "", pooled: bool = False) -> dict[str, Population]:
    """Return the populations of a sweep by name: its seeds, for each way to prune.

    Args:
        measure: a similarity to the reference's heatmap, if any. heatmap: by default the first one
            that is done. pooled: all networks of an architecture, however they were trained and
            pruned.
    Raises:
        BadSpec: as `families`; or the sweep compares with another network than the dense one.
    """
    if sweep.spec.reference != DENSE:
        raise BadSpec(
            "This sweep compares its networks with another one than their own dense network.",
            "Forgotten is what dense networks answer otherwise.",
            "Choose a sweep whose reference is dense.",
        )
    wanted = [name for name in (LABEL, "confidence", measure) if name and name in (*sweep.spec.measures, measure)]
    found: dict[str, list[tuple[pandas.DataFrame, pandas.DataFrame]]] = {}
    asked = first_of(sweep.spec)
    for name, family in families(sweep, wanted, heatmap).items():
        found.setdefault(population_of(asked[name], pooled), []).append((family.rows, family.reference))
    return {
        name: Population(
            pruned=pandas.concat([rows for rows, _ in parts], ignore_index=True),
            dense=pandas.concat([dense for _, dense in parts], ignore_index=True).drop_duplicates(["network", "image"]),
        )
        for name, parts in found.items()
    }


def population_of(variant: VariantSpec, pooled: bool = False) -> str:
    """Return the name of the population that a network belongs to."""
    model, pruning = variant.model, variant.pruning
    if pooled:
        return model.name
    ranking = (pruning.granularity, pruning.scope, pruning.criterion) if pruning.is_one_shot else ()
    return " ".join((f"{model.name}/{model.weights}", pruning.schedule, *ranking))


def find_forgotten(population: Population, sparsity: float, measure: str = "") -> Forgotten:
    """Find the images that networks of this sparsity forget, or of the nearest one.

    Args:
        measure: the column of similarities, if there is one.
    Raises:
        BadSpec: no network of about this sparsity, or no image that all networks have.
    """
    pruned, dense = _nearest(population, sparsity), population.dense
    images = _shared(pruned, dense)
    sides = [_Side.of(rows, images) for rows in (dense, pruned)]
    modes = [[_modes(row) for row in side.predicted] for side in sides]
    forgotten = np.array([not set(a) & set(b) for a, b in zip(*modes, strict=True)], dtype=bool)
    label = dense.drop_duplicates("image").set_index("image").reindex(images).get(LABEL)
    by_image = pandas.DataFrame(
        {
            "image": images,
            "label": np.nan if label is None else label.to_numpy(),
            "dense": [each[0] for each in modes[0]],
            "pruned": [each[0] for each in modes[1]],
            "forgotten": forgotten,
            "tied": [len(a) > 1 or len(b) > 1 for a, b in zip(*modes, strict=True)],
            "dense_right": np.nan if label is None else sides[0].right(label),
            "pruned_right": np.nan if label is None else sides[1].right(label),
            "confidence": _mean_by_image(dense, "confidence", images),
            "similarity": _mean_by_image(pruned, measure, images),
        }
    )
    low, high = wilson(int(forgotten.sum()), len(images))
    apart = {name: _apart(by_image, name) for name in ("dense_right", "confidence", "similarity")}
    return Forgotten(
        measure=measure,
        sparsities=(float(pruned["sparsity"].min()), float(pruned["sparsity"].max())),
        dense=sides[0].predicted.shape[1],
        pruned=sides[1].predicted.shape[1],
        by_image=by_image,
        share=Share(count=int(forgotten.sum()), n=len(images), low=low, high=high),
        ties=int(by_image["tied"].sum()),
        accuracy=apart["dense_right"],
        confidence=apart["confidence"],
        similarity=apart["similarity"],
        classes=() if label is None else _classes(sides, label.to_numpy(), forgotten),
    )


def by_sparsity(population: Population, measure: str = "") -> Iterator[Forgotten]:
    """Yield what is forgotten at each sparsity of a population."""
    return (find_forgotten(population, each, measure) for each in population.sparsities)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Side:
    """The answers of some networks, (images, networks)."""

    predicted: NDArray[np.int64]

    @classmethod
    def of(cls, rows: pandas.DataFrame, images: pandas.Index) -> _Side:
        table = rows.assign(network=rows["network"].astype(str)).pivot(
            index="image", columns="network", values="predicted"
        )
        return cls(predicted=table.loc[images].to_numpy(np.int64))

    def right(self, label: pandas.Series) -> Floats:
        """Return the share of networks that are right, (images,); NaN for an unknown class."""
        known = label.to_numpy() >= 0
        return np.where(known, (self.predicted == label.to_numpy()[:, None]).mean(axis=1), np.nan)


def _nearest(population: Population, sparsity: float) -> pandas.DataFrame:
    """Return the rows of each member's networks of about this sparsity."""
    parts = []
    for _, rows in population.pruned.groupby(MEMBER, observed=True, sort=False):
        own = min(rows["sparsity"].unique(), key=lambda share: abs(share - sparsity))
        if abs(own - sparsity) <= NEAR:
            parts.append(rows[rows["sparsity"] == own])  # several, if their random draws differ
    if not parts:
        raise BadSpec(
            f"No network has about {percent(sparsity)} sparsity."
            if 0 <= sparsity <= 1
            else f"{sparsity:g} is no sparsity.",
            f"There are: {', '.join(map(percent, population.sparsities))}.",
            "Choose one of them.",
        )
    return pandas.concat(parts)


def _shared(*rows: pandas.DataFrame) -> pandas.Index:
    """Return the images that all networks have."""
    counts = [some.groupby("image")["network"].nunique() for some in rows]
    whole = [count.index[count == some["network"].nunique()] for count, some in zip(counts, rows, strict=True)]
    images = whole[0].intersection(whole[1]).sort_values()
    if not len(images):
        raise BadSpec(
            "The networks have no image in common.",
            "Forgotten images are found by comparing answers to the same images.",
            "Run the sweep.",
        )
    return images


def _modes(answers: NDArray[np.int64]) -> list[int]:
    """Return the most frequent answers, ascending."""
    names, counts = np.unique(answers, return_counts=True)
    return [int(name) for name in names[counts == counts.max()]]


def _mean_by_image(rows: pandas.DataFrame, name: str, images: pandas.Index) -> Floats | float:
    if name not in rows:
        return np.nan
    return rows[name].astype(float).groupby(rows["image"]).mean().reindex(images).to_numpy()


def _apart(by_image: pandas.DataFrame, name: str) -> Difference:
    values = by_image[name].astype(float)
    return difference(values[by_image["forgotten"]], values[~by_image["forgotten"]])


def _classes(sides: Sequence[_Side], label: NDArray, forgotten: NDArray[np.bool_]) -> tuple[ClassChange, ...]:
    """Return the change of each class that an image has."""
    right = [side.predicted == label[:, None] for side in sides]  # (images, networks)
    whole = [each[label >= 0].mean(axis=0) for each in right]
    found = []
    for name in np.unique(label[label >= 0]):
        own = label == name
        recall = [each[own].mean(axis=0) for each in right]
        relative = difference(recall[1] - whole[1], recall[0] - whole[0])
        found.append(
            ClassChange(
                label=int(name),
                n=int(own.sum()),
                forgotten=int(forgotten[own].sum()),
                dense=float(recall[0].mean()),
                pruned=float(recall[1].mean()),
                relative=relative,
            )
        )
    adjusted = holm([each.relative.p for each in found])
    return tuple(replace(each, p_adjusted=p) for each, p in zip(found, adjusted, strict=True))
