"""What people prefer, from definitions: plain loops, searches and sums, None where undefined."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence

Row = Sequence[float]


def chi_square_p(value: float) -> float:
    """One degree of freedom: the square of a normal number exceeds the value."""
    return math.erfc(math.sqrt(value / 2))


def table_chi_square(table: list[list[int]]) -> float | None:
    """Pearson: squared distances from the expected counts, over these; None for an empty column."""
    total = sum(map(sum, table))
    value = 0.0
    for row, column in itertools.product((0, 1), repeat=2):
        expected = sum(table[row]) * (table[0][column] + table[1][column]) / total
        if expected == 0:
            return None
        value += (table[row][column] - expected) ** 2 / expected
    return value


def sign_p(less: int, more: int) -> float | None:
    """Share of all ways of giving n answers that are at least as far from a draw."""
    n = less + more
    if n == 0:
        return None
    ways = sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(more - less))
    return ways / 2**n


def smallest_count(n: int, told_apart: Callable[[int, int], bool]) -> int | None:
    """The smallest majority of n answers that is told from chance."""
    return next((k for k in range(n + 1) if 2 * k > n and told_apart(k, n)), None)


def net(answers: Row) -> float | None:
    return sum(answers) / len(answers) if answers else None


def share(answers: Row) -> float | None:
    given = [answer for answer in answers if answer != 0]
    return sum(answer > 0 for answer in given) / len(given) if given else None


def drawn(
    answers: Row,
    participants: Sequence[int],
    people: Sequence[int],
    images: Sequence[int] | None = None,
    items: Sequence[int] | None = None,
) -> list[float]:
    """The answers of a draw, written out as often as their participant (and image) was drawn."""
    found = []
    for place, answer in enumerate(answers):
        times = people[participants[place]] * (1 if images is None or items is None else images[items[place]])
        found += [answer] * int(times)
    return found


def exchangeable(success: Row, participants: Sequence[int]) -> tuple[float, float, float]:
    """GEE of a share, exchangeable: logit, its error after Mancl and DeRouen, correlation.

    With an intercept only, each of a participant's m answers weighs w = 1 / (1 + (m - 1) rho). The
    share is the weighted mean; a participant's distance from it is divided by 1 - w m / (sum of all
    w m).
    """
    groups = [
        [s for s, p in zip(success, participants, strict=True) if p == name] for name in sorted(set(participants))
    ]
    share, rho = sum(map(sum, groups)) / len(success), 0.0
    for _ in range(500):
        weights = [1 / (1 + (len(group) - 1) * rho) for group in groups]
        total = sum(w * len(group) for w, group in zip(weights, groups, strict=True))
        share = sum(w * sum(group) for w, group in zip(weights, groups, strict=True)) / total
        spread = share * (1 - share)
        scaled = [[(s - share) / math.sqrt(spread) for s in group] for group in groups]
        products = sum(a * b for group in scaled for a, b in itertools.combinations(group, 2))
        pairs = sum(len(group) * (len(group) - 1) / 2 for group in groups)
        scale = sum(a * a for group in scaled for a in group) / (len(success) - 1)
        rho = products / (pairs - 1) / scale
    weights = [1 / (1 + (len(group) - 1) * rho) for group in groups]
    total = sum(w * len(group) for w, group in zip(weights, groups, strict=True))
    parts = [
        w * sum(s - share for s in group) / (1 - w * len(group) / total)
        for w, group in zip(weights, groups, strict=True)
    ]
    error = math.sqrt(sum(part**2 for part in parts)) / total / (share * (1 - share))
    return math.log(share / (1 - share)), error, rho


def alpha(answers: Sequence[object], items: Sequence[object]) -> float | None:
    """Krippendorff: 1 minus observed over expected disagreement, pair by pair."""
    rated = [[a for a, i in zip(answers, items, strict=True) if i == item] for item in sorted(set(items), key=str)]
    rated = [group for group in rated if len(group) > 1]
    every = [answer for group in rated for answer in group]
    if len(set(every)) < 2:
        return None
    observed = sum(sum(a != b for a, b in itertools.permutations(group, 2)) / (len(group) - 1) for group in rated)
    expected = sum(a != b for a, b in itertools.permutations(every, 2)) / (len(every) - 1)
    return 1 - observed / expected


def log_likelihood(strengths: Row, log_tie: float, wins: list[list[int]], ties: list[list[int]]) -> float:
    """Davidson's model, answer by answer."""
    total = 0.0
    for i, j in itertools.combinations(range(len(strengths)), 2):
        first, second = math.exp(strengths[i]), math.exp(strengths[j])
        tie = math.exp(log_tie) * math.sqrt(first * second)
        every = first + second + tie
        for count, weight in ((wins[i][j], first), (wins[j][i], second), (ties[i][j], tie)):
            total += count * math.log(weight / every) if count else 0.0
    return total


def climb(value: Callable[[list[float]], float], at: list[float], least: float = 1e-7) -> list[float]:
    """The top of a hill, by steps along the axes that get shorter."""
    step, best = 1.0, value(at)
    while step > least:
        moved = False
        for axis, side in itertools.product(range(len(at)), (-1, 1)):
            there = [x + side * step * (place == axis) for place, x in enumerate(at)]
            found = value(there)
            if found > best:
                at, best, moved = there, found, True
        step = step if moved else step / 2
    return at


