"""How long answers took."""

from __future__ import annotations

from dataclasses import dataclass

import pandas

from core.base.errors import BadSpec

TIMES = ("participant", "shown", "answered", "reaction_ms", "server_ms")


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times of n answers; None where nothing was measured.

    median_ms, low_ms, high_ms: median and quartiles from painted pictures to the answer, as the
    browser measured them for `measured` answers. server_ms: median from the page's request to the
    answer's arrival, for `timed` answers: it contains the way through the network.
    person_s: median over `persons` participants, from the first page with a trial to the last
    answer, breaks included.
    focus_losses: answers during which another window was in front; None if never measured.
    """

    n: int
    measured: int
    median_ms: float | None
    low_ms: float | None
    high_ms: float | None
    timed: int
    server_ms: float | None
    persons: int
    person_s: float | None
    focus_losses: int | None


def times(answers: pandas.DataFrame) -> Times:
    """Summarise the times of all rows given. Raises BadSpec for a missing column."""
    missing = [name for name in TIMES if name not in answers]
    if missing:
        raise BadSpec(f"The table of answers has no column '{missing[0]}'.", "Times need it.", "Leave times out.")
    browser, server = answers["reaction_ms"].dropna().astype(float), answers["server_ms"].dropna().astype(float)
    low, median, high = browser.quantile([0.25, 0.5, 0.75]) if len(browser) else (None, None, None)
    people = answers.dropna(subset=["participant"]).groupby("participant")
    lasted = (people["answered"].max().astype(float) - people["shown"].min().astype(float)).dropna()
    losses = answers["focus_losses"].dropna() if "focus_losses" in answers else answers["reaction_ms"].iloc[:0]
    return Times(
        n=len(answers),
        measured=len(browser),
        median_ms=None if median is None else float(median),
        low_ms=None if low is None else float(low),
        high_ms=None if high is None else float(high),
        timed=len(server),
        server_ms=float(server.median()) if len(server) else None,
        persons=len(lasted),
        person_s=float(lasted.median()) if len(lasted) else None,
        focus_losses=int((losses > 0).sum()) if len(losses) else None,
    )
