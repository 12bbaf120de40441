"""How simulated participants answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.base.errors import BadSpec
from core.specs.shares import exact_share, not_negative

Floats = NDArray[np.float64]
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
