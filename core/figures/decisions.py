"""Sentences on the sweet spot of a sweep and on what breaks first, for pages and terminals."""

from __future__ import annotations

from collections.abc import Sequence

from core.base.numbers import counted, percent, score
from core.evaluation.columns import COLUMNS
from core.figures.names import at_start
from core.sweeps.breaks import Breaks, Share
from core.sweeps.spots import Check, Gain, Limits, SweetSpot, is_similarity
from core.sweeps.thresholds import Threshold

SHARES = ("right", "agrees")
FINE = 16  # sparsities, from which on a grid is fine enough to tell what breaks first


def spot_text(found: SweetSpot, reference: str = "the dense network") -> str:
    """Return the finding, in Markdown. reference: its name."""
    fails = _and([_name(name) for name in found.limiting])
    verb = "fails" if len(found.limiting) == 1 else "fail"
    if found.fails_at is None:
        return f"At **{percent(found.sparsity or 0)} sparsity**, the highest one tested, {_tested(found)} still passes."
    if found.sparsity is None:
        return f"**No sparsity passes**: at {percent(found.fails_at)}, the lowest one tested, {fails} {verb}."
    return (
        f"At **{percent(found.sparsity)} sparsity**, {_tested(found)} is still within the limits beside {reference}. At"
        f" {percent(found.fails_at)}, the next one tested, {fails} {verb}."
    )


def _tested(found: SweetSpot) -> str:
    """Return the measures that were tested: "each of accuracy and Soft IoU"."""
    names = list(dict.fromkeys(_name(check.measure) for check in found.checks))
    return names[0] if len(names) == 1 else f"each of {_and(names)}"


def breaks_text(found: Breaks) -> str:
    """Return what breaks first, in Markdown."""
    first, second, n = found.explanation_first, found.answer_first, len(found.by_image)
    return (
        f"Of {counted(n, 'image')}, **the explanation breaks before the answer in {_share(first)}**, the answer first"
        f" in {_share(second)}; both at the same sparsity in {found.together}, neither in {found.neither}."
        f"{_left_out(found)}"
    )


def _left_out(found: Breaks) -> str:
    if not found.left_out:
        return ""
    verb = "is" if found.left_out == 1 else "are"
    return (
        f" {counted(found.left_out, 'more image')} {verb} left out: the heatmap of the reference is empty there and"
        " cannot break."
    )


def order_text(found: Breaks) -> str:
    """Return that the mean and the counts disagree; "" if they do not."""
    gap, more = found.earlier.value, found.explanation_first.count - found.answer_first.count
    if gap is None or gap * more >= 0:
        return ""
    often, far = ("answers", "explanations") if gap > 0 else ("explanations", "answers")
    return f"More often, {often} break first; where {far} do, they do so by far."


def earlier_text(found: Breaks) -> str:
    """Return by how much explanations break earlier, and what counts as broken."""
    gap = found.earlier
    text = (
        f"Broken: {COLUMNS[found.measure].title} with the reference's heatmap stays below {score(found.threshold)} up"
        " to the highest sparsity; the answer stays another one."
    )
    if gap.value is None or gap.low is None or gap.high is None:
        return text
    if gap.low <= 0 <= gap.high:
        return (
            f"On average, neither breaks clearly earlier: {_points(gap.value)} points of sparsity (95 % interval"
            f" {_points(gap.low)} to {_points(gap.high)}, n = {gap.n}; above 0, explanations break first; what never"
            f" breaks counts as {percent(found.beyond)}). {text}"
        )
    way = "earlier" if gap.value >= 0 else "later"
    low, high = (_points(bound if gap.value >= 0 else -bound) for bound in (gap.low, gap.high))
    low, high = (low, high) if gap.value >= 0 else (high, low)
    return (
        f"On average, explanations break {_points(abs(gap.value))} points of sparsity {way} (95 % interval {low} to"
        f" {high}, n = {gap.n}; what never breaks counts as {percent(found.beyond)}). {text}"
    )


def grid_text(found: Breaks) -> str:
    """Return that the sparsities are few; "" if they are not."""
    if (count := len(found.alive)) >= FINE:
        return ""
    return (
        f"The sweep has {count} sparsities: what breaks between two of them counts as broken at the higher one, and"
        " often as both at once."
    )


def threshold_text(found: Threshold) -> str:
    """Return where the threshold comes from."""
    if found.floor is None:
        return f"Threshold: {score(found.value)}."
    seeds = len(found.floor.seeds)
    return (
        f"Threshold: {score(found.value)}, the mean similarity of dense networks that differ only in their seed"
        f" ({seeds} seeds, n = {counted(found.floor.n, 'image')}, 95 % interval {score(found.floor.low)} to"
        f" {score(found.floor.high)}): a heatmap below it is less like the dense network's than another training's."
    )


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}")


