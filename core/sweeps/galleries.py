"""Images to look at: where the explanation breaks long before the answer, where the answer changes
first, and where neither does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas

from core.base.errors import UnknownName
from core.sweeps.breaks import SAME, Breaks
from core.sweeps.read import LABEL

KINDS: Mapping[str, str] = {
    "explanation": "Explanation first",
    "answer": "Answer first",
    "neither": "Neither breaks",
}
COLUMNS = ("image", "label", "explanation", "answer", "gap", "at", "similarity", "agrees", "network")


def gallery(rows: pandas.DataFrame, found: Breaks, kind: str) -> pandas.DataFrame:
    """Return the images of one kind, the largest gap first.

    Args:
        rows: those that the breaks were found in, with "network"; "label" if known. kind: a key of
            KINDS.
    Returns:
        COLUMNS: the image and its class; the sparsities from which its explanation and its answer
        stay broken, NaN for never; "gap", by how much sparsity the explanation breaks earlier,
        where never counts as `found.beyond`; "at", the sparsity to look at: of what breaks first,
        or the highest; and there the similarity, whether the answer is the same, and the network.
        Images where neither breaks are sorted by their similarity, the lowest first.
    Raises:
        UnknownName.
    """
    if kind not in KINDS:
        raise UnknownName("gallery", kind, list(KINDS))
    images = found.by_image[["image", "explanation", "answer"]].copy()
    explanation, answer = (images[name].fillna(found.beyond) for name in ("explanation", "answer"))
    images["gap"] = answer - explanation
    first = np.minimum(explanation, answer)
    images["at"] = first.where(first < found.beyond, max(each.sparsity for each in found.alive))
    never = first >= found.beyond
    wanted = {"explanation": images["gap"] > 0, "answer": images["gap"] < 0, "neither": never}[kind]
    known = [name for name in (LABEL,) if name in rows]
    there = rows[["image", "sparsity", found.measure, SAME, "network", *known]].rename(
        columns={found.measure: "similarity", "sparsity": "at"}
    )
    shown = images[wanted].merge(there.astype({"network": str}), on=["image", "at"], how="left", validate="one_to_one")
    if LABEL not in shown:
        shown[LABEL] = np.nan
    shown["farthest"] = -shown["gap"].abs()
    order = ["farthest", "similarity", "image"]
    return shown.sort_values(order, ignore_index=True)[list(COLUMNS)]
