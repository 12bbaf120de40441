"""What a decision among candidates says: a table, sentences and the command that exports a network,
for pages, reports and terminals.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas

from core.base.numbers import UNDEFINED, counted, percent, score, size
from core.figures.names import at_start
from core.figures.wording import Name
from core.results import Latency
from core.specs import PruningSpec, VariantSpec, n_of_m
from core.stats.bootstrap import Interval
from core.sweeps.breaks import Share
from core.sweeps.candidates import BATCH, Candidates
from core.sweeps.decision import ACCURACY, BROKEN, CHANGED, TIMES, Alike, Check, Judged, Recommendation, Verdict
from core.sweeps.floor import Floor

COST_TITLES = {
    "latency": "time of one image",
    "latency-16": f"time of {BATCH} images",
    "size": "file size",
    "size-kept": "compressed file size",
    "multiply-adds": "number of multiply-adds",
    "multiply-adds-left": "number of multiply-adds without zeros",
}
VERDICTS = {
    Verdict.WITHIN: "within the limits",
    Verdict.UNDECIDED: "undecided",
    Verdict.BEYOND: "beyond a limit",
}
LIMITED = {ACCURACY: "accuracy", CHANGED: "changed answers", BROKEN: "broken explanations"}
KEPT = ("size-kept", "multiply-adds-left")  # costs that count no zeros
FIGURES = 2  # that a number of images keeps which is only an estimate


def decision_frame(measured: Candidates, found: Recommendation) -> pandas.DataFrame:
    """Return the table as numbers: a row a network, the reference first."""
    rows = []
    for each in found.networks:
        network, cost = each.network, each.network.cost
        row: dict[str, Any] = {
            "network": network.name,
            "key": network.variant.key,
            "role": "candidate" if each.checks else "reference",
            "verdict": each.verdict.value if each.checks else "",
            "recommended": each is found.best and found.saves,
            "on_front": each.on_front,
            "images": found.n,
        }
        row |= _share_columns("accuracy", each.accuracy)
        if each.checks:
            row |= _share_columns("changed", each.changed) | _share_columns("broken", each.broken)
            row |= _interval_columns("similarity", each.similarity)
            row |= {"noise_floor": None if measured.floor is None else measured.floor.mean}
        for check in each.checks:
            name = f"{check.measure}_difference" if check.measure == ACCURACY else check.measure
            row |= {f"{name}_found": check.value, f"{name}_bound_low": check.low, f"{name}_bound_high": check.high}
            row |= {f"{name}_limit": check.limit, "confidence": check.confidence}
        row |= {"images_needed": each.needed}
        row |= {"file_bytes": cost.file_bytes, "kept_bytes": cost.kept_bytes, "channels_removed": cost.is_smaller}
        row |= {"multiply_adds": cost.multiply_adds, "multiply_adds_left": cost.multiply_adds_left}
        row |= _time_columns("time", cost.time) | _time_columns(f"time_of_{BATCH}", cost.time_of_batch)
        rows.append(row | {"device": cost.time.device})
    order = dict.fromkeys(name for row in reversed(rows) for name in row)  # candidates have more columns
    return pandas.DataFrame(rows, columns=list(order)).astype({"images_needed": "Int64"})


def _share_columns(name: str, share: Share | None) -> dict[str, Any]:
    if share is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_n": 0}
    values = (share.count / share.n, share.low, share.high, share.n)
    return dict(zip((name, f"{name}_low", f"{name}_high", f"{name}_n"), values, strict=True))


def _interval_columns(name: str, found: Interval) -> dict[str, Any]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high, f"{name}_n": found.n}


def _time_columns(name: str, taken: Latency) -> dict[str, Any]:
    values = {"ms": taken.median_ms, "ms_low": taken.low_ms, "ms_high": taken.high_ms, "ms_p95": taken.p95_ms}
    return {f"{name}_{part}": value for part, value in (values | {"passes": taken.n}).items()}


def decision_cells(found: Recommendation) -> dict[str, list[str]]:
    """Return the table for reading, by title of the column."""
    table: dict[str, list[str]] = {}
    for each in found.networks:
        for title, cell in _cells(each, found):
            table.setdefault(title, []).append(cell)
    return table


def _cells(each: Judged, found: Recommendation) -> Iterator[tuple[str, str]]:
    is_reference, cost = not each.checks, each.network.cost
    yield "Network", each.network.name + (" (reference)" if is_reference else "")
    best = "recommended" if found.saves else "cheapest within the limits"
    yield "Verdict", "" if is_reference else best if each is found.best else VERDICTS[each.verdict]
    if found.labelled:
        yield "Accuracy", _share(each.accuracy)
    yield "Changed answers", "" if is_reference else _count(each.changed)
    yield "Broken explanations", "" if is_reference else _count(each.broken)
    yield "Similarity", "" if is_reference else f"{score(each.similarity.value)} (n = {each.similarity.n})"
    yield "Time of 1", _time(cost.time)
    yield f"Time of {BATCH}", _time(cost.time_of_batch)
    yield "File size", size(cost.file_bytes) + (", smaller" if cost.is_smaller else "")
    yield "Compressed", size(cost.kept_bytes)
    yield "Multiply-adds", f"{cost.multiply_adds:,}"
    yield "Without zeros", f"{cost.multiply_adds_left:,}"


def _share(share: Share | None) -> str:
    return UNDEFINED if share is None else f"{percent(share.count / share.n)} ({_range(share)})"


def _range(share: Share) -> str:
    return f"{100 * share.low:.1f} to {100 * share.high:.1f}"


def _count(share: Share | None) -> str:
    return UNDEFINED if share is None else f"{share.count:,} of {share.n:,}"


def _time(taken: Latency) -> str:
    return f"{taken.median_ms:.3g} ms ({taken.low_ms:.3g} to {taken.high_ms:.3g})"


def cost_text(name: str, value: float) -> str:
    """Return a cost with its unit. name: a key of COSTS."""
    if name in TIMES:
        return f"{value:.3g} ms"
    return size(int(value)) if name.startswith("size") else f"{value:,.0f}"


def renamed(measured: Candidates, name: Name) -> Candidates:
    """Return the same with other names of networks, such as escaped ones."""
    networks = [replace(each, name=name(each.name)) for each in measured.networks]
    return replace(measured, reference=networks[0], candidates=tuple(networks[1:]))


def decision_sentences(measured: Candidates, found: Recommendation) -> tuple[str, ...]:
    """Return the recommendation with its uncertainty, in Markdown: the finding first, then what it
    rests on. Names of networks are not escaped: where anybody may have named one, escape them in
    `measured` first.
    """
    return tuple(filter(None, (headline(found), *findings(found), *method(measured, found))))


def headline(found: Recommendation) -> str:
    """Return what to ship."""
    if found.best is None:
        return (
            f"**No candidate is surely within the limits** on {counted(found.n, 'image')}: the reference stays"
            f" ({found.reference.network.name})."
        )
    best, title = found.best, COST_TITLES[found.cost]
    own, theirs = cost_text(found.cost, best.cost), cost_text(found.cost, found.reference.cost)
    if not found.saves:
        surely = " surely" if found.cost in TIMES else ""
        return (
            f"**No candidate within the limits{surely} has a smaller {title} than the reference** ({theirs}); the least"
            f" has {best.network.name} ({own})."
        )
    beside = f"{percent(best.cost / found.reference.cost)} of the reference's {theirs}" if found.reference.cost else ""
    least = "" if len(found.of(Verdict.WITHIN)) == 1 else "the least of those within the limits, "
    return f"**Ship {best.network.name}**: its {title} is {own}, {least}{beside or 'as the reference has'}."


def findings(found: Recommendation) -> Iterator[str]:
    """Yield what is sure of each candidate, and what is not."""
    best = found.best
    if best is not None:
        start = "" if found.saves else f"{best.network.name}: "
        yield f"{at_start(start + '; '.join(map(_check_text, best.checks)))}. n = {counted(found.n, 'image')}."
        if not found.saves and found.cost not in KEPT:
            yield "Zeros in place save neither time nor operations; only channels that can be removed do."
    for each in found.candidates:
        if each.network.collapsed:
            yield (
                f"**{each.network.name}** is never recommended: no path of weights leads from its input to its"
                " output, so it answers alike for every image."
            )
    undecided = [each for each in found.of(Verdict.UNDECIDED) if best is None or each.cost < best.cost]
    for each in sorted(undecided, key=lambda one: one.cost):
        yield _undecided_text(each, found)
    yield from map(_beyond_text, found.of(Verdict.BEYOND))
    if best is not None and found.alike:
        others = _and([_alike_text(alike) for alike in found.alike])
        yield (
            f"With {counted(found.alike[0].n, 'image')}, {best.network.name} cannot be told apart in {_goodness(found)}"
            f" from {others}."
        )
    yield _times_alike(found)


def _undecided_text(each: Judged, found: Recommendation) -> str:
    """Return why a candidate is neither within the limits nor beyond one."""
    cost = cost_text(found.cost, each.cost)
    cheaper = "" if found.best is None else f" has a smaller {COST_TITLES[found.cost]} ({cost}), but"
    open_ones = [check for check in each.checks if check.verdict is Verdict.UNDECIDED]
    numbers = "; ".join(map(_check_text, open_ones))
    start = (
        f"**{each.network.name}**{cheaper} cannot be told from the limit with {counted(found.n, 'image')}: {numbers}"
    )
    if beyond := [LIMITED[check.measure] for check in open_ones if _is_found_beyond(check)]:
        return f"{start}. What was found of {_and(beyond)} is beyond the limit, but not surely."
    apart = _told_apart(each.needed, "ten million images would not do")
    return f"{start}. {at_start(apart)}."


def _alike_text(alike: Alike) -> str:
    """Return a network that cannot be told apart from the recommended one, within a sentence."""
    interval = f"95 % interval {_points(alike.low)} to {_points(alike.high)}"
    if not alike.difference:
        return f"{alike.other.network.name} (no difference, {interval})"
    apart = _told_apart(alike.needed, "ten million images would not do")
    return f"{alike.other.network.name} (difference {_points(alike.difference)} points, {interval}; {apart})"


def _told_apart(needed: int | None, never: str) -> str:
    return never if needed is None else f"about {about(needed)} would do if these shares hold"


def _is_found_beyond(check: Check) -> bool:
    return (-check.value if check.measure == ACCURACY else check.value) > check.limit and check.needed is None


def about(images: int) -> str:
    """Return a number of images, rounded up to two figures: "270", "1,300"."""
    step = 10 ** max(0, math.floor(math.log10(images)) + 1 - FIGURES)
    return f"{math.ceil(images / step) * step:,}"


def _beyond_text(each: Judged) -> str:
    checks = [check for check in each.checks if check.verdict is Verdict.BEYOND]
    return f"**{each.network.name}** is surely beyond a limit: {'; '.join(map(_check_text, checks))}."


def _check_text(check: Check) -> str:
    """Return a number with its bound and limit, within a sentence."""
    limit = f"limit {100 * check.limit:.3g}"
    is_beyond = check.verdict is Verdict.BEYOND
    if check.measure == ACCURACY:
        if check.low >= 0:
            bound = f"at least {_points(check.low)} higher"
        else:
            bound = f"at least {_points(-check.high)} lower" if is_beyond else f"at most {_points(-check.low)} lower"
        way = f"{_points(abs(check.value))} points {'lower' if check.value < 0 else 'higher'}"
        return f"its accuracy is {way if check.value else 'the same'} ({bound}, {limit} points)"
    bound = f"at least {100 * check.low:.1f} %" if is_beyond else f"at most {100 * check.high:.1f} %"
    what = "of its answers change" if check.measure == CHANGED else "of the explanations break"
    return f"{percent(check.value)} {what} ({bound}, {limit} %)"


def _goodness(found: Recommendation) -> str:
    return "accuracy" if found.labelled else "unchanged answers"


def _times_alike(found: Recommendation) -> str:
    """Return which networks within the limits may be as fast as the recommended one; "" if none, or
    if time was not the cost.
    """
    if found.best is None or found.cost not in TIMES:
        return ""
    time = TIMES[found.cost]
    slowest = time(found.best.network.cost).high_ms
    names = [
        "the reference" if each is found.reference else each.network.name
        for each in (found.reference, *found.of(Verdict.WITHIN))
        if each is not found.best and time(each.network.cost).low_ms <= slowest
    ]
    if not names:
        return ""
    return f"In time, {found.best.network.name} cannot be told from {_and(names)}: their 95 % intervals overlap."


def method(measured: Candidates, found: Recommendation) -> Iterator[str]:
    """Yield what the decision rests on."""
    if not found.labelled:
        yield (
            "No image has a label that the reference knows, so there is **no accuracy**. The decision is on changed"
            " answers instead: an accuracy falls by no more than the share of answers that change."
        )
    k = len(found.candidates)
    corrected = f", corrected for {k} candidates (Holm)" if k > 1 else ""
    yield (
        f"Limits are tested on the same {counted(found.n, 'image')} with one-sided 95 % bounds{corrected}: a network"
        " that is truly beyond a limit is recommended with a probability of at most 5 %. This holds only for limits"
        " that were fixed before the results were seen. The intervals in the table are two-sided 95 % ones of each"
        " number alone."
    )
    yield (
        "A number of images would do if it shows the finding with a probability of 80 %, where the true shares are"
        " those found here."
    )
    yield (
        f"An explanation is broken if its heatmap's correlation with the reference's is below"
        f" {score(found.limits.threshold)}, or undefined. {_floor_text(measured.floor)}"
    ).rstrip()
    time = found.reference.network.cost.time
    yield (
        f"Times: medians of {time.n} passes on {time.device} with 95 % intervals, all networks in turn, each as it is"
        " exported: without emptied channels where these can be removed (then its file is smaller), else with its"
        " zeros in place, which save no time. A compressed file holds the kept values and a mask with one bit a weight,"
        " as Sparsight keeps pruned networks."
    )


def remarks(measured: Candidates) -> tuple[str, ...]:
    """Return remarks on the images and networks, in sentences that are not Markdown."""
    return tuple(dict.fromkeys(note for each in measured.networks for note in each.notes))


def _floor_text(floor: Floor | None) -> str:
    if floor is None:
        return ""
    seeds = _and([str(seed) for seed in floor.seeds])
    return (
        f"Noise floor of the similarity: dense networks of seeds {seeds} agree by {score(floor.mean)} (95 % interval"
        f" {score(floor.low)} to {score(floor.high)}, n = {counted(floor.n, 'image')})."
    )


def export_command(variant: VariantSpec, is_smaller: bool) -> str:
    """Return the command that exports a network; "" for a pruning that no command states."""
    model, pruning = variant.model, variant.pruning
    if pruning.overrides or pruning.seed:
        return ""
    words = ["--model", model.name, "--weights", model.weights, "--seed", str(model.seed)]
    if pruning.is_trained:
        words += ["--level", str(pruning.level)]
    elif pruning.is_one_shot:
        words += [] if n_of_m(pruning.granularity) else ["--sparsity", f"{pruning.sparsity:g}"]
        usual = PruningSpec()
        for name in ("granularity", "scope", "criterion", "repair"):
            if (value := getattr(pruning, name)) != getattr(usual, name):
                words += [f"--{name}", value]
        words += ["--exclude", *pruning.excluded] if pruning.excluded else []
    words += ["--smaller"] if is_smaller else []
    return " ".join(["python -m core export", *map(shlex.quote, words), "--out network.zip"])


def _points(share: float) -> str:
    return f"{100 * share + 0.0:.1f}".replace("-", "\N{MINUS SIGN}")


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
