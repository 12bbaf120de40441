"""`python -m core sweep ...`: a grid of networks over a data set, and what it says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from core.base.atomic import replacing
from core.base.errors import BadSpec, UnknownName
from core.base.numbers import counted, percent, score
from core.base.options import option
from core.base.text import SHOWN, Rows, whole_number
from core.cli.app import COMMON, COMPUTING, Common, Computing, group
from core.cli.console import Output
from core.cli.structure import FLAT, Flag
from core.cli.writing import check_writable
from core.specs import TARGETS, CamSpec, DataSpec, VariantSpec, whole
from core.specs.shares import one_of

if TYPE_CHECKING:
    from pandas import DataFrame

    from core.sweeps.cluster import Cluster
    from core.sweeps.estimate import Estimate
    from core.sweeps.sweep import Sweep

ASK_FROM_S, ASK_FROM_BYTES = 600.0, 1_000_000_000  # a larger sweep asks before it starts


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How a sweep is run."""

    runner: str = option("local", "local: this machine. ray: a cluster, see docs/scale.md.")
    processes: int = option(1, "local: processes that share the networks, one a GPU or one a core.")
    address: str = option(
        "", "ray: HOST:PORT of the cluster's head. By default RAY_ADDRESS, else the Ray of this machine."
    )
    gpus_per_network: float | None = option(
        None,
        "ray: share of a GPU for each network, such as 0.25. By default a whole one, or a CPU core if none is there.",
    )
    part: str = option("1/1", "Only a part of the networks, such as 3/20: the third of twenty machines' shares.")
    yes: Flag = option(False, "Start without asking, however long it will take.")
    estimate: Flag = option(False, "Only measure the first images and print what the sweep would cost.")


ONE = Workers()
KEPT = "Stopped. Every network and image that is done is kept; the same command goes on from there."
NETWORKS_KEPT = "Stopped. Every network that is done is kept; the same command goes on from there."
ONLY_READ = "Stopped before the answers were read; they stay as they are, and the same command reads them again."
NOT_BEGUN = "Stopped before the sweep began; what earlier runs computed is kept."
RUNNERS = ("local", "ray")


def sweeps() -> App:
    """Create the commands of sweeps."""
    app = group("sweep", "Ask many networks about the images of a data set; a sweep is a YAML file.")
    for command in (run, write, show, spot, breaks, export):
        app.command(command)
    return app


def run(
    path: Path, /, *, workers: Annotated[Workers, FLAT] = ONE, common: Annotated[Computing, FLAT] = COMPUTING
) -> None:
    """Compute what a sweep still lacks. Ctrl-C keeps every network that is done.

    Args:
        path: the YAML file of the sweep.
    """
    from core.sweeps.cluster import run as run_cluster
    from core.sweeps.estimate import estimate
    from core.sweeps.processes import run as run_processes

    part, processes = part_of(workers.part), whole(workers.processes, "number of processes", 1)
    cluster = _cluster(workers, common)
    check_writable(common.settings.folder)
    sweep, output = _sweep(path, common), common.output
    if workers.estimate or (not output.as_json and not workers.yes):
        with output.progress("Measuring the first images", NOT_BEGUN):
            cost = estimate(sweep, part)
        output.say(asdict(cost), cost.text)
        if workers.estimate:
            return
        _ask(cost)
    with output.progress("Networks", KEPT if cluster is None and processes == 1 else NETWORKS_KEPT):
        output.advance("Networks", 0, len(sweep.variants[part[0] - 1 :: part[1]]))
        if processes > 1:
            gpus = _gpus() if sweep.engine.device.type == "cuda" else 0
            words = ["sweep", "run", str(path), "--json", "--part", workers.part, *_options(common, gpus > 0)]
            done: set[str] = set()
            for line in run_processes(words, processes, gpus):
                if line["network"] in done:  # another process has said so
                    continue
                done.add(line["network"])
                _step(output, line | {"done": len(done)})
            return
        for step in sweep.run(part) if cluster is None else run_cluster(sweep, cluster, part):
            facts = {"network": step.variant.key, "done": step.done, "networks": step.networks}
            _step(output, facts | {"found": step.found, "seconds": round(step.seconds, 3)})
    if not output.as_json:
        output.say({}, f"`python -m core sweep show {path}` shows the means.")


