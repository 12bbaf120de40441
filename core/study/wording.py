"""Sentences about the results of a study, for pages, the command line and notebooks.

Each result has one plain sentence, which says what cannot be told from chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.base.numbers import change, counted, duration, interval, percent, score
from core.stats.bradley_terry import Strengths
from core.stats.raters import Agreement
from core.study.analysis import Analysis, Effect, TaskResult
from core.study.naming import BesideNetwork, Comparison, NamedVariant, NamingResult
from core.study.prediction import MeasureResult
from core.study.strengths import TaskStrengths
from core.study.times import Times
from core.study.votes import PairResult

Name = Callable[[str], str]  # formats a variant's name: escaped if it is shown as Markdown
LEVEL = 0.05
FEWEST = 6  # decided answers: 6 of 6 has p = .03 by the sign test, 5 of 5 has .06


def headline(found: Analysis, name: Name = str) -> str:
    """Return the one thing that matters now: the clearest preference, or that there is none yet."""
    if not found.n:
        return "Nobody has answered yet."
    pairs = [pair for task in found.tasks for pair in task.pairs]
    clear = [pair for pair in pairs if pair.is_clear]
    if clear:
        return pair_sentence(max(clear, key=_clearness), name)
    if len(pairs) == 1:
        return pair_sentence(pairs[0], name)
    if pairs:
        return f"None of {len(pairs)} preferences can be told from chance, after {counted(found.n, 'answer')}."
    naming = next((task.naming for task in found.tasks if task.naming), None)
    return naming_sentence(naming, name) if naming else f"There are {counted(found.n, 'answer')}."


def _clearness(pair: PairResult) -> float:
    return 0.0 if pair.votes.share is None else abs(pair.votes.share - 0.5)


def task_sentences(task: TaskResult, name: Name = str) -> tuple[str, ...]:
    """Return a sentence for everything that is known about one kind of question."""
    found = [pair_sentence(pair, name) for pair in task.pairs]
    if task.naming:
        found.append(naming_sentence(task.naming, name))
        found += [comparison_sentence(each, name) for each in task.naming.comparisons]
    found += [strengths_sentence(task.strengths, name)] if task.strengths else []
    found += [agreement_sentence(task.agreement)] if task.agreement else []
    found += [times_sentence(task.times)] if task.times else []
    return tuple(found)


def pair_sentence(pair: PairResult, name: Name = str) -> str:
    """Say which of two variants people prefer, or that it cannot be told."""
    votes, less, more = pair.votes, name(pair.less), name(pair.more)
    compared = f"'{more}' or '{less}'"
    if votes.share is None:
        ties = f": all {counted(votes.equal, 'answer')} see no difference" if votes.equal > 1 else ""
        return f"Nobody preferred {compared} yet{ties}."
    low, high, how = pair.interval
    ties = f"; {votes.equal:,} of {votes.n:,} answers see no difference" if votes.equal else ""
    if pair.is_clear:
        first, share = (more, votes.share) if votes.share > 0.5 else (less, 1 - votes.share)
        bounds = (low, high) if votes.share > 0.5 else (1 - high, 1 - low)
        second = less if first == more else more
        return (
            f"{percent(share)} of {counted(votes.decided, 'decided answer')} prefer '{first}' to '{second}' "
            f"({interval(*bounds)}, {how}){ties}."
        )
    return (
        f"Whether people prefer {compared} cannot be told from chance: {percent(votes.share)} of "
        f"{counted(votes.decided, 'decided answer')} prefer '{more}' ({interval(low, high)}, {how}){ties}. "
        f"{small_sentence(votes.decided)}"
    )


def small_sentence(decided: int) -> str:
    """Say which preference so many decided answers can show, even if all were independent."""
    from core.stats.preference import smallest_share

    share = smallest_share(decided)
    answers = counted(decided, "decided answer")
    if share is None or decided < FEWEST:
        return f"With {answers}, no preference can be told from chance."
    return f"With {answers} a preference under {100 * share:.0f} % cannot be told from chance."


def naming_sentence(found: NamingResult, name: Name = str) -> str:
    """Say how many objects were named correctly, by variant."""
    parts = [
        f"{percent(each.share)} from '{name(each.variant)}' ({each.right:,} of {each.n:,}, {interval(*each.interval)}, "
        f"{each.unknown:,} do not know)"
        for each in found.variants
    ]
    return f"People name the object correctly in {_joined(parts)}."


def comparison_sentence(found: Comparison, name: Name = str) -> str:
    """Say whether the objects of one variant are recognised more often than those of another."""
    first, second, test = name(found.first), name(found.second), found.difference
    if test.p is None:
        return f"'{second}' and '{first}' are recognised equally often: all answers are the same."
    points = f"{change(100 * test.difference, 1)} points, {p_value(test.p)}, n = {test.n:,}"
    if test.p >= LEVEL:
        return f"Whether '{second}' is recognised more often than '{first}' cannot be told from chance ({points})."
    more = "more" if test.difference > 0 else "less"
    return f"'{second}' is recognised {more} often than '{first}' ({points})."


def agreement_sentence(found: Agreement) -> str:
    """Say how far people agree with each other."""
    if found.alpha is None:
        why = "no item has two answers" if not found.items else "all answers are the same"
        return f"Krippendorff's alpha is undefined: {why}."
    bounds = f", 95 % interval {score(found.low)} to {score(found.high)}" if found.low is not None else ""
    return (
        f"Krippendorff's alpha is {score(found.alpha)} (1: all agree, 0: as by chance{bounds}, "
        f"{counted(found.items, 'item')}, {counted(found.n, 'answer')})."
    )


def strengths_sentence(found: TaskStrengths, name: Name = str) -> str:
    """Say in which order people place the variants."""
    if found.fitted.strengths is None:
        return f"The variants have no common scale of preference. {found.problem}"
    values = _strengths(found.fitted)
    order = sorted(range(len(values)), key=lambda at: -values[at])
    parts = [
        f"'{name(found.names[at])}' ({change(values[at])}"
        + (f", {score(found.intervals[at].low)} to {score(found.intervals[at].high)})" if found.intervals else ")")
        for at in order
    ]
    why = (found.problem or "").rstrip(".")
    how = "95 % intervals over participants" if found.intervals else f"no intervals: {why}"
    return f"From the most to the least preferred: {', '.join(parts)}; log odds around 0 (Davidson's model), {how}."


def times_sentence(found: Times) -> str:
    """Say how long answers and participants took."""
    parts = []
    if found.median_ms is not None and found.low_ms is not None and found.high_ms is not None:
        quartiles = f"half of them {found.low_ms / 1000:.1f} to {found.high_ms / 1000:.1f} s"
        parts.append(f"The median answer takes {found.median_ms / 1000:.1f} s in the browser ({quartiles})")
    if found.server_ms is not None:
        parts.append(f"{found.server_ms / 1000:.1f} s as the server sees it")
    if found.person_s is not None:
        parts.append(f"the median participant takes {duration(found.person_s)} for these questions")
    text = "; ".join(parts)
    return (
        f"{text[:1].upper()}{text[1:]} (n = {counted(found.n, 'answer')} of {counted(found.persons, 'participant')})."
        if parts
        else "No times were measured."
    )


def effect_sentence(found: Effect, name: Name = str) -> str:
    """Say whom rules leave out, and whether that changes a result."""
    without, everyone = found.without, found.everyone
    if not without.left_out:
        return "Nobody is left out."
    head = (
        f"{counted(len(without.left_out), 'participant')} of {everyone.participants:,} and "
        f"{counted(without.left_out_n, 'answer')} of {everyone.n:,} are left out."
    )
    rows = []
    for task in everyone.tasks:
        other = without.task(task.kind)
        after = {(pair.less, pair.more): pair for pair in (other.pairs if other else ())}
        for pair in task.pairs:
            kept = after.get((pair.less, pair.more))
            rows.append(f"'{name(pair.more)}' against '{name(pair.less)}' {_moved(pair, kept)}")
        named = {each.variant: each for each in (other.naming.variants if other and other.naming else ())}
        of_task = task.naming.variants if task.naming else ()
        rows += [f"'{name(each.variant)}' {_shift(each, named.get(each.variant))}" for each in of_task]
    return f"{head} With everyone and without them: {'; '.join(rows)}." if rows else head


def network_sentence(found: BesideNetwork, name: Name = str) -> str:
    """Say how often people and network are right about the same variant, and that their questions
    differ.
    """
    person = found.person
    return (
        f"'{name(person.variant)}': people who see a tenth of an image name {percent(person.share)} correctly "
        f"({person.right:,} of {person.n:,}), the network that sees all of it {percent(found.right / found.n)} "
        f"({found.right:,} of {found.n:,}). People were asked only about images that every variant gets right."
    )


def measure_sentence(found: MeasureResult, name: Name = str) -> str:
    """Say whether a measure predicts the answers about a pair, or about a variant's objects."""
    from core.evaluation.columns import COLUMNS

    rank, odds = found.rank.interval, found.odds
    label = COLUMNS[found.measure].title
    about = f"'{name(found.more)}' against '{name(found.less)}'" if found.more else f"'{name(found.less)}'"
    if rank.value is None:
        return f"{label}, {about}: undefined. {odds.problem or 'Too few images have a value.'}"
    bounds = f"95 % interval {score(rank.low)} to {score(rank.high)}, {counted(rank.n, 'image')}"
    text = f"{label}, {about}: rank correlation {score(rank.value)} ({bounds})"
    if odds.value is None or odds.p is None or found.p_adjusted is None:
        return f"{text}; no odds ratio: {odds.problem}"
    verdict = "predicts the answers" if found.p_adjusted < LEVEL else "does not measurably predict the answers"
    return (
        f"{text}; one standard deviation changes the odds by {odds.value:.2f} ({odds.low:.2f} to {odds.high:.2f}); it "
        f"{verdict} ({p_value(found.p_adjusted)}, adjusted for {found.compared} measures)."
    )


def p_value(p: float | None) -> str:
    """Format a p: "p = .57", "p = .0085", "p < .0001"."""
    if p is None:
        return "p undefined"
    if p < 1e-4:
        return "p < .0001"
    if p > 0.995:
        return "p > .99"
    digits = 2 if p >= 0.0995 else 3 if p >= 0.00995 else 4
    return f"p = {p:.{digits}f}".replace("0.", ".", 1)


def _moved(pair: PairResult, kept: PairResult | None) -> str:
    if pair.votes.share is None:
        return "undefined"
    after = "undefined" if kept is None or kept.votes.share is None else percent(kept.votes.share)
    return f"{percent(pair.votes.share)}, {after}"


def _shift(each: NamedVariant, kept: NamedVariant | None) -> str:
    return f"{percent(each.share)} right, {percent(kept.share) if kept else 'undefined'}"


def _strengths(fitted: Strengths) -> list[float]:
    return [each.value for each in fitted.strengths or ()]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
