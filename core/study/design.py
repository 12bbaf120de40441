"""The design of a study: which participant sees which items, in which order and on which side.

Drawn once from the seed, and stored before the first answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas

from core.base.draws import numpy_generator
from core.base.errors import BadSpec
from core.study.spec import KINDS, StudySpec

ITEM, CATCH, PRACTICE = "item", "catch", "practice"
ITEM_COLUMNS = ["item", "kind", "task", "image", "label", "less", "more"]
TRIAL_COLUMNS = ["trial", "slot", "position", "block", "item", "left"]


@dataclass(frozen=True, eq=False)
class Design:
    """items: what can be shown; trials: who sees it, and where.

    items: item, kind (ITEM, CATCH, PRACTICE), task, image (row of the data set), label (class),
    less and more (names of variants; more is "" for one picture). A catch or practice item of a
    pair has the less pruned variant's picture and its reverse, and the first is correct.
    trials: trial, slot (place of a participant), position (from 0 on), block (from 0 on; every
    block has one task), item, left ("less" or "more": what stands on the left).
    """

    items: pandas.DataFrame
    trials: pandas.DataFrame

    @property
    def slots(self) -> int:
        return int(self.trials["slot"].max()) + 1


def draw(spec: StudySpec, images: pandas.DataFrame, spare: pandas.DataFrame) -> Design:
    """Draw the design.

    Every item gets `spec.answers` answers or one more, from different participants; a participant
    sees the comparisons equally often, give or take one, and as few images twice as possible; what
    is less pruned stands on the left half of the time, for every item and for every participant
    and comparison, give or take one.

    Args:
        images: of the study, with columns image and label. spare: further images, for catch and
            practice trials; may be empty.
    Raises:
        BadSpec: no images, or more trials than items.
    """
    items = _items(spec, images)
    if spec.trials > len(items):
        raise BadSpec(
            f"A participant cannot answer {spec.trials:,} different items.",
            f"The study has {len(items):,}: {len(images):,} images in {spec.comparisons} comparisons.",
            f"Set trials to {len(items):,} or less, or take more images.",
        )
    dealt = _dealt(spec, items, len(images))
    left = _sides(spec, dealt, items)
    known = _known_items(spec, images if spare.empty else spare, len(items))
    rows: list[tuple[int, int, int, int, str]] = []
    for slot, own in dealt.groupby("slot", sort=True):
        rows += _order(spec, int(slot), own.assign(left=left[own.index]), known)
    trials = pandas.DataFrame(rows, columns=["slot", "position", "block", "item", "left"])
    trials.insert(0, "trial", np.arange(len(trials)))
    return Design(pandas.concat([items, known], ignore_index=True), trials)


def _items(spec: StudySpec, images: pandas.DataFrame) -> pandas.DataFrame:
    """Return every image with everything it is compared in, comparison by comparison."""
    if images.empty:
        raise BadSpec("The study has no images.", "At least one must qualify.", "Choose another data set.")
    order = numpy_generator("study-images", spec.seed).permutation(len(images))
    shuffled = images.iloc[order]
    rows = [
        (ITEM, task.kind, int(image), int(label), less, more)
        for task in spec.tasks
        for less, more in task.compared
        for image, label in zip(shuffled["image"], shuffled["label"], strict=True)
    ]
    found = pandas.DataFrame(rows, columns=ITEM_COLUMNS[1:])
    found.insert(0, "item", np.arange(len(found)))
    return found


def _dealt(spec: StudySpec, items: pandas.DataFrame, images: int) -> pandas.DataFrame:
    """Deal items to slots: columns slot, item, comparison (its number).

    The images of each comparison are dealt in rounds, each in an order of its own; the next round
    begins when all are dealt. A slot gets no more trials of a comparison than there are images, so
    what it has seen in one round can always be left for the next slot.
    """
    random = numpy_generator("study-deal", spec.seed)
    rounds: list[list[int]] = [[] for _ in range(spec.comparisons)]
    rows = []
    for slot in range(spec.slots(len(items))):
        seen: set[int] = set()
        for which, left in enumerate(rounds):
            mine: set[int] = set()
            for _ in range(_share(spec, slot, which)):
                if not left:
                    left += random.permutation(images).tolist()
                image = next((one for one in left if one not in seen), None)
                image = next(one for one in left if one not in mine) if image is None else image
                left.remove(image)
                seen.add(image)
                mine.add(image)
                rows.append((slot, which * images + image, which))
    return pandas.DataFrame(rows, columns=["slot", "item", "comparison"])


def _share(spec: StudySpec, slot: int, which: int) -> int:
    """Return how many trials of a comparison a slot gets: as many as of the others, or one more or
    less.
    """
    number = spec.comparisons
    return ((slot + 1) * spec.trials + which) // number - (slot * spec.trials + which) // number


def _sides(spec: StudySpec, dealt: pandas.DataFrame, items: pandas.DataFrame) -> np.ndarray:
    """Return "less" or "more" for every row: balanced for each item, and for each comparison of
    each slot.

    Two trials of an item in a row must differ, and so must two trials of a slot and comparison in
    a row. Each trial then has at most two partners, one of each kind; chains of partners alternate,
    and rings of them are of even length.
    """
    partners: dict[int, list[int]] = defaultdict(list)
    for _, rows in [*dealt.groupby("item"), *dealt.groupby(["slot", "comparison"])]:
        members = list(rows.index)
        for one, other in zip(members[::2], members[1::2], strict=False):
            partners[one].append(other)
            partners[other].append(one)
    sides = np.full(len(dealt), -1)
    random = numpy_generator("study-sides", spec.seed)
    for start in random.permutation(len(dealt)):
        if sides[start] >= 0:
            continue
        waiting = [(int(start), int(random.integers(2)))]
        while waiting:
            trial, side = waiting.pop()
            if sides[trial] < 0:
                sides[trial] = side
                waiting += [(partner, 1 - side) for partner in partners[trial]]
    return np.array(["less", "more"])[sides]


def _known_items(spec: StudySpec, images: pandas.DataFrame, first: int) -> pandas.DataFrame:
    """Return items with a known answer, of each task, on images drawn from those given."""
    rows = []
    random = numpy_generator("study-known", spec.seed)
    for task in spec.tasks:
        for kind, wanted in ((PRACTICE, spec.practice), (CATCH, spec.catch)):
            for at in random.permutation(len(images))[:wanted]:
                image, label = images.iloc[at][["image", "label"]]
                less, more = task.compared[0]
                rows.append((kind, task.kind, int(image), int(label), less, less if more else ""))
    found = pandas.DataFrame(rows, columns=ITEM_COLUMNS[1:])
    found.insert(0, "item", np.arange(first, first + len(found)))
    return found


def _order(
    spec: StudySpec, slot: int, own: pandas.DataFrame, known: pandas.DataFrame
) -> list[tuple[int, int, int, int, str]]:
    """Return the trials of a slot in order: task by task, catch trials among the others."""
    random = numpy_generator("study-order", spec.seed, slot)
    compared = [task for task in spec.tasks for _ in task.compared]
    rows: list[tuple[int, int, int, int, str]] = []
    catches = _catches(spec, own, compared)
    block = -1
    for task in spec.tasks:
        mine = own[[compared[which] is task for which in own["comparison"]]]
        trials = [(int(item), str(left)) for item, left in zip(mine["item"], mine["left"], strict=True)]
        trials = [trials[at] for at in random.permutation(len(trials))]
        candidates = known[(known["kind"] == CATCH) & (known["task"] == task.kind)]["item"].tolist()
        number = min(catches[task.kind], len(candidates))
        stretch, whole = max(1, len(trials) // max(1, number)), len(trials)
        for turn, which in enumerate(random.permutation(len(candidates))[:number]):
            place = whole * turn // number + int(random.integers(stretch)) + turn  # one in each stretch
            trials.insert(place, (int(candidates[which]), ("less", "more")[int(random.integers(2))]))
        for at, (item, left) in enumerate(trials):
            block += at % spec.block == 0
            rows.append((slot, len(rows), block, item, left))
    return rows


def _catches(spec: StudySpec, own: pandas.DataFrame, compared: Sequence[object]) -> dict[str, int]:
    """Return how many catch trials each task gets, in proportion to its trials."""
    counts = dict.fromkeys(KINDS, 0)
    for task in spec.tasks:
        counts[task.kind] = sum(compared[which] is task for which in own["comparison"])
    found, given, seen = {}, 0, 0
    for kind, count in counts.items():
        seen += count
        until = round(spec.catch * seen / max(1, len(own)))
        found[kind], given = until - given, until
    return found
