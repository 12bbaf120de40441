"""Sentences on the images that pruned networks forget, for pages and terminals."""

from __future__ import annotations

from collections.abc import Callable

from core.base.numbers import UNDEFINED, counted, percent, score
from core.evaluation.columns import COLUMNS
from core.stats.welch import Difference
from core.sweeps.forgotten import ClassChange, Forgotten

FEW = 5  # images of a group, below which two groups are not compared
LEVEL = 0.05
HEAD = ("class", "images", "forgotten", "recall, dense", "recall, pruned", "beside all classes", "95 % interval", "p")


def forgotten_text(found: Forgotten) -> str:
    """Return how many images are forgotten, in Markdown."""
    share, few = found.share, found.dense == found.pruned == 1
    verb = "answers" if found.pruned == 1 else "answer"
    text = (
        f"At **{_between(found.sparsities)} sparsity**, {_networks(found.pruned, 'pruned')} {verb}"
        f" **{share.count:,} of {counted(share.n, 'image')}** ({percent(share.count / share.n)}, 95 % interval"
        f" {percent(share.low)} to {percent(share.high)}) otherwise than {_networks(found.dense, 'dense')}"
    )
    return f"{text}." if few else f"{text}: no most frequent answer is the same."


def limits_of(found: Forgotten) -> str:
    """Return what these networks cannot tell; "" if nothing is missing."""
    parts = []
    if min(found.dense, found.pruned) == 1:
        parts.append(
            "With one network on a side, nothing can be said about other seeds: neither whether they forget the same"
            " images, nor whether a class suffers more than by chance."
        )
    if found.ties:
        parts.append(
            f"For {counted(found.ties, 'image')}, several answers are equally frequent on a side; all of them count as"
            " most frequent."
        )
    return " ".join(parts)


def hard_text(found: Forgotten) -> str:
    """Return whether forgotten images are the hard ones, in Markdown."""
    said = [
        _compared(
            found.accuracy,
            ("Forgotten images are harder", "Forgotten images are easier", "forgotten images are harder"),
            lambda value: f"the dense networks' accuracy is {percent(value)}",
            lambda value: f"{100 * value:.1f}",
            " points",
        ),
        _compared(
            found.confidence,
            (
                "Dense networks are less sure of them",
                "Dense networks are surer of them",
                "dense networks are less sure of them",
            ),
            lambda value: f"mean confidence is {score(value)}",
            score,
        ),
    ]
    return " ".join(filter(None, said))


def similar_text(found: Forgotten) -> str:
    """Return whether the heatmaps of forgotten images change more, in Markdown; "" without
    similarities.
    """
    if not found.measure:
        return ""
    title = COLUMNS[found.measure].title
    return _compared(
        found.similarity,
        ("Their heatmaps change more", "Their heatmaps change less", "their heatmaps change more"),
        lambda value: f"{title} with the dense network's heatmap is {score(value)}",
        score,
    )


def _compared(
    found: Difference,
    words: tuple[str, str, str],
    mean: Callable[[float], str],
    amount: Callable[[float], str],
    unit: str = "",
) -> str:
    """Return one comparison of forgotten images with the others. words: lower, higher, unclear."""
    if found.first is None and found.second is None:
        return ""
    if found.value is None or found.first is None or found.second is None or min(found.n_first, found.n_second) < FEW:
        return (
            f"Whether {words[2]}, {found.n_first:,} forgotten images and {found.n_second:,} others cannot tell: at"
            f" least {FEW} of each are needed."
        )
    means = (
        f"{mean(found.first)} for forgotten images (n = {found.n_first:,}) and {_number(mean(found.second))} for the"
    )
    means += f" others (n = {found.n_second:,})"
    if found.low is None or found.high is None:
        return f"{means[0].upper()}{means[1:]}."
    bounds = f"difference {amount(found.value)}{unit}, 95 % interval {amount(found.low)} to {amount(found.high)}"
    bounds = bounds.replace("-", "\N{MINUS SIGN}")
    if found.low <= 0 <= found.high:
        return f"Whether {words[2]} is not clear: {means}; {bounds}."
    return f"**{words[0] if found.value < 0 else words[1]}**: {means}; {bounds}."


def _number(text: str) -> str:
    """Return the number at the end of a text, with its unit."""
    words = text.split()
    return " ".join(words[-2:]) if words[-1] == "%" else words[-1]


def classes_text(found: Forgotten, name: Callable[[int], str] = str) -> str:
    """Return which classes change otherwise than the network as a whole."""
    if not found.classes:
        return "The classes of the images are not known: add the measure 'label' to the sweep."
    tested = [each for each in found.classes if each.p_adjusted is not None]
    if not tested:
        return (
            f"Whether a class suffers more than others cannot be tested with {_networks(found.dense, 'dense')} and"
            f" {_networks(found.pruned, 'pruned')}: at least two of each are needed, and their recall must vary."
        )
    clear = [each for each in tested if (each.p_adjusted or 0) < LEVEL]
    names = ", ".join(f"{name(each.label)} ({_points(each.relative.value)})" for each in clear)
    verdict = f"{len(clear)} change otherwise than the networks as a whole: {names}" if clear else "none stands out"
    return (
        f"Of {len(found.classes):,} classes, {verdict}. Tested: recall less the"
        f" accuracy over all classes, Welch's t test over networks, adjusted for {len(tested)} tests (Holm)."
    )


def class_rows(found: Forgotten, name: Callable[[int], str] = str) -> list[list[str]]:
    """Return a row of texts for every class, below HEAD."""
    return [_row(each, name(each.label)) for each in found.classes]


def _row(each: ClassChange, name: str) -> list[str]:
    low, high = each.relative.low, each.relative.high
    return [
        *(name, f"{each.n:,}", f"{each.forgotten:,}", percent(each.dense), percent(each.pruned)),
        _points(each.relative.value),
        UNDEFINED if low is None or high is None else f"{_points(low).removesuffix(' points')} to {_points(high)}",
        UNDEFINED if each.p_adjusted is None else f"{each.p_adjusted:.3f}",
    ]


def _points(value: float | None) -> str:
    return UNDEFINED if value is None else f"{100 * value:+.1f} points".replace("-", "\N{MINUS SIGN}")


def _networks(count: int, kind: str) -> str:
    return f"the {kind} network" if count == 1 else f"{count} {kind} networks"


def _between(sparsities: tuple[float, float]) -> str:
    low, high = map(percent, sparsities)
    return low if low == high else f"{low} to {high}"
