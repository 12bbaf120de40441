"""What a sweep asked and found, as sentences and as a table, for pages, reports and terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandas import DataFrame

from core.base.numbers import counted, percent, score
from core.base.text import Rows, first_few
from core.data.datasets import DATASETS, truth_of
from core.data.folders import PREFIX, name_of
from core.figures.networks import model_text, pruning_text, short_way, way_text
from core.figures.wording import Name, of_truth
from core.results import DENSE_NAME
from core.saliency.baselines import heatmap_title
from core.specs import DataSpec, VariantSpec
from core.sweeps.read import is_lower_better, measure_title
from core.sweeps.spec import DENSE
from core.sweeps.views import BASELINE

if TYPE_CHECKING:
    from core.sweeps.sweep import Sweep  # imports torch

FEW = 3  # names that a sentence lists


def data_title(data: DataSpec) -> str:
    """Return what people read for a data set: its title, or the name of a folder or zip file."""
    title = name_of(data.name).removeprefix(PREFIX) if data.name not in DATASETS else DATASETS[data.name].title
    return f"{title}, background noise up to {data.noise:g}" if data.noise else title


def question(sweep: Sweep, images: int, name: Name = str, verb: str = "answered") -> str:
    """Return what a sweep asks, in Markdown. images: how many each network answered. name: formats
    the names of networks and data sets. verb: what the networks do, such as "will answer".
    """
    spec, catalogue = sweep.spec, sweep.engine.catalogue
    models = list(dict.fromkeys(name(catalogue.title(model)) for model in spec.models))
    ways = list(dict.fromkeys(way_text(each) for each in spec.prunings if each.schedule != "none"))
    who = "; ".join((first_few(models, FEW) + _seeds(sweep), *ways[:FEW], *(["and others"] if ways[FEW:] else [])))
    maps = [heatmap_title(cam.method) for cam in spec.cams]
    asked = "Is the answer right"
    asked += f", and where do heatmaps ({first_few(maps, FEW)}) look?" if maps else "?"
    beside = DENSE_NAME if spec.reference == DENSE else f"the network {name(spec.reference_of(spec.models[0]).key)}"
    return (
        f"**{counted(spec.networks, 'network')}** ({who}) {verb} **{counted(images, 'image')}** of"
        f" {name(data_title(spec.data))}. {asked} Each is compared with {beside}."
    )


def _seeds(sweep: Sweep) -> str:
    seeds = list(dict.fromkeys(str(model.seed) for model in sweep.spec.models))
    return f", seeds {', '.join(seeds)}" if len(seeds) > 1 else ""


def family_names(sweep: Sweep) -> dict[str, str]:
    """Return what people read for the families of a sweep (core/sweeps/families.py), by key."""
    found, several = {}, len(sweep.spec.models) > 1
    for model in sweep.spec.models:
        title = f"{model_text(sweep.engine.catalogue.title(model), model)}: " if several else ""
        for pruning in sweep.spec.prunings:
            ranking = (pruning.granularity, pruning.scope, pruning.criterion) if pruning.is_one_shot else ()
            found[" ".join((model.key, pruning.schedule, *ranking))] = f"{title}{short_way(pruning)}"
    return found


def finding(shown: DataFrame) -> str:
    """Return the means of the first and the last network, and how often a heatmap scores more than
    the baseline, in Markdown.

    Args:
        shown: as `of_measure` returns it.
    """
    is_baseline = shown.heatmap == BASELINE
    own = shown[~is_baseline].sort_values("sparsity")
    text = ends(own)
    if not is_baseline.any():
        return text
    beside = own.merge(shown[is_baseline], on="network", suffixes=("", "_baseline"))
    above = int((beside.low > beside.high_baseline).sum())
    below = int((beside.high < beside.low_baseline).sum())
    return (
        f"{text} Of {counted(len(own), 'network')}, {above} score above a spot in the centre, {below} below it; the"
        " other intervals overlap."
    )


def ends(rows: DataFrame) -> str:
    """Return the means of the first and the last network of a line, in Markdown. rows: in the order
    of their sparsity.
    """
    known = rows[rows["mean"].notna()]
    if known.empty:
        return "undefined for all images."
    both = [known.iloc[0]] if len(known) == 1 else [known.iloc[0], known.iloc[-1]]
    text = ", ".join(f"{_mean(row)} {_where(row)}" for row in both)
    return f"{text}{'' if len(known) == len(rows) else '; undefined for all images beyond'}."


def _where(row: Any) -> str:
    return "without pruning" if row.schedule == "none" else f"at {percent(row.sparsity)} sparsity"


def _mean(row: Any) -> str:
    return f"**{score(row['mean'])}** ({score(row['low'])} to {score(row['high'])}, n = {row['n']:,})"


def means_rows(sweep: Sweep, found: DataFrame, against: str = "", by_class: bool = False) -> Rows:
    """Return the means of a sweep as a table.

    Args:
        found: as `answers_once` returns it. against: the heatmap that they are differences from.
            by_class: there is a row for each class.
    """
    truth, variants = truth_of(sweep.spec.data.name), {variant.key: variant for variant in sweep.variants}
    several = ("network",) if len(sweep.spec.models) > 1 else ()
    ours = ("class",) if by_class else ()
    mean = f"minus {heatmap_title(against)}" if against else "mean"
    rows = [(*several, "pruning", "sparsity", "heatmap", *ours, "measure", mean, "95 % interval", "n")]
    for each in found.itertuples():
        variant = variants[each.network]
        network = (model_text(sweep.engine.catalogue.title(variant.model), variant.model),) if several else ()
        head = (*network, pruning_text(variant.pruning), percent(each.sparsity))
        heatmap = heatmap_title(each.heatmap) if each.heatmap else ""
        group = (_class(sweep, variant, found.loc[each.Index, "class"]),) if ours else ()
        title = of_truth(measure_title(each.measure), truth)
        title += " (lower is better)" if is_lower_better(each.measure) else ""
        interval = f"{score(each.low, 3)} to {score(each.high, 3)}"
        rows.append((*head, heatmap, *group, title, score(each.mean, 3), interval, f"{each.n:,}"))
    first = len(several)
    return Rows(rows, (first + 1, first + 4 + len(ours), first + 6 + len(ours)))


def _class(sweep: Sweep, variant: VariantSpec, index: int) -> str:
    return sweep.engine.card(variant.model).classes[index] if index >= 0 else "a class that it does not know"
