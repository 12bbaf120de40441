"""What a sweep will cost, measured on its first images before it starts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from core.base.numbers import counted, duration, size
from core.base.progress import Progress, tell
from core.sweeps.sweep import Sweep

VALUE_BYTES = 4  # a measure of one image in a compressed table


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Work that is still to be done.

    networks: without those that are done, of `in_all`. images: of each. passes: of one image
    through a network, without those that faithfulness adds. bytes: of the tables. seconds: on this
    device, without the time to prune.
    """

    networks: int
    in_all: int
    images: int
    passes: int
    bytes: int
    seconds: float

    @property
    def text(self) -> str:
        """The costs in a sentence or two."""
        already = f" ({self.in_all - self.networks:,} are done already)" if self.in_all > self.networks else ""
        if not self.networks:
            return f"All {counted(self.in_all, 'network')} of this sweep are done."
        return (
            f"{counted(self.networks, 'network')}{already}, {counted(self.images, 'image')} each:"
            f" {self.passes:,} passes through a network, {'about ' if self.seconds >= 1 else ''}"
            f"{duration(self.seconds)} in one process and"
            f" {size(self.bytes)} of tables. The time to prune comes on top."
        )


def estimate(sweep: Sweep, part: tuple[int, int] = (1, 1), progress: Progress = tell) -> Estimate:
    """Measure a few images of every model with work to do. part: as in `Sweep.run`. Raises as
    `Sweep.run`.
    """
    left: Counter = Counter()
    variants = sweep.variants[part[0] - 1 :: part[1]]
    for number, variant in enumerate(variants, start=1):
        left[variant.model] += bool(sweep.missing(variant))
        progress(number, len(variants))
    work = {model: count for model, count in left.items() if count}
    images = {model: len(sweep.rows(model)) for model in work}
    looks = max(1, len(sweep.spec.cams))
    asked = sum(count * images[model] for model, count in work.items())
    return Estimate(
        networks=sum(work.values()),
        in_all=len(variants),
        images=max(images.values(), default=0),
        passes=asked * looks,
        bytes=asked * looks * (len(sweep.spec.measures) + 1) * VALUE_BYTES,
        seconds=sum(count * images[model] * sweep.seconds_per_image(model) for model, count in work.items()),
    )
