"""Convert per-image tables of an earlier version to today's rule about empty maps
(`core.measures`).

No network is evaluated again.
"""

from __future__ import annotations

from pandas import DataFrame

from core.measures import Group, measures_of

SIMILARITIES = tuple(measures_of(Group.SIMILARITY))
TRUTH = ["pointing-game", "energy-inside", "box-iou"]


def series_images(frame: DataFrame) -> DataFrame:
    """Convert a trained series over photographs. Earlier, only soft IoU scored an empty map 0, and
    some similarities were defined for one.

    A map with evidence, or one that is invalid (its mean is NaN), is not empty. Boxes were drawn on
    the photographs that have a box score at any level. Cosine similarity has always been undefined
    exactly where one of the two maps is empty or invalid.
    """
    if "empty" in frame:
        return frame
    empty = ~frame.usable & frame.map_mean.notna()
    changed = {"empty": empty}
    for name in (name for name in TRUTH if name in frame):
        marked = frame.soft_iou.notna()
        if name == "box-iou":
            marked &= frame[name].notna().groupby(frame.image).transform("any")
        changed[name] = frame[name].mask(empty & marked, 0)
    for name in (name for name in SIMILARITIES if name in frame):
        changed[name] = frame[name].where(frame.cosine.notna())
    return frame.assign(**changed)
