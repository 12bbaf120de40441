"""The run of the same seeds a second time, which shows how far rounding alone changes a study."""

from __future__ import annotations

from core.base.errors import SparsightError
from core.figures.study_text import PAIR
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import engine


def other(study: StudyTables) -> StudyTables | None:
    """Returns it; None for other studies, or if it is missing."""
    mine = study.facts["weights"]
    if mine not in PAIR:
        return None
    try:
        return engine.study(PAIR[1 - PAIR.index(mine)], study.facts["data"])
    except SparsightError:
        return None