def _share(found: Share) -> str:
    return f"{found.count} ({percent(found.count / found.n)}, {percent(found.low)} to {percent(found.high)})"


def limits_text(found: SweetSpot, limits: Limits) -> str:
    """Return what was tested, and how."""
    first = [check for check in found.checks if check.sparsity == found.checks[0].sparsity]
    paired = [f"{_name(check.measure)} {_amount(check.measure, -check.limit)}" for check in first if _is_paired(check)]
    alike = [f"{_name(check.measure)} {score(check.limit)}" for check in first if not _is_paired(check)]
    parts = [f"may be lower by less than: {', '.join(paired)}"] if paired else []
    parts += [f"must exceed: {', '.join(alike)}"] if alike else []
    return (
        f"Limits: {'; '.join(parts)}. Tested on the same {counted(first[0].images, 'image')} with"
        " one-sided 95 % bounds, from low to high sparsity until the first failure. The 5 % hold only for limits that"
        " were fixed before."
    )


def failure_text(check: Check) -> str:
    """Return one measure that fails, with its numbers."""
    found = check.found
    if found.value is None or found.low is None:
        return f"{_place(check)}: undefined (n = {found.n} of {counted(check.images, 'image')})."
    paired = _is_paired(check)
    number, bound, limit = (_signed(check.measure, each) if paired else score(each) for each in _three(check))
    unsure = " The mean is within the limit; more images could tell." if found.value > check.limit else ""
    return f"{_place(check)}: {number} (bound {bound}, limit {limit}, n = {found.n}).{unsure}"


def _place(check: Check) -> str:
    return f"{at_start(_name(check.measure))} at {percent(check.sparsity)}"


def _three(check: Check) -> tuple[float, float, float]:
    assert check.found.value is not None
    assert check.found.low is not None
    return check.found.value, check.found.low, check.limit


def details(found: SweetSpot, limits: Limits) -> list[str]:
    """Return the numbers behind a sweet spot, in sentences: what fails next, whether a measure is
    anywhere better than the reference's, and the limits.
    """
    failed = [check for check in found.checks if check.sparsity == found.fails_at and not check.passes]
    return [
        *map(failure_text, failed),
        *(gain_text(gain) + _beyond(gain, found) for gain in found.gains),
        limits_text(found, limits),
    ]


def _beyond(gain: Gain, found: SweetSpot) -> str:
    """Return what is worse where a gain is clear; "" if nothing is."""
    if not gain.is_clear:
        return ""
    worse = [check for check in found.checks if check.sparsity == gain.sparsity and _is_surely_worse(check)]
    if not worse:
        return ""
    named = [f"{_name(check.measure)} {_change(check)}" for check in worse]
    return f" But there {_and(named)}: a higher value alone is no better explanation."


def _is_surely_worse(check: Check) -> bool:
    return check.found.high is not None and check.found.high < check.limit


def _change(check: Check) -> str:
    value = check.found.value or 0.0
    if is_similarity(check.measure):
        return f"is {score(value)}"
    return f"is lower by {_signed(check.measure, abs(value)).lstrip('+')}"


def gain_text(gain: Gain) -> str:
    """Return whether a measure is anywhere better than the reference's."""
    found, name = gain.found, _name(gain.measure)
    if found.value is None or found.low is None or found.high is None:
        return f"For {name}, a gain is undefined."
    interval = (
        f"{_signed(gain.measure, found.value)} at {percent(gain.sparsity)} (95 % interval"
        f" {_signed(gain.measure, found.low)} to {_signed(gain.measure, found.high)}, corrected for"
        f" {gain.sparsities} sparsities, n = {found.n})"
    )
    verdict = "is higher than without pruning" if gain.is_clear else "is nowhere clearly higher; at best"
    return f"{at_start(name)} {verdict}{':' if gain.is_clear else ''} {interval}."


def _is_paired(check: Check) -> bool:
    return not is_similarity(check.measure)


def _name(measure: str) -> str:
    title = COLUMNS[measure].title
    return "accuracy" if measure == "right" else title


def _amount(measure: str, value: float) -> str:
    return f"{100 * value:.3g} points" if measure in SHARES else f"{value:.3g}"


def _signed(measure: str, value: float) -> str:
    text = f"{100 * value:+.1f} points" if measure in SHARES else f"{value:+.3f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
