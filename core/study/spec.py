"""What a study asks: tasks about the heatmaps of some variants of one network, and how its trials
are dealt to participants.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import ceil

from core.base.errors import BadSpec
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec, whole
from core.specs.shares import exact_share, one_of, seed_of
from core.study.texts import Texts

PAIRS = ("heatmap-pair", "occlusion-pair")
KINDS: dict[str, str] = {
    "heatmap-pair": "Which heatmap is more reasonable?",
    "occlusion-pair": "Which part of the picture explains the answer better?",
    "name-object": "What is in the picture?",
}
DISPLAYS: dict[str, str] = {
    "published": "jet over the squared map, 0.7 of the image and 0.3 of the map, as published",
    "readable": "magma over the grey image, which colour-blind people can read",
}
MOST_SLOTS = 10_000
MOST_TRIALS = 1_000


@dataclass(frozen=True, kw_only=True)
class Task:
    """One kind of question. kind: a key of KINDS.

    pairs: names of two variants each, the less pruned one first; for questions about pairs.
    variants: names, for questions about one picture.
    """

    kind: str
    pairs: tuple[tuple[str, str], ...] = ()
    variants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of(self.kind, KINDS, "task")
        object.__setattr__(self, "pairs", tuple(dict.fromkeys((less, more) for less, more in self.pairs)))
        object.__setattr__(self, "variants", tuple(dict.fromkeys(self.variants)))
        needed, other = ("pairs", "variants") if self.is_pair else ("variants", "pairs")
        example = '[["dense", "pruned"]]' if self.is_pair else '["dense", "pruned"]'
        if not getattr(self, needed) or getattr(self, other):
            raise BadSpec(
                f"The task '{self.kind}' needs {needed}, and takes no {other}.",
                "A pair names two variants, the less pruned one first.",
                f"Write {needed}: {example}, for example.",
            )
        for less, more in self.pairs:
            if less == more:
                raise BadSpec(
                    f"A pair compares '{less}' with itself.", "A pair has two variants.", "Name another variant."
                )

    @property
    def is_pair(self) -> bool:
        return self.kind in PAIRS

    @property
    def compared(self) -> tuple[tuple[str, str], ...]:
        """Return what each image is shown with: pairs of names; for one picture, a name and ""."""
        return self.pairs or tuple((name, "") for name in self.variants)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Whose answers are left out of the analysis, declared before the first answer.

    catch_share: the least share of catch trials that must be answered correctly. fastest_ms: the
    least median time from the picture to the answer. Rows are never deleted: thresholds can be
    moved afterwards, and the effect is shown.
    """

    catch_share: float = 0.75
    fastest_ms: int = 500

    def __post_init__(self) -> None:
        object.__setattr__(self, "catch_share", exact_share(self.catch_share, "share of catch trials"))
        object.__setattr__(self, "fastest_ms", whole(self.fastest_ms, "fastest median time in milliseconds"))


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """A study: everything that its design and its pictures follow from.

    variants: (name, pruning) of one model, from the least pruned on. images: of each class, all of
    them classified correctly by every variant. pool: how many images of the data set are looked
    at to find them; None for all. display: a key of DISPLAYS.
    answers: of different participants to each item. trials: items a participant answers. catch,
    practice: trials with a known answer, hidden among the others and before them. block: trials
    between two breaks.
    anonymous: nobody is asked for, or recognised by, an id of a recruitment service.
    """

    title: str
    model: ModelSpec
    variants: tuple[tuple[str, PruningSpec], ...]
    tasks: tuple[Task, ...]
    data: DataSpec = field(default_factory=DataSpec)
    images: int = 50
    pool: int | None = None
    heatmap: CamSpec = field(default_factory=lambda: CamSpec(target="own"))
    display: str = "readable"
    answers: int = 5
    trials: int = 80
    catch: int = 4
    practice: int = 3
    block: int = 40
    anonymous: bool = False
    seed: int = 0
    rules: Rules = field(default_factory=Rules)
    texts: Texts = field(default_factory=Texts)

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise BadSpec("The study has no title.", "Participants read it.", "Write title: followed by a name.")
        one_of(self.display, DISPLAYS, "display")
        for name, least, most in (
            ("images", 1, None),
            ("answers", 1, MOST_SLOTS),
            ("trials", 1, MOST_TRIALS),
            ("catch", 0, MOST_TRIALS),
            ("practice", 0, 50),
            ("block", 1, MOST_TRIALS),
        ):
            object.__setattr__(self, name, whole(getattr(self, name), f"number of {name}", least, most))
        if self.pool is not None:
            object.__setattr__(self, "pool", whole(self.pool, "number of images looked at", 1))
        object.__setattr__(self, "seed", seed_of(self.seed))
        self._check_names()

    def _check_names(self) -> None:
        """Check that tasks name variants that there are."""
        names = [name for name, _ in self.variants]
        if len(set(names)) < len(names) or not all(name.strip() for name in names):
            raise BadSpec(
                f"The variants are called {', '.join(names)}.",
                "Each needs a name of its own.",
                "Rename one of them.",
            )
        if not self.tasks:
            raise BadSpec("The study has no tasks.", f"A task is one of: {', '.join(KINDS)}.", "Name at least one.")
        for task in self.tasks:
            for name in (name for pair in task.compared for name in pair if name):
                one_of(name, dict(self.variants), "variant")
        if len({task.kind for task in self.tasks}) < len(self.tasks):
            raise BadSpec(
                "Two tasks are of the same kind.", "Each kind stands once.", "Put all pairs into one of the two."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the variants that a task shows, from the least pruned on."""
        shown = {name for task in self.tasks for pair in task.compared for name in pair}
        return tuple(name for name, _ in self.variants if name in shown)

    def variant(self, name: str) -> VariantSpec:
        """Return the variant of this name."""
        return VariantSpec(model=self.model, pruning=dict(self.variants)[name])

    @property
    def comparisons(self) -> int:
        """Return how many items each image gives."""
        return sum(len(task.compared) for task in self.tasks)

    def slots(self, items: int) -> int:
        """Return how many participants the study needs. Raises BadSpec for too many."""
        found = ceil(items * self.answers / self.trials)
        if found > MOST_SLOTS:
            raise BadSpec(
                f"The study needs {found:,} participants.",
                f"It may have {MOST_SLOTS:,}.",
                "Ask for fewer answers an item, fewer images, or more trials a participant.",
            )
        return found

    @property
    def questions(self) -> int:
        """Return how many questions a participant answers, catch trials included."""
        return self.trials + self.catch

    @property
    def minutes(self) -> int:
        """Return roughly how long a participant takes: 6 s a question, our reading, and 60 s to
        read.
        """
        return ceil((60 + 6 * (self.questions + self.practice * len(self.tasks))) / 60)


FIELDS = tuple(each.name for each in fields(StudySpec))
