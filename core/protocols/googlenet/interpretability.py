"""Does interpretability survive pruning? The scores of the study's networks, and how they relate to
pruning rate and accuracy, in rows and sentences for the command line and the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pandas import DataFrame, Series

from core.base.errors import MissingData
from core.base.numbers import counted, score
from core.base.text import Part, Rows, first_few
from core.protocols.googlenet.protocol import PRUNINGS
from core.protocols.googlenet.summary import percent
from core.protocols.googlenet.tables import DENSE, PLACE, UNTRAINED, Scores, VonradTables
from core.units.embeddings import SIMILARITIES
from core.units.relation import Relation, near_chance_text, relation_rows, relations

QUESTION = "Is 'no significant relation' of interpretability and pruning found here?"
AGAINST = {"sparsity": "pruning rate", "right": "accuracy"}
LAYERS_NAMED = 3


def scores(tables: VonradTables) -> Scores:
    """Return the scores of a study. Raises MissingData: there are none."""
    if tables.units is None:
        raise MissingData(
            f"The units of no network of {tables.model} are scored.",
            "A run scores them on its test images if it is asked to.",
            "Run `python -m core protocol run googlenet` with --units 2000 and the options of the first run.",
        )
    return tables.units


def judges(tables: VonradTables) -> tuple[str, ...]:
    """Return the judges of similarity that scored every seed."""
    runs = [run["similarities"] for run in scores(tables).facts["runs"].values()]
    return tuple(name for name in runs[0] if all(name in names for names in runs))


def beside_accuracy(tables: VonradTables) -> DataFrame:
    """Return a row for every network whose units are scored: the columns of the scores, and its
    right answers: `correct` of `total` test images. Those of the untrained network are counted on
    the images of the scores.
    """
    rows = scores(tables).rows.merge(tables.levels[[*PLACE, "correct", "total"]], on=PLACE, how="left", validate="1:1")
    found = rows.assign(correct=rows.correct.fillna(rows.right), total=rows.total.fillna(rows.n))
    order = {name: place for place, name in enumerate((UNTRAINED, DENSE, *PRUNINGS))}
    found = found.assign(accuracy=found.correct / found.total)
    return found.sort_values(
        ["seed", "pruning"], key=lambda column: column.map(order) if column.name == "pruning" else column, kind="stable"
    ).reset_index(drop=True)


def related(tables: VonradTables, similarity: str) -> list[Relation]:
    """Relate the scores of trained networks to the share of weights removed and to accuracy."""
    rows = beside_accuracy(tables)
    return relations(rows.assign(right=rows.correct, n=rows.total), similarity, _classes(tables))


def near_chance(tables: VonradTables, similarity: str) -> str:
    """Say how networks near chance score, beside the dense and the untrained ones."""
    rows = beside_accuracy(tables)
    return near_chance_text(rows.assign(right=rows.correct, n=rows.total), similarity, _classes(tables))


def answer(found: list[Relation], similarity: str) -> str:
    """Answer QUESTION by one judge, from Spearman's correlations over all networks."""
    told = []
    for each in found:
        if each.name == "spearman" and each.near_chance:
            said = f"Spearman {score(each.value)} [{score(each.low)}, {score(each.high)}], n = {each.n:,}"
            if each.value is None:
                told.append(f"with {AGAINST[each.of]} it cannot be said ({counted(each.n, 'network')})")
            elif each.is_clear:
                direction = "higher" if each.value > 0 else "lower"
                told.append(f"with {AGAINST[each.of]} no, the score is {direction} where it is high ({said})")
            else:
                told.append(f"with {AGAINST[each.of]} yes ({said}, which includes 0)")
    return f"By {SIMILARITIES[similarity].title}: {'; '.join(told)}."


def baselines(tables: VonradTables, similarity: str) -> dict[str, float]:
    """Return what the score is to be compared with: mean scores of the untrained and the dense
    networks, and of the dense networks' units with exemplars drawn at random.
    """
    rows = scores(tables).rows
    untrained, dense = rows[rows.pruning == UNTRAINED], rows[rows.pruning == DENSE]
    found = {
        "dense": dense[f"mis-{similarity}"].mean(),
        "untrained": untrained[f"mis-{similarity}"].mean(),
        "random exemplars": dense[f"shuffled-{similarity}"].mean(),
    }
    return {name: float(value) for name, value in found.items() if value == value}


def origin(tables: VonradTables) -> str:
    """Say what the scores are of."""
    run, rows = next(iter(scores(tables).facts["runs"].values())), scores(tables).rows
    total = tables.levels.total.iloc[0]
    published = "" if run["comparable"] else "; published scores take 20 tasks of 400 images"
    names = run["layers"]
    layers = f"{counted(len(names), 'convolution')} ({first_few(names, LAYERS_NAMED)})"
    return (
        f"{int(rows.units.max()):,} units of {layers}; {run['n']:,} test images, {run['tasks']} tasks a"
        f" unit{published}. Accuracy: of all {total:,} test images. The score is the mean confidence of the tasks of"
        " living units, 0.5 is chance. Scores by different judges are not comparable; published ones are DreamSim's."
    )


def facts(tables: VonradTables) -> dict[str, Any]:
    """Return everything for machines."""
    if tables.units is None:
        return {}
    found = {name: related(tables, name) for name in judges(tables)}
    rows = beside_accuracy(tables)
    return {
        "units": rows.astype(object).where(rows.notna(), None).to_dict("records"),
        "units_facts": tables.units.facts,
        "relations": {name: list(map(asdict, each)) for name, each in found.items()},
        "answers": {name: answer(each, name) for name, each in found.items()},
        "baselines": {name: baselines(tables, name) for name in found},
    }


def parts(tables: VonradTables) -> Iterator[Part]:
    """Yield the scores for a terminal."""
    if tables.units is None:
        return
    yield f"Interpretability of single units (5): {origin(tables)}"
    yield _table(tables)
    for name in judges(tables):
        found = related(tables, name)
        yield f"{SIMILARITIES[name].title}: {SIMILARITIES[name].summary}"
        yield relation_rows(found)
        yield near_chance(tables, name)
    yield "\n".join([QUESTION, *(f"  {answer(related(tables, name), name)}" for name in judges(tables))])


def _table(tables: VonradTables) -> Rows:
    head = ["seed", "pruning", "retraining", "rate", "accuracy", "dead units"]
    rows = [[*head, *(part for name in judges(tables) for part in (name, "95 % interval", "shuffled"))]]
    for _, row in beside_accuracy(tables).iterrows():
        title = PRUNINGS[row.pruning].title if row.pruning in PRUNINGS else row.pruning
        cells = [str(row.seed), title, row.retraining if row.pruning in PRUNINGS else "", percent(row.rate, 0)]
        cells += [percent(row.accuracy), percent(row.dead / row.units)]
        rows.append([*cells, *(part for name in judges(tables) for part in _score(row, name))])
    return Rows(rows, [0, *range(3, len(rows[0]))], "Scores beside accuracy")


def _score(row: Series, judge: str) -> tuple[str, str, str]:
    mis, low, high, shuffled = (row[f"{name}-{judge}"] for name in ("mis", "low", "high", "shuffled"))
    return score(mis, 3), f"{score(low, 3)} to {score(high, 3)}", score(shuffled, 3)


def _classes(tables: VonradTables) -> int:
    return len(next(iter(tables.facts["runs"].values()))["classes"])