def davidson(wins: list[list[int]], ties: list[list[int]], start: Row) -> tuple[list[float], float]:
    """Strengths with sum 0 and log of the tie parameter: the end of a general search from a
    start.
    """
    from scipy.optimize import minimize

    def loss(at: Row) -> float:
        return -log_likelihood([*at[:-1], -sum(at[:-1])], at[-1], wins, ties)

    top = minimize(loss, list(start), method="BFGS").x
    return [*top[:-1].tolist(), -float(sum(top[:-1]))], float(top[-1])


def grows_somewhere(wins: list[list[int]], ties: list[list[int]]) -> bool:
    """Whether some direction of (strengths, log v) makes an observed outcome of three items more
    probable and none less: every direction of small whole numbers is tried.
    """
    seen = []
    for i, j in itertools.combinations(range(3), 2):
        seen += [(i, j, kind) for kind, count in enumerate((wins[i][j], wins[j][i], ties[i][j])) if count]
    for first, second, tie in itertools.product(range(-4, 5), repeat=3):
        at = (0, first, second)
        gains = []
        for i, j, kind in seen:
            weights = (2 * at[i], 2 * at[j], tie + at[i] + at[j])
            gains += [weights[kind] - weight for weight in weights]
        if gains and min(gains) >= 0 and max(gains) > 0:
            return True
    return False


def davidson_errors(strengths: Row, log_tie: float, wins: list[list[int]], ties: list[list[int]]) -> list[float]:
    """Standard errors of all strengths but the last, and of log v: curvature by differences."""
    import numpy as np

    top, h = [*strengths[:-1], log_tie], 1e-3

    def value(at: list[float]) -> float:
        return log_likelihood([*at[:-1], -sum(at[:-1])], at[-1], wins, ties)

    def moved(i: int, di: float, j: int, dj: float) -> float:
        return value([x + di * (k == i) + dj * (k == j) for k, x in enumerate(top)])

    n = len(top)
    curvature = [
        [
            (moved(i, h, j, h) - moved(i, h, j, -h) - moved(i, -h, j, h) + moved(i, -h, j, -h)) / (4 * h * h)
            for j in range(n)
        ]
        for i in range(n)
    ]
    return [math.sqrt(each) for each in np.linalg.inv(-np.array(curvature)).diagonal()]


def power(n: int, share: float, told_apart: Callable[[int, int], bool]) -> float:
    """Exact probability that n independent answers are told from chance."""
    return math.fsum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1) if told_apart(k, n))


def logistic(x: Row, y: Row, clusters: list[Sequence[int]]) -> tuple[float, list[float]]:
    """Slope of a logistic model, and its variance clustered by each column, then by both."""

    def value(at: list[float]) -> float:
        logits = [at[0] + at[1] * each for each in x]
        return sum(right * logit - math.log1p(math.exp(logit)) for right, logit in zip(y, logits, strict=True))

    cut, slope = climb(value, [0.0, 0.0], 1e-9)
    return slope, clustered_variances(x, y, [1 / (1 + math.exp(-cut - slope * each)) for each in x], clusters)


def logistic_share(y: Row, clusters: list[Sequence[int]]) -> tuple[float, list[float]]:
    """Logit of a share, and its variance clustered by each column, then by both: that of the sums
    of distances, over the spread of the answers.
    """
    n, share = len(y), sum(y) / len(y)
    names: list[list[object]] = [list(column) for column in (*clusters, list(zip(*clusters, strict=True)))]
    found = []
    for column in names:
        sums = [sum(right - share for right, name in zip(y, column, strict=True) if name == one) for one in set(column)]
        size = len(sums) / (len(sums) - 1)
        found.append(size * sum(each**2 for each in sums) / (n * share * (1 - share)) ** 2)
    return math.log(share / (1 - share)), found


def clustered_variances(x: Row, y: Row, shares: Row, clusters: list[Sequence[int]]) -> list[float]:
    """Variances of the slope: a sandwich of the curvature and the sums of the gradients."""
    import numpy as np

    bread = np.zeros((2, 2))
    for each, p in zip(x, shares, strict=True):
        bread += p * (1 - p) * np.outer([1, each], [1, each])
    names: list[list[object]] = [list(column) for column in clusters]
    if len(names) == 2:
        names.append(list(zip(*names, strict=True)))
    found = []
    for column in names:
        sums: dict[object, np.ndarray] = {}
        for each, right, p, name in zip(x, y, shares, column, strict=True):
            sums[name] = sums.get(name, np.zeros(2)) + (right - p) * np.array([1, each])
        meat = sum(np.outer(each, each) for each in sums.values())
        size = len(sums) / (len(sums) - 1) * (len(x) - 1) / (len(x) - 2)
        found.append(float((np.linalg.inv(bread) @ meat @ np.linalg.inv(bread))[1, 1]) * size)
    return found


def item_shares(answers: Row, items: Sequence[int]) -> dict[int, float | None]:
    counts: Counter[tuple[int, float]] = Counter(zip(items, answers, strict=True))
    return {
        item: counts[item, 1] / (counts[item, 1] + counts[item, -1]) if counts[item, 1] + counts[item, -1] else None
        for item in set(items)
    }
