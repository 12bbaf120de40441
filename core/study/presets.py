"""Studies that can be run as they are."""

from __future__ import annotations

from collections.abc import Callable

from core.base.registry import Registry
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec
from core.specs.pruning import Schedule
from core.study.spec import Rules, StudySpec, Task

PRESETS: Registry[Callable[[], StudySpec]] = Registry("study preset")

PHOTOGRAPHS = ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-layer", seed=0)
DIGITS = ModelSpec(name="thesis-cnn", weights="mnist-55000", seed=333)
RATES = (("1", 0), ("2", 1), ("32", 5))  # compression rate of the convolutions, and level
DIGIT_LEVELS = (("dense", 0), ("33 % of the weights left", 5), ("10 % of the weights left", 10))


def _levels(schedule: Schedule, levels: tuple[tuple[str, int], ...]) -> tuple[tuple[str, PruningSpec], ...]:
    return tuple((name, PruningSpec(schedule=schedule, level=level)) for name, level in levels)


@PRESETS.register(
    "class",
    "With a class",
    "Ten questions in three minutes, without names: does the class prefer the heatmaps of the pruned network? "
    "Everything it needs is included.",
)
def with_a_class() -> StudySpec:
    dense, pruned = "dense", "10 % of the weights left"
    return StudySpec(
        title="Which explanation is more reasonable?",
        model=DIGITS,
        variants=_levels("iterative-reset", ((dense, 0), (pruned, 10))),
        data=DataSpec(name="digits", noise=0.2),
        pool=1000,
        heatmap=CamSpec(method="grad-cam", layer="relu2", target="own"),
        tasks=(Task(kind="heatmap-pair", pairs=((dense, pruned),)),),
        images=2,
        answers=50,
        trials=10,
        catch=0,
        practice=1,
        block=10,
        anonymous=True,
        rules=Rules(catch_share=0, fastest_ms=0),
    )


@PRESETS.register(
    "less-is-more",
    "Less is More",
    "The three published tasks about a retrained SqueezeNet and photographs of ten Imagenette classes, five answers "
    "to each item. The photographs are not included.",
    "Merkle et al., Less is More; the published study used VGG-16",
)
def less_is_more() -> StudySpec:
    first, second, third = (name for name, _ in RATES)
    return StudySpec(
        title="Which explanation is more reasonable?",
        model=PHOTOGRAPHS,
        variants=_levels("retrained", RATES),
        data=DataSpec(name="folder:imagenette-224-unseen.zip"),
        tasks=(
            Task(kind="heatmap-pair", pairs=((first, second), (first, third))),
            Task(kind="occlusion-pair", pairs=((first, second), (first, third), (second, third))),
            Task(kind="name-object", variants=(first, second, third)),
        ),
        images=50,
        display="published",
    )


@PRESETS.register(
    "digits",
    "Digits",
    "The same three tasks about the retrained digit networks of the thesis and handwritten digits. Everything it "
    "needs is included.",
)
def digits() -> StudySpec:
    first, second, third = (name for name, _ in DIGIT_LEVELS)
    return StudySpec(
        title="Which explanation is more reasonable?",
        model=DIGITS,
        variants=_levels("iterative-reset", DIGIT_LEVELS),
        data=DataSpec(name="digits", noise=0.2),
        pool=1000,
        heatmap=CamSpec(method="grad-cam", layer="relu2", target="own"),
        tasks=(
            Task(kind="heatmap-pair", pairs=((first, second), (first, third))),
            Task(kind="occlusion-pair", pairs=((first, second), (first, third), (second, third))),
            Task(kind="name-object", variants=(first, second, third)),
        ),
        images=10,
        trials=80,
    )