def write(
    link: str,
    out: Path,
    /,
    *,
    data: Annotated[str, Parameter(help="Data set, folder or zip file; by default that of the link.")] = "",
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Write the sweep of a view of Explore as YAML.

    It asks about the view's network, pruned to every amount of its curve, and its heatmap.

    Args:
        link: the address of the view, in quotation marks.
        out: the YAML file to write.
    """
    from core.data.datasets import data_name
    from core.sweeps.address import read_address
    from core.sweeps.views import of_view
    from core.sweeps.written import to_yaml

    if out.exists():
        raise BadSpec(f"{out} exists already.", "A file is not overwritten.", "Choose another name, or delete it.")
    engine = common.engine()
    view = read_address(link, engine.catalogue)
    asked = DataSpec(name=data_name(data)) if data else view.data
    if asked is None:
        raise BadSpec("The image of this view belongs to no data set.", "", "Name one: --data FOLDER.")
    spec = of_view(engine, view.variant, view.cam, asked, view.images, view.reference)
    try:
        out.write_text(to_yaml(spec, f"The sweep of a view: {view.variant.model.key}, {view.variant.pruning.family}"))
    except OSError as error:
        raise BadSpec(f"{out} cannot be written ({error.strerror or error}).", "", "Choose another folder.") from error
    networks = counted(spec.networks, "network")
    common.output.say({"written": str(out), "networks": spec.networks}, f"Written: {out}, {networks}.")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What of a sweep is shown."""

    measures: tuple[str, ...] = option((), "Only these measures; by default all.")
    heatmaps: tuple[str, ...] = option((), "Only these heatmaps; by default all.")
    by_class: Flag = option(False, "A row for every class of the images; the sweep needs the measure label.")
    against: str = option(
        "", "Show differences from this heatmap of the sweep, such as centre-blob, paired image by image."
    )


ALL = Shown()


def show(path: Path, /, *, shown: Annotated[Shown, FLAT] = ALL, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Show the mean of every measure, with its 95 % interval, for every network that is done.

    Args:
        path: the YAML file of the sweep.
    """
    from core.sweeps.read import answers_once, differences, done, summary

    if shown.against and shown.by_class:
        raise BadSpec("Differences are not shown by class.", "", "Omit --against or --by-class.")
    sweep = _sweep(path, common)
    with common.output.progress("Reading the answers", ONLY_READ):
        found = differences(sweep, shown.against) if shown.against else summary(sweep, shown.by_class)
    if found.empty:
        raise BadSpec("No network of this sweep is done yet.", "", f"Run `python -m core sweep run {path}`.")
    for names, column in ((shown.measures, "measure"), (shown.heatmaps, "heatmap")):
        if names:
            found = found[found[column].isin(_known(names, column, list(found[column].unique())))]
    finished, networks = done(sweep), len(sweep.variants)
    facts = {"done": finished, "networks": networks, "rows": _plain(found)}
    complete = f"All {networks:,} networks are done."
    if finished < networks:
        complete = (
            f"{finished:,} of {networks:,} networks are done; of the others, what is known is shown. "
            f"`python -m core sweep run {path}` computes the rest."
        )
    common.output.say(facts, [complete, *_head(sweep), _table(sweep, answers_once(found), shown), *_notes(found)])


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What must not become worse, and by how much."""

    heatmap: str = option("", "The heatmap; by default the first one that is done.")
    measures: tuple[str, ...] = option(
        (),
        "These measures; by default accuracy, Soft IoU and the correlation of heatmaps, as far as the sweep has them.",
    )
    tolerance: float = option(0.02, "By how much accuracy and measures against marked objects may be lower.")
    threshold: float = option(0.8, "What similarities to the reference's heatmap must exceed.")


USUAL = Tested()


def spot(path: Path, /, *, tested: Annotated[Tested, FLAT] = USUAL, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Find the largest sparsity at which nothing is worse than the reference by more than a limit.

    Args:
        path: the YAML file of the sweep.
    """
    from core.figures.decisions import failure_text, gain_text, limits_text, spot_text
    from core.figures.wording import plain
    from core.sweeps.spots import Limits, spots

    sweep, limits = _sweep(path, common), Limits(tolerance=tested.tolerance, threshold=tested.threshold)
    names = tuple(_known(tested.measures, "measure", list(sweep.spec.measures))) if tested.measures else ()
    found = spots(sweep, limits, names, tested.heatmap)
    lines: list[str | Rows] = []
    for name, one in found.items():
        failed = [failure_text(check) for check in one.checks if check.sparsity == one.fails_at and not check.passes]
        gains = [gain_text(gain) for gain in one.gains]
        lines += [f"{name}: {plain(spot_text(one))}", limits_text(one, limits), *failed, *gains, ""]
    common.output.say({name: asdict(one) for name, one in found.items()}, lines)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """What counts as a broken explanation."""

    measure: str = option("pearson", "The similarity to the reference's heatmap.")
    heatmap: str = option("", "The heatmap; by default the first one that is done.")
    threshold: float = option(0.5, "A similarity below it is broken.")


HALF = Broken()
THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9)  # that show how much the finding depends on one


def breaks(path: Path, /, *, broken: Annotated[Broken, FLAT] = HALF, common: Annotated[Common, FLAT] = COMMON) -> None:
    """Say for how many images the explanation breaks before the answer.

    Args:
        path: the YAML file of the sweep.
    """
    from core.figures.decisions import breaks_text, earlier_text
    from core.figures.wording import plain
    from core.sweeps.breaks import SAME, by_threshold, find_breaks
    from core.sweeps.families import families

    sweep = _sweep(path, common)
    _known([broken.measure], "measure", list(sweep.spec.measures))
    facts: dict[str, Any] = {}
    lines: list[str | Rows] = []
    for name, family in families(sweep, (SAME, broken.measure), broken.heatmap).items():
        found = find_breaks(family.rows, broken.measure, broken.threshold)
        images = _plain(found.by_image)
        facts[name] = {field.name: getattr(found, field.name) for field in fields(found)} | {"by_image": images}
        facts[name] |= {key: asdict(facts[name][key]) for key in ("explanation_first", "answer_first", "earlier")}
        facts[name]["alive"] = [asdict(each) for each in found.alive]
        table = [["threshold", "explanation first", "answer first", "both at once", "neither"]]
        for each in by_threshold(family.rows, broken.measure, THRESHOLDS):
            counts = (each.explanation_first.count, each.answer_first.count, each.together, each.neither)
            table.append([score(each.threshold), *map(str, counts)])
        lines += [f"{name}: {plain(breaks_text(found))}", earlier_text(found), Rows(table, (1, 2, 3, 4)), ""]
    common.output.say(facts, lines)


def _plain(rows: DataFrame) -> list[dict[str, Any]]:
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def _head(sweep: Sweep) -> list[str]:
    """Return what all rows share: the network if there is one only, and the heatmaps."""
    from core.cli.printing import model_text
    from core.saliency.baselines import BASELINES, heatmap_title

    models = sweep.spec.models
    parts = [model_text(sweep.engine.catalogue.title(models[0]), models[0])] if len(models) == 1 else []
    layers = list(dict.fromkeys(sweep.engine.card(model).target_layer for model in models))
    drawn = {name for name, each in BASELINES.items() if each.value.draw is not None}
    cams = [
        f"{heatmap_title(cam.method)}: "
        + ("needs no network" if cam.method in drawn else f"at {cam.layer or ' or '.join(layers)}, for {_target(cam)}")
        for cam in sweep.spec.cams
    ]
    return [*parts, *(["\n".join(cams)] if cams else [])]


def _table(sweep: Sweep, found: DataFrame, shown: Shown) -> Rows:
    from core.cli.printing import model_text, pruning_text
    from core.data.datasets import truth_of
    from core.figures.wording import of_truth
    from core.saliency.baselines import heatmap_title
    from core.sweeps.read import is_lower_better, measure_title

    truth, variants = truth_of(sweep.spec.data.name), {variant.key: variant for variant in sweep.variants}
    several = ("network",) if len(sweep.spec.models) > 1 else ()
    ours = ("class",) if shown.by_class else ()
    mean = f"minus {heatmap_title(shown.against)}" if shown.against else "mean"
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


def _notes(found: DataFrame) -> list[str]:
    """Explain what the table cannot say."""
    if (found.n < found.images).any():
        return [
            "Where n is below the number of images, the measure is undefined for the others, for instance because a "
            "map is empty: such means are not of the same images."
        ]
    return []


def _known(names: Sequence[str], noun: str, known: list[str]) -> list[str]:
    """Return these names of the sweep. Raises UnknownName."""
    for name in names:
        if name not in known:
            raise UnknownName(f"{noun} in this table", name, list(filter(None, known)))
    return list(names)


def _target(cam: CamSpec) -> str:
    return TARGETS[cam.target] if isinstance(cam.target, str) else f"class {cam.target}"


def _class(sweep: Sweep, variant: VariantSpec, index: int) -> str:
    return sweep.engine.card(variant.model).classes[index] if index >= 0 else "a class that it does not know"


def export(
    path: Path,
    out: Path,
    /,
    *,
    units: Annotated[Flag, Parameter(help="Add columns of the network's units: see `units run`.")] = False,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Write one row for every image, network and heatmap that is done, as CSV or Parquet.

    Args:
        path: the YAML file of the sweep.
        out: the file to write, .csv or .parquet.
    """
    from core.sweeps.read import frame
    from core.units.read import joined
    from core.units.study import UnitStudy

    if out.suffix not in (".csv", ".parquet"):
        raise BadSpec(f"{out} is neither CSV nor Parquet.", "The name ends in .csv or .parquet.", "Rename it.")
    sweep = _sweep(path, common)
    try:
        out.parent.stat()  # a folder that is not there is not made
        with common.output.progress("Reading and writing the rows", ONLY_READ), replacing(out) as part:
            found = joined(frame(sweep), UnitStudy(sweep)) if units else frame(sweep)
            found.to_csv(part, index=False) if out.suffix == ".csv" else found.to_parquet(part, index=False)
    except OSError as error:
        raise BadSpec(f"{out} cannot be written ({error.strerror or error}).", "", "Choose another folder.") from error
    common.output.say({"written": str(out), "rows": len(found)}, f"Written: {out}, {counted(len(found), 'row')}.")


def _sweep(path: Path, common: Common) -> Sweep:
    from core.sweeps.sweep import Sweep
    from core.sweeps.written import read_sweep

    return Sweep(common.engine(), read_sweep(path))


def part_of(text: str) -> tuple[int, int]:
    """Read k/n. Raises BadSpec."""
    number, _, of = text.partition("/")
    part, parts = whole_number(number), whole_number(of)
    if part is None or parts is None or not 1 <= part <= parts:
        raise BadSpec(f"'{text[:SHOWN]}' is no part.", "A part is k/n with k from 1 to n.", "Say --part 3/20.")
    return part, parts


def _cluster(workers: Workers, common: Computing) -> Cluster | None:
    """Return the cluster to run on; None for this machine. Raises BadSpec, NoCluster."""
    from core.sweeps.cluster import Cluster, check_installed

    one_of(workers.runner, RUNNERS, "runner")
    if workers.runner == "ray":
        if workers.processes != 1:
            raise BadSpec("Ray starts its own processes.", "--processes is for the runner local.", "Omit --processes.")
        check_installed()
        return Cluster(settings=common.settings, address=workers.address, gpus=workers.gpus_per_network)
    if workers.address or workers.gpus_per_network is not None:
        raise BadSpec(
            "A sweep on this machine has no address and no GPUs per network.",
            "--address and --gpus-per-network are for the runner ray.",
            "Say --runner ray, or omit them.",
        )
    return None


def _ask(cost: Estimate) -> None:
    """Ask before a large sweep. Raises BadSpec if nobody can answer, or the answer is no."""
    if cost.seconds < ASK_FROM_S and cost.bytes < ASK_FROM_BYTES:
        return
    if not (sys.stdin.isatty() and input("Start it? [y/N] ").strip().lower() in ("y", "yes")):
        raise BadSpec(
            "The sweep was not started.", "A large sweep asks first.", "Say --yes to start it without asking."
        )


def _step(output: Output, facts: dict[str, Any]) -> None:
    text = f"{facts['network']}: " + ("found" if facts["found"] else f"{facts['seconds']:.1f} s")
    output.step(facts, text, (facts["done"], facts["networks"]))


def _options(common: Computing, on_gpus: bool) -> list[str]:
    """Return the options as words for another process; each is given a GPU of its own."""
    names = [each.name for each in fields(common) if each.name != "json" and not (on_gpus and each.name == "device")]
    given = {name: getattr(common, name) for name in names}
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()
