"""How many answers and people does a study need to tell a preference from chance?

Everything is for the two-sided test of 1/2 at the 5 % level among decided answers. Answers of one
person resemble each other, so that m answers a person count as m / (1 + (m - 1) rho) independent
ones, where rho is their intraclass correlation.

Source: sample size of one share, normal approximation: Fleiss, Levin and Paik 2003, Statistical
Methods for Rates and Proportions, chapter 2. Design effect: Kish 1965, Survey Sampling; for shares,
Donner, Birkett and Buck 1981, American Journal of Epidemiology 114: 906-914. Differs from them:
where a person gives several answers, quantiles are those of Student's t with participants - 1
degrees of freedom, as in the intervals of `core/stats/clustered.py`. Normal ones promise 80 % and
keep 70 % with 15 participants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from core.base.errors import BadSpec
from core.specs import exact_share, whole
from core.stats.bootstrap import t_quantile
from core.stats.preference import Z

POWER = 0.8
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class StudyDesign:
    """How people answer.

    answers_a_person: all answers of one person, ties included. correlation: of the answers of one
    person (intraclass), 0 to 1. tie_share: answers for neither, 0 to below 1.
    """

    answers_a_person: int = 1
    correlation: float = 0.0
    tie_share: float = 0.0

    def __post_init__(self) -> None:
        whole(self.answers_a_person, "number of answers a person", least=1)
        exact_share(self.correlation, "correlation")
        if exact_share(self.tie_share, "share of ties") == 1:
            raise BadSpec("Ties alone tell nothing.", "The share of ties must be below 1.", "Choose a smaller share.")

    @property
    def decided_a_person(self) -> float:
        """Expected answers of one person that are not ties."""
        return self.answers_a_person * (1 - self.tie_share)

    @property
    def design_effect(self) -> float:
        """By how much the variance of a share is larger than with independent answers, at least
        1."""
        return 1 + max(self.decided_a_person - 1, 0) * self.correlation


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What a study needs to tell a preference from chance; None where no number is enough (a
    preference of 1/2).

    preference: true share among decided answers. power: probability of p < .05.
    independent: decided answers if they were independent, by the normal approximation.
    participants: with the design effect and Student's t. n: all their answers, ties included.
    decided: how many of them are expected to be decided.
    """

    preference: float
    power: float
    design: StudyDesign
    independent: int | None
    decided: int | None
    participants: int | None
    n: int | None


@dataclass(frozen=True, kw_only=True)
class Detectable:
    """The smallest preference that a study tells from chance with a given power; None where even
    unanimous answers are too few.

    preference: true share among decided answers, above 1/2; below it, 1 - preference. power:
    probability of p < .05. n: all answers of `participants`. effective: independent decided answers
    that they are worth.
    """

    preference: float | None
    power: float
    design: StudyDesign
    participants: int
    n: int
    effective: float


INDEPENDENT = StudyDesign()


def needed(preference: float, design: StudyDesign = INDEPENDENT, power: float = POWER) -> Needed:
    """Compute the answers and participants that a study needs.

    Independent decided answers: ((z_a / 2 + z_b sqrt(p (1 - p))) / (p - 1/2))^2, with z_a = 1.96
    and z_b = 0.84 for a power of 80 %.

    Args:
        preference: true share p of the preferred network among decided answers, 0 to 1.
        power: from 0.5 to below 1.

    Raises:
        BadSpec: a share or a power outside its range.
    """
    p, power = exact_share(preference, "preference"), _checked(power)
    if p == 0.5:
        return Needed(
            preference=p, power=power, design=design, independent=None, decided=None, participants=None, n=None
        )
    participants = 1
    while _effective(participants, design) < _independent(p, _quantiles(participants, design, power)) - ROUNDING:
        participants += 1
    return Needed(
        preference=p,
        power=power,
        design=design,
        independent=math.ceil(_independent(p, _quantiles(1, INDEPENDENT, power)) - ROUNDING),
        decided=round(participants * design.decided_a_person),
        participants=participants,
        n=participants * design.answers_a_person,
    )


def detectable(participants: int, design: StudyDesign = INDEPENDENT, power: float = POWER) -> Detectable:
    """Compute the smallest preference that a study tells from chance: the formula of `needed`,
    solved for p.

    Raises:
        BadSpec: no participants, or a power outside its range.
    """
    participants, power = whole(participants, "number of participants", least=1), _checked(power)
    effective, (z_a, z_b) = _effective(participants, design), _quantiles(participants, design, power)
    share = None
    if effective >= z_a**2:
        # (sqrt(n) d - z_a / 2)^2 = z_b^2 (1/4 - d^2) for d = p - 1/2, its larger root
        a, b, c = effective + z_b**2, math.sqrt(effective) * z_a, (z_a**2 - z_b**2) / 4
        share = min(0.5 + (b + math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a), 1.0)
    return Detectable(
        preference=share,
        power=power,
        design=design,
        participants=participants,
        n=participants * design.answers_a_person,
        effective=effective,
    )


def _checked(power: float) -> float:
    if not 0.5 <= power < 1:
        raise BadSpec(f"A power of {power} cannot be used.", "It must be from 0.5 to below 1.", "0.8 is usual.")
    return power


def _effective(participants: int, design: StudyDesign) -> float:
    """Return how many independent decided answers a study is worth."""
    return participants * design.decided_a_person / design.design_effect


def _quantiles(participants: int, design: StudyDesign, power: float) -> tuple[float, float]:
    """Return the quantiles of the level and of the power; infinite for the level if one person
    gives all answers.
    """
    from scipy.special import stdtrit

    if design.answers_a_person == 1:
        return Z, NormalDist().inv_cdf(power)
    if participants == 1:
        return math.inf, 0.0
    return t_quantile(participants - 1), float(stdtrit(participants - 1, power))


def _independent(p: float, quantiles: tuple[float, float]) -> float:
    """Return how many independent answers tell a share p from 1/2."""
    z_a, z_b = quantiles
    return ((z_a / 2 + z_b * math.sqrt(p * (1 - p))) / (p - 0.5)) ** 2
