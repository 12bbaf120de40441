"""How simulated participants answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas
from numpy.typing import NDArray

from core.base.errors import BadSpec
from core.specs.shares import exact_share, not_negative
from core.study.design import CATCH
from core.study.place import EQUAL, UNKNOWN
from core.study.spec import PAIRS

Floats = NDArray[np.float64]
CARELESS_MS, CARELESS_SD_MS, LEAST_MS = 350.0, 80.0, 120.0
POINTS = 40  # of the quadrature over participants and items
STEEPEST = 40.0  # log odds of what always happens


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What simulated participants prefer and know, and how they work.

    preference: share that prefers the more pruned variant among decided answers, over all
    participants and items. preferences: (less, more, share) of single pairs.
    ties: share of answers for neither. right: share of objects that are named correctly; rights:
    (variant, share). unknown: share of "I don't know" among the other answers.
    person_sd, item_sd: standard deviation of participants, and of items, on the logit scale; each
    share above is the mean over them.
    catch_right: share of catch trials that careful participants answer correctly.
    mu_ms, sigma_ms, tau_ms: reaction times of careful participants, ex-Gaussian: a normal time plus
    an exponential one of mean tau.
    careless: share of participants who answer at random and fast. dropout: share of participants
    who stop at a random trial. Their answers stay, and somebody else takes their slot.
    """

    preference: float = 0.5
    preferences: tuple[tuple[str, str, float], ...] = ()
    ties: float = 0.25
    right: float = 0.85
    rights: tuple[tuple[str, float], ...] = ()
    unknown: float = 0.65
    person_sd: float = 0.5
    item_sd: float = 0.5
    catch_right: float = 0.97
    mu_ms: float = 1200
    sigma_ms: float = 250
    tau_ms: float = 900
    careless: float = 0.05
    dropout: float = 0.05

    def __post_init__(self) -> None:
        for name in ("preference", "ties", "right", "unknown", "catch_right", "careless", "dropout"):
            exact_share(getattr(self, name), f"share '{name}'")
        for share in [row[-1] for row in self.preferences] + [row[-1] for row in self.rights]:
            exact_share(share, "share of a pair or variant")
        for name in ("person_sd", "item_sd", "mu_ms", "sigma_ms", "tau_ms"):
            not_negative(getattr(self, name), name)
        if max(self.person_sd, self.item_sd) > 10:
            raise BadSpec("Participants or items vary too much.", "Their deviation is at most 10.", "0.5 is usual.")

    def preference_of(self, less: str, more: str) -> float:
        return next((share for one, other, share in self.preferences if (one, other) == (less, more)), self.preference)

    def right_of(self, variant: str) -> float:
        return next((share for name, share in self.rights if name == variant), self.right)

    @property
    def sd(self) -> float:
        """Return the standard deviation of participant and item together."""
        return float(np.hypot(self.person_sd, self.item_sd))


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """What was drawn for n trials: effects (n, 2) on the logit scale, towards the more pruned
    variant or the right name, and towards "equal"; and the generator of everything else.
    """

    effects: Floats
    random: np.random.Generator


def careful_answers(rows: pandas.DataFrame, labels: NDArray, behaviour: Behaviour, drawn: Drawn) -> NDArray:
    """Return what careful participants press.

    Args:
        rows: trials with their items, (n,). labels: sorted classes that an object can be named as.
    """
    effects, random = drawn.effects, drawn.random
    pair = rows["task"].isin(PAIRS).to_numpy()
    catch = (rows["kind"] == CATCH).to_numpy()
    centres = np.array([centre(share, behaviour.sd) for share in _shares(rows, behaviour)])
    chosen = random.random(len(rows)) < sigmoid(centres + effects[:, 0])
    tied = random.random(len(rows)) < sigmoid(centre(behaviour.ties, behaviour.sd) + effects[:, 1])
    attentive = random.random(len(rows)) < behaviour.catch_right
    # a catch trial shows the less pruned variant's picture and its reverse: the first is right
    chosen, tied = np.where(catch, attentive ^ pair, chosen), tied & ~catch
    more_left = (rows["left"] == "more").to_numpy()
    side = np.where(tied, EQUAL, np.where(chosen == more_left, "left", "right"))
    unsure = random.random(len(rows)) < behaviour.unknown
    label = rows["label"].astype(str).to_numpy(dtype=object)
    named = np.where(chosen, label, np.where(unsure, UNKNOWN, _wrong_names(rows, labels, random)))
    return np.where(pair, side, named).astype(object)


def _shares(rows: pandas.DataFrame, behaviour: Behaviour) -> Iterator[float]:
    for task, less, more in zip(rows["task"], rows["less"], rows["more"], strict=True):
        yield behaviour.preference_of(less, more) if task in PAIRS else behaviour.right_of(less)


def random_answers(rows: pandas.DataFrame, labels: NDArray, random: np.random.Generator) -> NDArray:
    """Return what careless participants press: anything."""
    every = np.array([*labels.astype(str), UNKNOWN], dtype=object)
    names = every[random.integers(0, len(every), len(rows))]
    sides = np.array(["left", "right", EQUAL], dtype=object)[random.integers(0, 3, len(rows))]
    return np.where(rows["task"].isin(PAIRS).to_numpy(), sides, names)


def _wrong_names(rows: pandas.DataFrame, labels: NDArray, random: np.random.Generator) -> NDArray:
    """Return a class other than each row's own; "unknown" if there is no other."""
    if len(labels) < 2:
        return np.full(len(rows), UNKNOWN, dtype=object)
    own = np.searchsorted(labels, rows["label"].to_numpy())
    other = (own + random.integers(1, len(labels), len(rows))) % len(labels)
    return labels[other].astype(str).astype(object)


def reaction_ms(careless: NDArray, behaviour: Behaviour, random: np.random.Generator) -> Floats:
    """Return the reaction times of careless and careful participants, (n,)."""
    n = len(careless)
    careful = random.normal(behaviour.mu_ms, behaviour.sigma_ms, n) + random.exponential(behaviour.tau_ms, n)
    return np.maximum(np.where(careless, random.normal(CARELESS_MS, CARELESS_SD_MS, n), careful), LEAST_MS)


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -STEEPEST, STEEPEST)))


@lru_cache(maxsize=1000)
def centre(share: float, sd: float) -> float:
    """Return the log odds whose share, with normal deviations of this size, is `share` on
    average.
    """
    from scipy.optimize import brentq

    if share in (0, 1):
        return STEEPEST * (2 * share - 1)
    z, weights = _normal()
    return float(
        brentq(lambda at: float(weights @ sigmoid(at + sd * z)) - share, -STEEPEST - 9 * sd, STEEPEST + 9 * sd)
    )


def average_person(log_odds: Floats, person_sd: float) -> Floats:
    """Return the share over all participants, at the log odds of the average one."""
    z, weights = _normal()
    return sigmoid(log_odds[..., None] + person_sd * z) @ weights


def intraclass(share: float, behaviour: Behaviour) -> float:
    """Return the correlation of two answers of one participant about different items."""
    if share in (0, 1):
        return 0.0
    z, weights = _normal()
    at = centre(share, behaviour.sd)
    of_person = sigmoid(at + behaviour.person_sd * z[:, None] + behaviour.item_sd * z) @ weights
    return float((weights @ of_person**2 - share**2) / (share * (1 - share)))


def _normal() -> tuple[Floats, Floats]:
    """Return points and weights of the mean over a standard normal."""
    z, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    return z, weights / weights.sum()
