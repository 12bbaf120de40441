"""The machine interpretability score: can a program tell, from a unit's exemplars, which of two
images excites it more?

Source: Zimmermann, Klindt and Brendel 2024. One task shows REFERENCES images that excite the unit
strongly and as many that excite it weakly; of two further images, the one that is more similar to
the strong ones should be the strong one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.base.brief import brief
from core.base.draws import numpy_generator, torch_generator
from core.base.errors import BadSpec

REFERENCES = 9  # images a side in one task
TASKS = 20  # of a unit, as published
TEMPERATURE = 0.16
TIE = 1e-6  # differences of less are rounding of the similarities
RESAMPLES = 1000
BLOCK = 256  # units at a time


def tasks_of(images: int) -> int:
    """Return how many tasks a unit has with this many images: TASKS, or fewer if there are fewer
    than 400.

    Raises:
        BadSpec: not even one.
    """
    tasks = min(TASKS, images // 2 // (REFERENCES + 1))
    if tasks < 1:
        least = 2 * (REFERENCES + 1)
        raise BadSpec(
            f"{images} images are too few for the interpretability of units.",
            f"One task takes {least} of them; the published score takes {TASKS * least}.",
            "Choose more images.",
        )
    return tasks


def depth_of(tasks: int) -> int:
    """Return how many images a side the tasks of a unit take."""
    return tasks * (REFERENCES + 1)


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Tasks:
    """The tasks of K units, as images (places among those that were seen).

    strong, weak: (K, tasks, REFERENCES) what is shown. strong_query, weak_query: (K, tasks).
    """

    strong: Tensor
    weak: Tensor
    strong_query: Tensor
    weak_query: Tensor


def draw_tasks(strongest: Tensor, weakest: Tensor, *purpose: object) -> Tasks:
    """Draw the tasks of K units from their extreme images.

    The most extreme images are references: they lie in REFERENCES bins of neighbouring ranks, and
    each task takes one of each bin, none twice. The next ones are the queries.

    Args:
        strongest, weakest: (K, depth), from the most extreme one on. purpose: of the seeded draws.
    """
    units, depth = strongest.shape
    tasks = depth // (REFERENCES + 1)
    sides = []
    for side, ranked in (("strong", strongest), ("weak", weakest)):
        generator = torch_generator("unit-tasks", side, *purpose)
        shuffled = torch.rand(units, REFERENCES + 1, tasks, generator=generator).argsort(dim=2)
        ranks = shuffled + torch.arange(REFERENCES + 1)[None, :, None] * tasks
        sides.append(ranked.gather(1, ranks.flatten(1)).reshape(units, REFERENCES + 1, tasks).transpose(1, 2))
    strong, weak = sides
    return Tasks(
        strong=strong[..., :REFERENCES],
        weak=weak[..., :REFERENCES],
        strong_query=strong[..., REFERENCES],
        weak_query=weak[..., REFERENCES],
    )


def differences(tasks: Tasks, vectors: Tensor) -> Tensor:
    """Return D of every task, (K, tasks): above 0, the program chooses the right image.

    With s(q, E) the mean similarity of q to the images E: D = s(q+, E+) - s(q+, E-) - s(q-, E+) +
    s(q-, E-).

    Args:
        vectors: (N, d); the similarity of two images is the dot product of theirs. It is linear, so
            that D is the product of the difference of the queries and that of the mean references.
    """
    found = []
    for begin in range(0, len(tasks.strong), BLOCK):
        part = slice(begin, begin + BLOCK)
        shape = (*tasks.strong_query[part].shape, vectors.shape[1])
        shown = [
            functional.embedding_bag(side[part].reshape(-1, REFERENCES), vectors, mode="mean").reshape(shape)
            for side in (tasks.strong, tasks.weak)
        ]
        asked = vectors[tasks.strong_query[part]] - vectors[tasks.weak_query[part]]
        found.append((asked * (shown[0] - shown[1])).sum(-1))
    return torch.cat(found)


def confidence(differences: Tensor) -> Tensor:
    """Return how sure the program is of the right image, 0 to 1. Shape as given."""
    return torch.sigmoid(differences / TEMPERATURE)


def right(differences: Tensor) -> Tensor:
    """Return 1 where the program chooses the right image, 0.5 for a tie, else 0. Shape as given."""
    return (differences > TIE).float() + (differences.abs() <= TIE).float() / 2


def bootstrap(values: NDArray[np.floating], *purpose: object, resamples: int = RESAMPLES) -> tuple[float, float]:
    """Return the 95 % interval of the mean over units and their tasks.

    Units are drawn with replacement, and the tasks of each drawn unit too.

    Args:
        values: (K, tasks) of the units that are not dead. purpose: of the seeded draws.
    """
    if not len(values):
        return float("nan"), float("nan")
    generator = numpy_generator("unit-bootstrap", *purpose)
    units, tasks = values.shape
    means = np.empty(resamples)
    for draw in range(resamples):
        first = generator.integers(units, size=(units, 1)) * tasks  # task of each drawn unit in the flat array
        chosen = first + generator.integers(tasks, size=(units, tasks), dtype=np.uint8)
        means[draw] = values.take(chosen).mean(dtype=np.float64)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
