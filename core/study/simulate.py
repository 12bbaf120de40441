"""Simulated participants: a study's answers before anybody has answered.

For dry runs, for the power of a planned study, and to measure how often intervals hold the truth.
"""

from __future__ import annotations

import numpy as np
import pandas
from numpy.typing import NDArray

from core.base.draws import numpy_generator
from core.specs import whole
from core.study.answers import meant
from core.study.behaviour import Behaviour, Drawn, Floats, careful_answers, random_answers, reaction_ms
from core.study.design import Design, draw
from core.study.rules import excluded_by
from core.study.spec import Rules, StudySpec

NETWORK_MS = 60.0  # mean of the time that the server sees beyond the reaction
FOCUS_LOSSES = 0.01  # a trial
SPREAD_S = 600.0  # participants begin within as many seconds
PRESSED = ["participant", "excluded", "trial", "slot", "position", "block", "item", "left"]
PRESSED += ["kind", "task", "image", "label", "less", "more", "answer", "shown", "answered", "reaction_ms"]
PRESSED += ["focus_losses"]


def planned_design(spec: StudySpec, classes: int = 10) -> Design:
    """Draw the design of a study whose images are not known yet: as many as it will have, of as
    many classes.
    """
    count = whole(classes, "number of classes", 1) * spec.images
    images = pandas.DataFrame({"image": np.arange(2 * count), "label": np.arange(2 * count) % classes})
    return draw(spec, images.iloc[:count], images.iloc[count:])


def simulate(
    design: Design,
    behaviour: Behaviour,
    *,
    participants: int | None = None,
    rules: Rules | None = None,
    seed: int = 0,
) -> pandas.DataFrame:
    """Simulate a study; return its table of answers, in the form of `Answers.frame`.

    Args:
        participants: who come; None for as many as there are slots. Whoever drops out or breaks a
            rule frees the slot for the next one. Nobody is let in once no slot is free, so fewer
            may take part.
        rules: whose answers are left out; None for none.
        seed: the same seed gives the same answers.
    """
    wanted = whole(design.slots if participants is None else participants, "number of participants", 1)
    trials = _trials(design)
    of_item = item_effects(design, behaviour, seed)
    free, waves, first = np.arange(design.slots), [], 1
    while wanted and len(free):
        slots = free[:wanted]
        rows = _wave(trials, slots, first, behaviour, of_item, seed)
        broken = {} if rules is None else excluded_by(meant(rows), rules)
        lasted = rows.groupby("participant")["trial"].size()
        due = trials.groupby("slot").size().reindex(slots).to_numpy()
        people = np.arange(first, first + len(slots))
        finished = lasted.reindex(people, fill_value=0).to_numpy() == due
        # a rule is applied to whoever finishes
        out = {who: broken[who] for who in people[finished].tolist() if who in broken}
        rows["excluded"] = rows["participant"].map(lambda who, out=out: out.get(who)).astype(object)
        waves.append(rows)
        again = ~finished | np.isin(people, list(out))
        free, wanted, first = (
            np.concatenate([free[len(slots) :], slots[again]]),
            wanted - len(slots),
            first + len(slots),
        )
    return meant(pandas.concat(waves, ignore_index=True))


def item_effects(design: Design, behaviour: Behaviour, seed: int) -> Floats:
    """Return how the items of a simulated study differ, on the logit scale: (items, 2), towards the
    more pruned variant or the right name, and towards "equal".
    """
    items = int(design.items["item"].max()) + 1
    return behaviour.item_sd * numpy_generator("simulated items", seed).standard_normal((items, 2))


def _trials(design: Design) -> pandas.DataFrame:
    """Return the trials with their items, slot by slot."""
    return design.trials.merge(design.items, on="item", validate="many_to_one").sort_values(["slot", "position"])


def _wave(
    trials: pandas.DataFrame, slots: NDArray, first: int, behaviour: Behaviour, of_item: Floats, seed: int
) -> pandas.DataFrame:
    """Return the rows of participants who take these slots; the first one has this number."""
    random, labels = numpy_generator("simulated people", seed, first), np.sort(trials["label"].unique())
    person_of = pandas.Series(np.arange(len(slots)), index=slots)
    rows = trials[trials["slot"].isin(slots)].reset_index(drop=True)
    person = rows["slot"].map(person_of).to_numpy()
    careless = random.random(len(slots)) < behaviour.careless
    of_person = behaviour.person_sd * random.standard_normal((len(slots), 2))
    effects = of_person[person] + of_item[rows["item"].to_numpy()]
    pressed = np.where(
        careless[person],
        random_answers(rows, labels, random),
        careful_answers(rows, labels, behaviour, Drawn(effects=effects, random=random)),
    )
    reaction = reaction_ms(careless[person], behaviour, random)
    server = reaction + random.exponential(NETWORK_MS, len(rows))
    rows = rows.assign(
        participant=first + person,
        excluded=None,
        answer=pressed,
        reaction_ms=reaction,
        focus_losses=(random.random(len(rows)) < FOCUS_LOSSES).astype(np.int64),
    )
    begun = random.uniform(0, SPREAD_S, len(slots))
    total = pandas.Series(server / 1000).groupby(person).cumsum().to_numpy()
    rows["shown"] = begun[person] + total - server / 1000
    rows["answered"] = begun[person] + total
    length = np.bincount(person, minlength=len(slots))
    stops = np.where(random.random(len(slots)) < behaviour.dropout, random.integers(0, length), length)
    return rows[rows["position"].to_numpy() < stops[person]].sort_values(["participant", "position"])[PRESSED]
